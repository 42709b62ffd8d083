import {
  type DiscardedGroup,
  type Group,
  type Metrics,
  PHASES,
  type Rollout,
  type StepRecord,
  type TokenRecord,
  type UpdateRecord,
} from "../loop/record.ts";
import { sequenceOf } from "../policy/random.ts";
import { VOCABULARY } from "../policy/tokenizer.ts";
import { TASKS } from "../tasks/index.ts";
import type { Problem, Verdict } from "../tasks/task.ts";
import { fail, list, object, readEvaluation, show, whole } from "./run-file.ts";

/** Step records as JSON, and back: reading trusts nothing, for views take what they are given. */

const DIGITS = 5;
const MOST_ROWS = 100_000;
const MOST_TOKENS = 4_000_000;
const LONGEST_TEXT = 20_000;
const ODD = ["NaN", "Infinity", "-Infinity"];

/** Arrays of floats rounded, all else exact; numbers that JSON lacks become texts. The metrics stand beside the records already. */
export function writeStep({ metrics: _, evaluation, ...record }: StepRecord): unknown {
  return { ...(plain(record) as object), ...(evaluation ? { evaluation } : {}) };
}

function plain(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Float32Array) return Array.from(value, (x) => (Number.isFinite(x) ? Number(x.toPrecision(DIGITS)) : String(x)));
  if (ArrayBuffer.isView(value)) return Array.from(value as Int32Array);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, entry]) => entry !== undefined)
        .map(([key, entry]) => [key, plain(entry)]),
    );
  return value;
}

/** @throws RunFileError that names what no record can hold. */
export function readSteps(steps: readonly unknown[], metrics: readonly Metrics[]): StepRecord[] {
  return steps.map((entry, i) => readStep(object(entry, `the record of step ${i + 1}`), i + 1, metrics[i]));
}

function readStep(record: Record<string, unknown>, step: number, metrics: Metrics): StepRecord {
  if (record.step !== step) fail(`the record of step ${step} is missing`);
  if (record.phase !== PHASES.at(-1)) fail(`step ${step} is not complete`);
  const rows = list(record.rollouts, "the rollouts", MOST_ROWS).length;
  const groups = list(record.groups, "the groups", MOST_ROWS).map((entry) => readGroup(entry, rows));
  const rollouts = list(record.rollouts, "the rollouts", MOST_ROWS).map((entry) => readRollout(entry, groups.length));
  const demonstrations = list(record.demonstrations, "the demonstrations", MOST_ROWS).map((entry) => {
    const { group, text, tokens } = object(entry, "a demonstration");
    return { group: index(group, groups.length, "a demonstration's group"), text: words(text), tokens: tokensOf(tokens) };
  });
  const tokens = record.tokens === undefined ? undefined : readTokens(object(record.tokens, "the tokens"), rows);
  if (!tokens && rows > 0) fail(`the tokens of step ${step} are missing`);
  const lengths = (row: number) => (tokens ? tokens.offsets[row + 1] - tokens.offsets[row] : 0);
  const updates = list(record.updates, "the updates", 10_000).map((entry) =>
    readUpdate(object(entry, "an update"), rows, lengths, demonstrations),
  );
  return {
    step,
    phase: "evaluation",
    settings: settings(record.settings),
    groups,
    rollouts,
    discarded: list(record.discarded, "the discarded groups", MOST_ROWS).map(readDiscarded),
    demonstrations,
    ...optional("twins", record.twins, (value) =>
      numbers(value, "the twins", { of: [groups.length], whole: true, least: -1, most: groups.length - 1 }),
    ),
    ...optional("paths", record.paths, (value) => readPaths(value, rows, lengths)),
    ...optional("greedy", record.greedy, (value) => readGreedy(value, groups.length)),
    ...(tokens ? { tokens } : {}),
    updates,
    ...optional("evaluation", record.evaluation, readEvaluation),
    metrics,
  };
}

function readGroup(entry: unknown, rows: number): Group {
  const { problem, promptTokens, members, statistics } = object(entry, "a group");
  return {
    problem: readProblem(problem),
    promptTokens: tokensOf(promptTokens),
    members: numbers(members, "a group's members", { whole: true, least: 0, most: rows - 1 }),
    ...optional("statistics", statistics, (value) => {
      const { mean, std, signal } = object(value, "a group's statistics");
      return { mean: number(mean), std: number(std), signal: flag(signal) };
    }),
  };
}

/** Samples of each level's data, by their shapes: pictures and verifiers rely on it. */
const shapes = new Map<string, ReadonlySet<string>>();

