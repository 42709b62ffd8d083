import type { RolloutBatch } from "../algorithm/batch.ts";
import { spreadRows } from "../algorithm/batch.ts";
import { inList, inSlot, randomFor } from "../loop/context.ts";
import type { Group, StepRecord } from "../loop/record.ts";
import { Run, type RunSetup, type Snapshot } from "../loop/run.ts";
import type { Engine } from "../policy/engine.ts";
import { STREAM } from "../policy/random.ts";
import { decode, EOS, PAD } from "../policy/tokenizer.ts";
import { recipeById } from "../recipes/index.ts";
import { resolveRecipe, withChange } from "../recipes/recipe.ts";
import { taskById } from "../tasks/index.ts";
import type { Draw } from "./contender.ts";
import { NEW_TOKENS, SEED, TASK, type Workload } from "./workload.ts";

/** A whole iteration of GRPO as it comes out. */
export interface Outcome {
  /** `[rows, NEW_TOKENS]`, `PAD` after a row's end. */
  readonly tokens: Int32Array;
  /** `[rows]`. */
  readonly rewards: readonly number[];
  /** Of each update. */
  readonly losses: readonly number[];
}

/** Adam's numbers, and the length that gradients are cut to (0: not). */
export interface AdamSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly maxGradNorm: number;
}

/** One iteration that is given to everybody: the second step of a run, so that Adam has a past. */
export interface GrpoStep {
  readonly setup: RunSetup;
  /** Weights and Adam's state before it. */
  readonly start: Snapshot;
  readonly groups: readonly Group[];
  /** `[rows, promptLength]`. */
  readonly prompts: Int32Array;
  /** The uniforms that its rollouts are drawn with, `[NEW_TOKENS, rows]`. */
  readonly uniforms: Float32Array;
  /** The rows of each update, as the recipe's mini-batches and epochs have them. */
  readonly miniBatches: readonly Int32Array[];
  readonly adam: AdamSettings;
  /** Bounds of the importance ratio. */
  readonly clip: { readonly low: number; readonly high: number };
}

const STEP = 2;

/**
 * The default recipe, GRPO (group-relative advantages, clipped objective, two epochs of two mini-batches, gradient clipping, Adam without decay,
 * no KL penalty), on the workload's task. Fresh weights ramble on, most often to the length limit; the penalty for that makes groups
 * differ, so that the updates have something to do.
 */
function setupFor({ shape }: Workload): RunSetup {
  const changes = {
    task: TASK.id,
    "task.level": TASK.level,
    rewards: "overlong",
    "sampler.promptsPerStep": shape.prompts,
    "sampler.groupSize": shape.group,
    "sampler.maxNewTokens": NEW_TOKENS,
    "evaluation.every": 0,
  };
  const recipe = Object.entries(changes).reduce((r, [path, value]) => withChange(r, path, value), resolveRecipe(recipeById("grpo")));
  return { recipe, policy: "fresh", seed: SEED };
}

/** The iteration that an engine makes of the workload, with what comes of it. */
export async function grpoStep(
  engine: Engine,
  work: Workload,
): Promise<{ readonly step: GrpoStep; readonly outcome: Outcome; readonly theta: Float32Array }> {
  const setup = setupFor(work);
  const run = await Run.open(engine, setup, work);
  try {
    for (let step = 1; step < STEP; step++) await run.complete();
    const start = await run.snapshot();
    const record = await run.complete();
    const { optimizer, objective } = setup.recipe.slots;
    const number = (params: Readonly<Record<string, unknown>>, name: string) => Number(params[name]);
    const prompts = record.groups.flatMap((group) => group.members.flatMap(() => [...group.promptTokens]));
    if (prompts.length !== work.prompts.length) throw new Error("the iteration's prompts are not as long as the workload's");
    const step: GrpoStep = {
      setup,
      start,
      groups: record.groups,
      prompts: Int32Array.from(prompts),
      uniforms: work.uniforms(STEP),
      miniBatches: record.updates.map(({ rows }) => rows),
      adam: {
        learningRate: number(optimizer.params, "learningRate"),
        beta1: number(optimizer.params, "beta1"),
        beta2: number(optimizer.params, "beta2"),
        eps: 1e-8,
        maxGradNorm: number(optimizer.params, "maxGradNorm"),
      },
      clip: { low: number(objective.params, "clipLow"), high: number(objective.params, "clipHigh") },
    };
    return { step, outcome: outcomeOf(record), theta: (await run.policy.save()).theta };
  } finally {
    run.dispose();
  }
}

/** What a record of the loop says of its iteration. */
export function outcomeOf({ rollouts, tokens, updates }: StepRecord): Outcome {
  const padded = new Int32Array(rollouts.length * NEW_TOKENS).fill(PAD);
  rollouts.forEach((_, r) => {
    padded.set(tokens!.tokens.subarray(tokens!.offsets[r], tokens!.offsets[r + 1]), r * NEW_TOKENS);
  });
  return { tokens: padded, rewards: rollouts.map(({ reward }) => reward!), losses: updates.map(({ loss }) => loss) };
}

