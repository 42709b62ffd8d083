import { RecipeError } from "../algorithm/plugin.ts";
import { isObject } from "../policy/llama-config.ts";

/**
 * A claim is data: what a recipe is said to do better than another at equal compute, in a form that can be checked by running both.
 * Compute is the number of generated tokens, discarded ones included.
 */

/** One number from a finished run. Metrics have the names of the step metrics (docs/metrics.md). */
export type Measure =
  /** Mean over the last `steps` steps (all steps that have the metric, if `steps` is absent). */
  | { readonly metric: string; readonly reduce: "mean"; readonly steps?: number }
  /** The last value, or the lowest. */
  | { readonly metric: string; readonly reduce: "last" | "min" }
  /** Area under the curve over generated tokens, divided by the tokens: the mean over compute rather than over steps. */
  | { readonly metric: string; readonly reduce: "area" }
  /** Of the evaluation after the last step, on held-out problems: `pass@k` or an `eval/` metric. */
  | { readonly metric: string; readonly reduce: "end" }
  | { readonly ratio: readonly [Measure, Measure] }
  | { readonly difference: readonly [Measure, Measure] };

export type Changes = Readonly<Record<string, number | boolean | string>>;

/** What is run: a recipe by id (the claim's own if absent), with changes by path as `--set` makes them, in order. */
export interface Arm {
  readonly recipe?: string;
  readonly changes?: Changes;
}

export interface Condition {
  /** In words, with the numbers that are checked. */
  readonly sentence: string;
  readonly measure: Measure;
  /** On which side of the baseline the method is said to be. */
  readonly direction: "higher" | "lower";
  /**
   * By how much at least, in the measure's unit; negative allows a loss ("no more than two points lower"). With `compare: "ratio"` the factor
   * method / baseline that must be exceeded (direction higher) or not reached (lower).
   */
  readonly margin: number;
  /** Default "difference": method − baseline. */
  readonly compare?: "difference" | "ratio";
  /** Default: the claim's recipe. */
  readonly method?: Arm;
  /** Default: the claim's baseline. A number is a fixed value that the method is compared with. */
  readonly baseline?: Arm | number;
}

export interface Budget {
  /** A shipped policy. */
  readonly policy: string;
  /** Each run ends with the step in which it has generated so many tokens. */
  readonly tokens: number;
  /** Pairs of runs: seeds 1 to `seeds`. */
  readonly seeds: number;
}

export interface Claim {
  /** In words. */
  readonly sentence: string;
  readonly baseline: Arm & { readonly recipe: string };
  /** Made to every arm's recipe before the arm's own changes: the task and level, the size of a step, what is evaluated. */
  readonly settings: Changes;
  readonly budget: Budget;
  /** All must hold. */
  readonly conditions: readonly Condition[];
}

const REDUCTIONS = ["mean", "last", "min", "area", "end"];

function fail(where: string, what: string): never {
  throw new RecipeError(`${where} ${what}`);
}

function checkChanges(value: unknown, where: string): void {
  if (!isObject(value) || !Object.values(value).every((v) => ["number", "boolean", "string"].includes(typeof v))) {
    fail(where, "must be an object of numbers, texts and booleans");
  }
}

function checkArm(arm: unknown, where: string): void {
  if (!isObject(arm)) fail(where, "must be an object with recipe, changes or both");
  if (arm.recipe !== undefined && typeof arm.recipe !== "string") fail(`${where}.recipe`, "must be a recipe's id");
  if (arm.changes !== undefined) checkChanges(arm.changes, `${where}.changes`);
}

function checkMeasure(measure: unknown, where: string): void {
  if (!isObject(measure)) fail(where, "must be an object");
  const parts = measure.ratio ?? measure.difference;
  if (parts !== undefined) {
    if (!Array.isArray(parts) || parts.length !== 2) fail(where, "must have two measures in its ratio or difference");
    parts.forEach((part, i) => {
      checkMeasure(part, `${where}[${i}]`);
    });
    return;
  }
  if (typeof measure.metric !== "string") fail(`${where}.metric`, "must be a metric's name");
  if (!REDUCTIONS.includes(measure.reduce as string)) fail(`${where}.reduce`, `must be one of ${REDUCTIONS.join(", ")}`);
  if (measure.steps !== undefined && !(Number.isInteger(measure.steps) && (measure.steps as number) > 0)) {
    fail(`${where}.steps`, "must be a positive whole number");
  }
}

function checkNumber(value: unknown, where: string, least: number): void {
  if (!Number.isInteger(value) || (value as number) < least) fail(where, `must be a whole number of at least ${least}`);
}

/**
 * A claim from outside, such as a recipe file.
 * @throws RecipeError naming the part that is missing or has the wrong form. Recipes and paths are checked when it is run.
 */
export function checkClaim(value: unknown): Claim {
  if (!isObject(value) || typeof value.sentence !== "string") fail("claim", "must be an object with a sentence");
  checkArm(value.baseline, "claim.baseline");
  if (typeof (value.baseline as Arm).recipe !== "string") fail("claim.baseline.recipe", "must be a recipe's id");
  checkChanges(value.settings, "claim.settings");
  const { budget, conditions } = value;
  if (!isObject(budget) || typeof budget.policy !== "string") fail("claim.budget", "must be an object with policy, tokens and seeds");
  checkNumber(budget.tokens, "claim.budget.tokens", 1);
  checkNumber(budget.seeds, "claim.budget.seeds", 1);
  if (!Array.isArray(conditions) || conditions.length === 0) fail("claim.conditions", "must be a list with at least one condition");
  conditions.forEach((condition: unknown, i) => {
    const where = `claim.conditions[${i}]`;
    if (!isObject(condition) || typeof condition.sentence !== "string") fail(where, "must be an object with a sentence");
    checkMeasure(condition.measure, `${where}.measure`);
    if (condition.direction !== "higher" && condition.direction !== "lower") fail(`${where}.direction`, "must be higher or lower");
    if (typeof condition.margin !== "number" || !Number.isFinite(condition.margin)) fail(`${where}.margin`, "must be a number");
    if (condition.compare !== undefined && condition.compare !== "difference" && condition.compare !== "ratio")
      fail(`${where}.compare`, "must be difference or ratio");
    if (condition.method !== undefined) checkArm(condition.method, `${where}.method`);
    if (condition.baseline !== undefined && typeof condition.baseline !== "number") checkArm(condition.baseline, `${where}.baseline`);
  });
  return value as unknown as Claim;
}