function readProblem(value: unknown): Problem {
  const { task: id, level, key, prompt, truth, data } = object(value, "a problem");
  const task = TASKS.find((one) => one.id === id);
  if (!task) return fail(`there is no task ${show(id)}`);
  if (typeof level !== "string" || !task.levels.some((one) => one.id === level)) return fail(`${task.id} has no level ${show(level)}`);
  const place = `${task.id} ${level}`;
  if (!shapes.has(place)) {
    const random = sequenceOf(1, 1);
    const problems = Array.from({ length: 200 }, () => task.generate(level, random));
    const asked = task.rephrase ? problems.map((one) => task.rephrase!(one, random)) : [];
    shapes.set(place, new Set([...problems, ...asked].map((one) => shape(one.data))));
  }
  const problem = { task: task.id, level, key: words(key), prompt: words(prompt), truth: words(truth), data };
  if (!shapes.get(place)!.has(shape(data))) fail(`a problem of ${task.id} is malformed`);
  try {
    task.verify(problem, "");
    task.verify(problem, problem.truth);
  } catch {
    fail(`a problem of ${task.id} is malformed`);
  }
  return problem;
}

function shape(value: unknown, depth = 0): string {
  if (depth > 6) return "deep";
  if (Array.isArray(value)) return value.length > 100 ? "long" : `[${[...new Set(value.map((entry) => shape(entry, depth + 1)))].sort()}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .map(([key, entry]) => `${key}:${shape(entry, depth + 1)}`)
      .sort()}}`;
  if (typeof value === "string" && value.length > 200) return "long";
  return typeof value === "number" && !Number.isFinite(value) ? "odd" : typeof value;
}

function readRollout(entry: unknown, groups: number): Rollout {
  const { group, round, text, finished, verdict, rewardParts, ...rest } = object(entry, "a rollout");
  const given = (["seenScore", "reward", "advantage", "baseline", "scale"] as const).filter((name) => rest[name] !== undefined);
  return {
    group: index(group, groups, "a rollout's group"),
    round: whole(round, "a rollout's round", 1e6),
    text: words(text),
    finished: flag(finished),
    ...optional("verdict", verdict, readVerdict),
    ...optional("rewardParts", rewardParts, numbersByName),
    ...Object.fromEntries(given.map((name) => [name, number(rest[name])])),
  };
}

function readVerdict(value: unknown): Verdict {
  const { score, parts, reason, answer } = object(value, "a verdict");
  const read = numbersByName(parts);
  if (read.wellFormed === undefined || read.correct === undefined) fail("a verdict is malformed");
  return { score: number(score), parts: read as Verdict["parts"], reason: words(reason), ...optional("answer", answer, words) };
}

function readDiscarded(entry: unknown): DiscardedGroup {
  const { round, problem, texts, scores, reason } = object(entry, "a discarded group");
  const read = list(texts, "a discarded group's texts", MOST_ROWS).map(words);
  return {
    round: whole(round, "a discarded group's round", 1e6),
    problem: readProblem(problem),
    texts: read,
    scores: numbers(scores, "a discarded group's scores", { of: [read.length] }),
    reason: words(reason),
  };
}

function readTokens(value: Record<string, unknown>, rows: number): TokenRecord {
  const offsets = offsetsOf(value.offsets, rows);
  const count = offsets[rows];
  const alternatives = whole(value.alternatives, "the alternatives", 100);
  const each = (from: Record<string, unknown>, name: string) => floats(from[name], `tokens.${name}`, [count]);
  const rivals = (from: Record<string, unknown>) => ({
    alternativeTokens: tokensOf(from.alternativeTokens, count * alternatives),
    alternativeLogProbs: floats(from.alternativeLogProbs, "alternativeLogProbs", [count * alternatives]),
  });
  return {
    offsets,
    tokens: tokensOf(value.tokens, count),
    samplerLogProb: each(value, "samplerLogProb"),
    oldLogProb: each(value, "oldLogProb"),
    entropy: each(value, "entropy"),
    alternatives,
    ...rivals(value),
    ...optional("advantage", value.advantage, () => each(value, "advantage")),
    ...optional("advantageTerms", value.advantageTerms, (terms) => named(terms, [count, rows])),
    ...optional("refLogProb", value.refLogProb, () => each(value, "refLogProb")),
    ...optional("after", value.after, (entry) => {
      const after = object(entry, "the tokens after the update");
      return { logProb: each(after, "logProb"), entropy: each(after, "entropy"), ...rivals(after) };
    }),
  };
}

