import { isObject } from "../policy/llama-config.ts";
import type { Json } from "./read.ts";

/** How far recomputed outputs lie from the given ones. */

export interface Difference {
  /** The estimator, loss or case. */
  readonly name: string;
  /** The output of it, such as `dLoss_dLogProb`. */
  readonly output: string;
  /** Numbers compared. */
  readonly count: number;
  /** Largest absolute error; Infinity where something cannot be compared, told in `problem`. */
  readonly absolute: number;
  /** The same, divided by the largest absolute value given. */
  readonly relative: number;
  /** Largest error of one number, in units of that number where it is above 1: what a bound such as 1e-6 is meant for. */
  readonly scaled: number;
  /** What keeps them from being compared number by number: another length, something missing, a number that is none. */
  readonly problem?: string;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Numbers compared in all. */
  readonly count: number;
}

interface Tally {
  count: number;
  absolute: number;
  scaled: number;
  largest: number;
  problem?: string;
}

function tell(tally: Tally, problem: string): void {
  tally.problem ??= problem;
  tally.absolute = Number.POSITIVE_INFINITY;
  tally.scaled = Number.POSITIVE_INFINITY;
}

const kindOf = (value: unknown): string =>
  value === undefined
    ? "nothing"
    : value === null
      ? "null"
      : Array.isArray(value)
        ? "an array"
        : isObject(value)
          ? "an object"
          : typeof value;

/** Walks two values of what should be one shape. JSON has no NaN and no infinity: `null` stands for them. */
function walk(given: unknown, own: unknown, at: string, tally: Tally, skip: (at: string) => boolean): void {
  if (skip(at)) return;
  if (typeof given === "number" && typeof own === "number") {
    tally.count++;
    if (Object.is(given, own) || given === own) {
      if (Number.isFinite(given)) tally.largest = Math.max(tally.largest, Math.abs(given));
      return;
    }
    if (!Number.isFinite(given) || !Number.isFinite(own)) {
      tell(tally, `${at} is ${own}, given ${given}`);
      return;
    }
    const error = Math.abs(given - own);
    tally.absolute = Math.max(tally.absolute, error);
    tally.scaled = Math.max(tally.scaled, error / Math.max(1, Math.abs(given)));
    tally.largest = Math.max(tally.largest, Math.abs(given));
  } else if (given === null && (own === null || (typeof own === "number" && !Number.isFinite(own)))) {
    return;
  } else if (Array.isArray(given) && Array.isArray(own)) {
    if (given.length !== own.length) tell(tally, `${at} has ${own.length} entries, given ${given.length}`);
    for (let i = 0; i < Math.min(given.length, own.length); i++) walk(given[i], own[i], `${at}[${i}]`, tally, skip);
  } else if (isObject(given) && isObject(own)) {
    for (const [key, value] of Object.entries(given)) walk(value, own[key], `${at}.${key}`, tally, skip);
  } else if (given !== own) {
    const says = (value: unknown) => (typeof value === "boolean" || typeof value === "string" ? JSON.stringify(value) : kindOf(value));
    tell(tally, `${at} is ${says(own)}, given ${says(given)}`);
  }
}

function difference(name: string, output: string, given: unknown, own: unknown, skip: (at: string) => boolean): Difference {
  const tally: Tally = { count: 0, absolute: 0, scaled: 0, largest: 0 };
  walk(given, own, output, tally, skip);
  const { count, absolute, scaled, largest, problem } = tally;
  return { name, output, count, absolute, relative: absolute === 0 ? 0 : absolute / largest, scaled, ...(problem ? { problem } : {}) };
}

/** One group of outputs of a document: an estimator's advantages, a loss, a case. */
export interface Outputs {
  readonly name: string;
  /** The document's own object, where it has one. */
  readonly outputs: Json;
  /** Keys of that object which are no outputs. */
  readonly inputs: readonly string[];
}

const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const entries = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : []);

/** Where a document of any form keeps its outputs, in the document's order. */
export function outputsOf(document: unknown): Outputs[] {
  if (!isObject(document)) return [];
  const many = (list: unknown[]) => (i: number) => (list.length > 1 ? `fixture ${i}: ` : "");
  if (Array.isArray(document.fixtures)) {
    const place = many(document.fixtures);
    return objects(document.fixtures).flatMap((fixture, i) =>
      objects(fixture.cases).map((outputs) => ({ name: `${place(i)}${optionsText(outputs.options)}`, outputs, inputs: ["options"] })),
    );
  }
  if (Array.isArray(document.advantages) || Array.isArray(document.losses)) {
    const advantages = objects(document.advantages);
    const losses = objects(document.losses);
    return [
      ...advantages.flatMap((fixture, i) =>
        entries(fixture.advantages).map(([name, value]) => ({
          name: `${many(advantages)(i)}${name}`,
          outputs: { advantages: value },
          inputs: [],
        })),
      ),
      ...losses.flatMap((fixture, i) => [
        ...entries(fixture.losses).map(([name, value]) => ({
          name: `${many(losses)(i)}${name}`,
          outputs: isObject(value) ? value : { value },
          inputs: ["config"],
        })),
        ...entries(fixture.kl).map(([name, value]) => ({
          name: `${many(losses)(i)}kl ${name}`,
          outputs: isObject(value) ? value : { value },
          inputs: [],
        })),
      ]),
    ];
  }
  return objects(document.cases).map((one, i) => ({
    name: typeof one.name === "string" ? one.name : `case ${i}`,
    outputs: isObject(one.output) ? one.output : {},
    inputs: [],
  }));
}

/** The options of one of TRL's cases, as one name. */
export function optionsText(options: unknown): string {
  return entries(options)
    .map(([key, value]) => (key === "loss_type" ? String(value) : `${key}=${value}`))
    .join(" ");
}

/**
 * Compares the outputs of a given document with those of the same document recomputed.
 * @param unknown what the recomputation left as given: an output (`name: output`), a whole case or estimator, or a name without its fixture.
 */
export function compare(given: unknown, recomputed: unknown, unknown: readonly string[] = []): Comparison {
  const skipped = new Set(unknown);
  const own = outputsOf(recomputed);
  const differences = outputsOf(given).flatMap(({ name, outputs, inputs }, i) => {
    const bare = bareName({ name });
    const skip = (at: string) => skipped.has(`${name}: ${at}`) || skipped.has(`${bare}: ${at}`);
    if (skipped.has(name) || skipped.has(bare)) return [];
    return Object.entries(outputs)
      .filter(([output]) => !inputs.includes(output) && !skip(output))
      .map(([output, value]) => difference(name, output, value, own[i]?.outputs[output], skip));
  });
  return { differences, count: differences.reduce((sum, d) => sum + d.count, 0) };
}

/** The name of an estimator, loss or case without the fixture that it belongs to. */
export const bareName = ({ name }: Pick<Difference, "name">): string => name.replace(/^fixture \d+: /, "");

/** The worst of some differences, by the error that a bound is meant for. */
export const worstOf = (differences: readonly Difference[]): Difference | undefined =>
  differences.reduce<Difference | undefined>((worst, d) => (worst === undefined || d.scaled > worst.scaled ? d : worst), undefined);