/** The rows of one update, all of the same length; weights beyond a row's end are 0. */
export interface UpdateRows {
  /** `[rows, promptLength + NEW_TOKENS]`. */
  readonly tokens: Int32Array;
  /** `[rows, NEW_TOKENS]` each. */
  readonly oldLogProb: Float32Array;
  readonly advantage: Float32Array;
  readonly weight: Float32Array;
}

/** What the host makes of rollouts, with the recipe's own plug-ins: cut at the end-of-text, judged, rewarded, compared, put into mini-batches. */
export function judge(
  { setup, start, groups, prompts, miniBatches }: GrpoStep,
  draw: Draw,
): Outcome & { readonly updates: readonly UpdateRows[] } {
  const { recipe, seed } = setup;
  const rows = draw.tokens.length / NEW_TOKENS;
  const promptLength = prompts.length / rows;
  const tokens = draw.tokens.slice();
  const lengths = Array.from({ length: rows }, (_, r) => {
    const end = tokens.subarray(r * NEW_TOKENS, (r + 1) * NEW_TOKENS).indexOf(EOS);
    const length = end < 0 ? NEW_TOKENS : end + 1;
    tokens.fill(PAD, r * NEW_TOKENS + length, (r + 1) * NEW_TOKENS);
    return length;
  });
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets[offsets.length - 1] + length);
  const packed = <T extends Int32Array | Float32Array>(values: T) =>
    lengths.flatMap((length, r) => [...values.subarray(r * NEW_TOKENS, r * NEW_TOKENS + length)]);
  const group = groups.flatMap(({ members }, g) => members.map(() => g));
  const texts = lengths.map((length, r) => decode(tokens.subarray(r * NEW_TOKENS, r * NEW_TOKENS + length)));
  const task = taskById(recipe.slots.task.plugin);
  const verdicts = texts.map((text, r) => task.verify(groups[group[r]].problem, text));
  const judged: RolloutBatch = {
    rows,
    offsets,
    group,
    groups: groups.map(({ members }) => members),
    reward: verdicts.map(({ score }) => score),
    parts: {},
    finished: lengths.map((length, r) => tokens[r * NEW_TOKENS + length - 1] === EOS),
    maxLength: NEW_TOKENS,
    scores: { oldLogProb: packed(draw.logProbs) },
    tokens: packed(tokens),
    problems: groups.map(({ problem }) => problem),
    verdicts,
    texts,
    step: STEP,
  };
  const random = (key: string, stream: typeof STREAM.reward | typeof STREAM.plugin) => randomFor({ seed, step: STEP }, key, 0, stream);
  const rewards = new Array<number>(rows).fill(0);
  for (const { key, plugin, params } of [inSlot(recipe, "reward"), ...inList(recipe, "rewards")]) {
    const { parts } = plugin.parts(judged, params, start.plugins?.[key], random(key, STREAM.reward));
    for (const part of Object.values(parts)) for (let r = 0; r < rows; r++) rewards[r] += part[r];
  }
  const estimator = inSlot(recipe, "advantage");
  const estimate = estimator.plugin.estimate(
    { ...judged, reward: rewards },
    estimator.params,
    start.plugins?.[estimator.key],
    random(estimator.key, STREAM.plugin),
  );
  const advantages = estimate.level === "rollout" ? spreadRows(estimate.advantage, judged) : estimate.advantage;
  const aggregation = inSlot(recipe, "aggregation");
  const updates = miniBatches.map((members): UpdateRows => {
    const weights = aggregation.plugin.weights(
      {
        lengths: Array.from(members, (r) => lengths[r]),
        kept: Array.from(members, () => true),
        maxLength: NEW_TOKENS,
        batchTokens: offsets[rows],
        miniBatches: Number(recipe.slots.optimizer.params.miniBatches),
      },
      aggregation.params,
    );
    const update = {
      tokens: new Int32Array(members.length * (promptLength + NEW_TOKENS)),
      oldLogProb: new Float32Array(members.length * NEW_TOKENS),
      advantage: new Float32Array(members.length * NEW_TOKENS),
      weight: new Float32Array(members.length * NEW_TOKENS),
    };
    members.forEach((r, i) => {
      const length = promptLength + NEW_TOKENS;
      update.tokens.set(prompts.subarray(r * promptLength, (r + 1) * promptLength), i * length);
      update.tokens.set(tokens.subarray(r * NEW_TOKENS, (r + 1) * NEW_TOKENS), i * length + promptLength);
      const at = i * NEW_TOKENS;
      update.oldLogProb.set(draw.logProbs.subarray(r * NEW_TOKENS, r * NEW_TOKENS + lengths[r]), at);
      update.advantage.set(advantages.subarray(offsets[r], offsets[r + 1]), at);
      update.weight.fill(weights[i], at, at + lengths[r]);
    });
    return update;
  });
  return { tokens, rewards, losses: [], updates };
}