function readUpdate(
  value: Record<string, unknown>,
  rows: number,
  lengthOf: (row: number) => number,
  shown: StepRecord["demonstrations"],
): UpdateRecord {
  const used = numbers(value.rows, "an update's rows", { whole: true, least: 0, most: rows - 1 });
  const demonstrations = numbers(value.demonstrations, "an update's demonstrations", { whole: true, least: 0, most: shown.length - 1 });
  const all = used.length + demonstrations.length;
  const offsets = offsetsOf(value.offsets, all);
  if (used.some((row, i) => offsets[i + 1] - offsets[i] !== lengthOf(row))) fail("an update's rows have other lengths than the rollouts");
  const count = offsets[all];
  const each = (name: string) => floats(value[name], `an update's ${name}`, [count]);
  return {
    epoch: whole(value.epoch, "an update's epoch", 1e6),
    miniBatch: whole(value.miniBatch, "an update's mini-batch", 1e6),
    rows: Int32Array.from(used),
    demonstrations: Int32Array.from(demonstrations),
    offsets,
    logProb: each("logProb"),
    ratio: each("ratio"),
    clipped: each("clipped"),
    weight: each("weight"),
    coefficient: each("coefficient"),
    tokenLoss: each("tokenLoss"),
    loss: number(value.loss),
    lossParts: numbersByName(value.lossParts),
    terms: named(value.terms, [count, all]),
    metrics: numbersByName(value.metrics),
    learningRate: number(value.learningRate),
    gradNorm: number(value.gradNorm),
    tensorGradNorms: floats(value.tensorGradNorms, "the gradient norms"),
    applied: flag(value.applied),
  };
}

function readPaths(value: unknown, rows: number, lengthOf: (row: number) => number): NonNullable<StepRecord["paths"]> {
  const paths = list(value, "the paths", MOST_ROWS).map((entry) =>
    list(entry, "a path", 10_000).map((part) => {
      const { node, tokens } = object(part, "a path");
      return { node: words(node), tokens: whole(tokens, "a path's tokens", 1e6) };
    }),
  );
  const fits = paths.every((path, row) => path.reduce((sum, { tokens }) => sum + tokens, 0) === lengthOf(row));
  if (paths.length !== rows || !fits) fail("the paths do not fit the rollouts");
  return paths;
}

function readGreedy(value: unknown, groups: number): NonNullable<StepRecord["greedy"]> {
  const all = list(value, "the greedy rollouts", MOST_ROWS);
  if (all.length !== groups) fail("the greedy rollouts do not fit the groups");
  return all.map((entry) => {
    const { text, score, reward } = object(entry, "a greedy rollout");
    return { text: words(text), score: number(score), reward: number(reward) };
  });
}

function optional<K extends string, T>(name: K, value: unknown, read: (value: unknown) => T): { [key in K]?: T } {
  return value === undefined ? {} : ({ [name]: read(value) } as { [key in K]: T });
}

function number(value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  return typeof value === "string" && ODD.includes(value) ? Number(value) : fail(`${show(value)} stands where a number must`);
}

function words(value: unknown): string {
  return typeof value === "string" && value.length <= LONGEST_TEXT ? value : fail(`${show(value)} stands where a text must`);
}

function flag(value: unknown): boolean {
  return typeof value === "boolean" ? value : fail(`${show(value)} stands where yes or no must`);
}

const index = (value: unknown, count: number, what: string) => whole(value, what, count - 1);

interface Expected {
  /** The lengths that fit. */
  readonly of?: readonly number[];
  readonly whole?: boolean;
  readonly least?: number;
  readonly most?: number;
}

function numbers(value: unknown, what: string, { of, whole: integers = false, least = -Infinity, most = Infinity }: Expected): number[] {
  const all = list(value, what, MOST_TOKENS);
  if (of && !of.includes(all.length)) fail(`${what} has ${all.length} entries, not ${of[0]}`);
  const read = all.map(number);
  if (integers && !read.every((x) => Number.isInteger(x) && x >= least && x <= most)) fail(`${what} holds what cannot be`);
  return read;
}

const floats = (value: unknown, what: string, of?: readonly number[]) => Float32Array.from(numbers(value, what, of ? { of } : {}));

const tokensOf = (value: unknown, count?: number) =>
  Int32Array.from(
    numbers(value, "the tokens", { ...(count === undefined ? {} : { of: [count] }), whole: true, least: 0, most: VOCABULARY.length - 1 }),
  );

/** From 0, never falling. */
function offsetsOf(value: unknown, rows: number): Int32Array {
  const read = Int32Array.from(numbers(value, "the offsets", { of: [rows + 1], whole: true, least: 0, most: MOST_TOKENS }));
  if (read[0] !== 0 || read.some((at, i) => i > 0 && at < read[i - 1])) fail("the offsets fall");
  return read;
}

const entries = (value: unknown) => {
  const all = Object.entries(object(value, "named numbers"));
  if (all.length > 1000) fail("there are too many named numbers");
  for (const [name] of all) words(name);
  return all;
};

const numbersByName = (value: unknown): Readonly<Record<string, number>> =>
  Object.fromEntries(entries(value).map(([name, entry]) => [name, number(entry)]));

const named = (value: unknown, of: readonly number[]): Readonly<Record<string, Float32Array>> =>
  Object.fromEntries(entries(value).map(([name, entry]) => [name, floats(entry, name, of)]));

const settings = (value: unknown): StepRecord["settings"] =>
  Object.fromEntries(
    entries(value).map(([name, entry]) => {
      if (!["number", "boolean", "string"].includes(typeof entry)) fail(`the setting ${name} has no value`);
      return [name, typeof entry === "string" ? words(entry) : (entry as number | boolean)];
    }),
  );
