import { RecipeError } from "../algorithm/plugin.ts";
import { evaluationMetrics } from "../loop/metrics.ts";
import type { Metrics } from "../loop/record.ts";
import { type Base, Run } from "../loop/run.ts";
import { LOOP_VERSION } from "../loop/version.ts";
import type { Engine } from "../policy/engine.ts";
import { type Arm, type Claim, checkClaim } from "../recipes/claim.ts";
import { recipeById } from "../recipes/index.ts";
import type { ClaimReport, ConditionReport } from "../recipes/outcomes.ts";
import { differences, grpo, type Recipe, type ResolvedRecipe, resolveRecipe, settingsOf, withChange } from "../recipes/recipe.ts";
import { bytesHash, contentHash, type RunCache } from "./cache.ts";
import { type FinishedRun, measureRun, measureText } from "./measure.ts";
import { combine, judge } from "./statistics.ts";

/** One run of a claim has begun, gone on or ended. */
export interface ClaimProgress {
  readonly name: string;
  readonly seed: number;
  readonly step: number;
  /** Generated so far. */
  readonly tokens: number;
  readonly state: "running" | "done" | "kept";
}

export interface ClaimContext {
  readonly engine: Engine;
  /** The weights of a shipped policy. */
  readonly base: (policy: string) => Promise<Base>;
  readonly cache: RunCache;
  /** In place of the claim's own number. */
  readonly seeds?: number;
  readonly onProgress?: (progress: ClaimProgress) => void;
}

/** @throws RecipeError if the recipe has no claim, or a broken one. */
export function claimOf(recipe: Recipe): Claim {
  if (recipe.claim === undefined) throw new RecipeError(`${recipe.id} has no claim`);
  return checkClaim(recipe.claim);
}

/** What an arm runs: its recipe with the claim's settings and then its own changes. */
function resolveArm(recipe: Recipe, claim: Claim, arm: Arm): ResolvedRecipe {
  const written = arm.recipe === undefined || arm.recipe === recipe.id ? recipe : recipeById(arm.recipe);
  const changes = [...Object.entries(claim.settings), ...Object.entries(arm.changes ?? {})];
  return changes.reduce((resolved, [path, value]) => withChange(resolved, path, value), resolveRecipe(written));
}

/** The two sides of each condition, resolved; a number stands for itself. */
export function armsOf(recipe: Recipe): readonly { readonly method: ResolvedRecipe; readonly baseline: ResolvedRecipe | number }[] {
  const claim = claimOf(recipe);
  return claim.conditions.map(({ method = {}, baseline = claim.baseline }) => ({
    method: resolveArm(recipe, claim, method),
    baseline: typeof baseline === "number" ? baseline : resolveArm(recipe, claim, baseline),
  }));
}

/**
 * What a recorded outcome is about: the claim and the recipes it compares, as differences from GRPO (so that a new parameter whose default
 * changes nothing leaves records valid). Words do not count.
 */
export function claimHash(recipe: Recipe): string {
  const { conditions, budget } = claimOf(recipe);
  const diff = (arm: ResolvedRecipe | number) =>
    typeof arm === "number" ? arm : differences(grpo(), arm).map(({ path, to }) => [path, to ?? null]);
  return contentHash({
    arms: armsOf(recipe).map(({ method, baseline }) => [diff(method), diff(baseline)]),
    conditions: conditions.map(({ measure, direction, margin, compare }) => ({ measure, direction, margin, compare })),
    policy: budget.policy,
    tokens: budget.tokens,
  });
}

/** Runs steps until the token budget is spent, then evaluates. */
async function runToBudget(
  context: ClaimContext,
  setup: { readonly recipe: ResolvedRecipe; readonly policy: string; readonly seed: number },
  base: Base,
  budget: number,
): Promise<FinishedRun> {
  const started = process.cpuUsage();
  const run = await Run.open(context.engine, setup, base);
  try {
    const steps: Metrics[] = [];
    let tokens = 0;
    while (tokens < budget) {
      const metrics = (await run.complete()).metrics!;
      if (!(metrics.tokens > 0)) throw new RecipeError(`${setup.recipe.name} generates no tokens, so its budget is never spent`);
      steps.push(metrics);
      tokens += metrics.tokens;
      context.onProgress?.({ name: setup.recipe.name, seed: setup.seed, step: steps.length, tokens, state: "running" });
    }
    const end = evaluationMetrics(await run.evaluate("policy"));
    const { user, system } = process.cpuUsage(started);
    return { steps, end, tokens, cpuSeconds: (user + system) / 1e6 };
  } finally {
    run.dispose();
  }
}

/** A run from the cache, or made and kept there. */
async function cachedRun(context: ClaimContext, claim: Claim, recipe: ResolvedRecipe, seed: number, base: Base): Promise<FinishedRun> {
  const { policy, tokens: budget } = claim.budget;
  const key = contentHash({
    version: LOOP_VERSION,
    settings: settingsOf(recipe),
    config: base.config,
    theta: bytesHash(base.theta),
    seed,
    budget,
    plan: context.engine.plan,
  });
  const kept = await context.cache.get(key);
  const run = kept ?? (await runToBudget(context, { recipe, policy, seed }, base, budget));
  if (!kept) await context.cache.put(key, run);
  const { steps, tokens } = run;
  context.onProgress?.({ name: recipe.name, seed, step: steps.length, tokens, state: kept ? "kept" : "done" });
  return run;
}

const finiteOrNull = (values: readonly number[]) => values.map((value) => (Number.isFinite(value) ? value : null));

/**
 * Checks a recipe's claim: runs every arm from paired seeds (1, 2, …) until it has generated the claim's tokens, and judges each condition.
 * @throws RecipeError for a claim, recipe or path that does not fit; EngineError.
 */
export async function runClaim(recipe: Recipe, context: ClaimContext): Promise<ClaimReport> {
  const claim = claimOf(recipe);
  const arms = armsOf(recipe);
  const base = await context.base(claim.budget.policy);
  const count = context.seeds ?? claim.budget.seeds;
  const runs = new Map<string, FinishedRun>();
  const at = (arm: ResolvedRecipe, seed: number) => `${seed} ${contentHash(settingsOf(arm))}`;
  // Seed by seed, so that an interrupted claim has whole pairs.
  for (let seed = 1; seed <= count; seed++) {
    for (const arm of arms.flatMap(({ method, baseline }) => (typeof baseline === "number" ? [method] : [baseline, method]))) {
      if (!runs.has(at(arm, seed))) runs.set(at(arm, seed), await cachedRun(context, claim, arm, seed, base));
    }
  }
  const seeds = Array.from({ length: count }, (_, i) => i + 1);
  const conditions = claim.conditions.map((condition, i): ConditionReport => {
    const measured = (arm: ResolvedRecipe | number) =>
      seeds.map((seed) => (typeof arm === "number" ? arm : measureRun(runs.get(at(arm, seed))!, condition.measure)));
    const pairs = { method: measured(arms[i].method), baseline: measured(arms[i].baseline) };
    const { sentence, measure, direction, margin, compare = "difference" } = condition;
    return {
      sentence,
      measure: measureText(measure),
      direction,
      margin,
      compare,
      ...judge(pairs, condition),
      method: finiteOrNull(pairs.method),
      baseline: finiteOrNull(pairs.baseline),
    };
  });
  return {
    recipe: recipe.id,
    hash: claimHash(recipe),
    loopVersion: LOOP_VERSION,
    seeds: count,
    tokens: claim.budget.tokens,
    outcome: combine(conditions.map(({ outcome }) => outcome)),
    conditions,
    cpuSeconds: [...runs.values()].reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}
