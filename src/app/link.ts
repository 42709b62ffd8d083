import { RecipeError } from "../algorithm/plugin.ts";
import { checkSeed, type RunSetup } from "../loop/run.ts";
import { changesBetween } from "../recipes/changes.ts";
import { RECIPES, recipeById } from "../recipes/index.ts";
import { parseValue, type ResolvedRecipe, resolveRecipe, withChange } from "../recipes/recipe.ts";
import type { Command } from "../worker/protocol.ts";

/** What the page's address asks for. */
export interface Start {
  readonly setup: RunSetup;
  readonly engine: Extract<Command, { type: "open" }>["engine"];
  /** What could not be understood, in one sentence; the defaults stand in for it. */
  readonly problem: string | undefined;
}

export const DEFAULT_POLICY = "tiny";
export const DEFAULT_SEED = 7;
const KNOWN = ["policy", "task", "level", "recipe", "seed", "engine", "set"];

/**
 * Reads `?policy=nano&task=reverse&level=4&recipe=grpo&seed=7&engine=portable&set=sampler.groupSize=4`; `set` may come many times.
 * Never throws: what is wrong is left out and reported.
 */
export function readLink(query: string, policies: readonly string[]): Start {
  const params = new URLSearchParams(query);
  const problems: string[] = [];
  const attempt = <T>(fallback: T, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RecipeError)) throw error;
      problems.push(error.message);
      return fallback;
    }
  };
  const refuse = (message: string): never => {
    throw new RecipeError(message);
  };

  for (const name of new Set(params.keys()))
    attempt(undefined, () => (KNOWN.includes(name) ? undefined : refuse(`it knows no ${JSON.stringify(name)}, only ${KNOWN.join(", ")}`)));
  let recipe: ResolvedRecipe = attempt(resolveRecipe(RECIPES[0]), () => resolveRecipe(recipeById(params.get("recipe") ?? RECIPES[0].id)));
  const change = (path: string, text: string) => {
    recipe = attempt(recipe, () => withChange(recipe, path, parseValue(recipe, path, text)));
  };
  const task = params.get("task");
  const level = params.get("level");
  if (task !== null) change("task", task);
  if (level !== null) change("task.level", level);
  for (const assignment of params.getAll("set")) {
    const at = assignment.indexOf("=");
    if (at < 0) problems.push(`set=${assignment} must read set=slot.param=value`);
    else change(assignment.slice(0, at), assignment.slice(at + 1));
  }
  const policy = attempt(DEFAULT_POLICY, () => {
    const asked = params.get("policy") ?? DEFAULT_POLICY;
    return policies.includes(asked) ? asked : refuse(`there is no policy ${JSON.stringify(asked)}; there are ${policies.join(", ")}`);
  });
  const seed = attempt(DEFAULT_SEED, () => {
    const text = params.get("seed") ?? String(DEFAULT_SEED);
    return checkSeed(/^\d+$/.test(text) ? Number(text) : text);
  });
  const engine = attempt<Start["engine"]>("auto", () => {
    const asked = params.get("engine") ?? "auto";
    return asked === "auto" || asked === "portable" || asked === "webgpu"
      ? asked
      : refuse(`there is no engine ${JSON.stringify(asked)}; there are auto, webgpu and portable`);
  });
  const problem = problems.length === 0 ? undefined : `This page’s address asks for what cannot be: ${inOneSentence(problems)}.`;
  return { setup: { recipe, policy, seed }, engine, problem };
}

/** The most that is told of a wrong address (characters of one problem, and problems). */
const MOST_LETTERS = 200;
const MOST_PROBLEMS = 8;

function inOneSentence(problems: readonly string[]): string {
  const told = problems.slice(0, MOST_PROBLEMS).map((p) => (p.length > MOST_LETTERS ? `${p.slice(0, MOST_LETTERS)}…` : p));
  const more = problems.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

/** The part of an address from `?` on that starts such a run: `readLink` reads it back. */
export function writeLink({ recipe, policy, seed }: RunSetup): string {
  const params = new URLSearchParams({ policy, recipe: recipe.id });
  const changes = changesBetween(resolveRecipe(recipeById(recipe.id)), recipe);
  // Of the task, what a person would change by hand has names of its own.
  for (const name of ["task", "task.level"]) {
    const value = changes.find(([path]) => path === name)?.[1];
    if (value !== undefined) params.set(name.replace("task.", ""), String(value));
  }
  params.set("seed", String(seed));
  for (const [path, value] of changes) if (path !== "task" && path !== "task.level") params.append("set", `${path}=${value}`);
  // Readable where an address allows it.
  return `?${params.toString().replaceAll("%2C", ",").replaceAll("%3D", "=").replaceAll("%2F", "/")}`;
}
