import { RecipeError } from "../algorithm/plugin.ts";
import type { EvaluationRecord, Metrics } from "../loop/record.ts";
import { checkSeed, type Edit, type RunSetup, type Snapshot, setupAt } from "../loop/run.ts";
import { isObject } from "../policy/llama-config.ts";
import { checkResolved } from "../recipes/recipe.ts";
import type { Parent, StoredRun } from "./run-store.ts";

/**
 * A run as one file, to keep or to hand on: JSON with setup, edits, metrics and the last snapshot, whose arrays are base64 of little-endian
 * float32. Reading trusts nothing: what does not fit is refused with one sentence, before anything is changed.
 */

/** Steps between snapshots: what going on from the last one costs to recompute, at most. */
export const SNAPSHOT_EVERY = 10;

const FORMAT = "rlvr-playground run";
const VERSION = 1;
export const MOST_BYTES = 256e6;
const MOST_STEPS = 100_000;
const MOST_EDITS = 20_000;
const LONGEST_NAME = 200;

/** A file that is no run, in one sentence. */
export class RunFileError extends Error {}

export interface RunWithMetrics {
  readonly run: StoredRun;
  readonly metrics: readonly Metrics[];
}

export function writeRunFile({ run, metrics }: RunWithMetrics): string {
  const { snapshot, id: _, ...head } = run;
  const weights = snapshot && {
    step: snapshot.step,
    updates: snapshot.state.updates,
    theta: toBase64(snapshot.state.theta),
    m: toBase64(snapshot.state.m),
    v: toBase64(snapshot.state.v),
    ...(snapshot.reference ? { reference: toBase64(snapshot.reference) } : {}),
    plugins: encodePlain(snapshot.plugins ?? {}),
  };
  return JSON.stringify({ format: FORMAT, version: VERSION, ...head, metrics, ...(weights ? { snapshot: weights } : {}) });
}

/**
 * The run of a file, under the id given.
 * @throws RunFileError with one sentence if the file is damaged, of another kind or version, or holds what no run can hold.
 */
export function readRunFile(text: string, id: string): RunWithMetrics {
  const file = parse(text);
  if (!isObject(file) || file.format !== FORMAT) throw new RunFileError("This file is not a run of the playground.");
  if (file.version !== VERSION) {
    throw new RunFileError(
      typeof file.version === "number" && file.version > VERSION
        ? `This run file has version ${file.version}, which is newer than this page knows (${VERSION}): reload the page, or open a newer one.`
        : `This run file has version ${show(file.version)}, and this page reads version ${VERSION}.`,
    );
  }
  try {
    const read = readParts(file, id);
    if (read.run.steps - (read.run.snapshot?.step ?? 0) > 2 * SNAPSHOT_EVERY) fail("its weights lie too far behind its last step");
    return read;
  } catch (error) {
    if (!(error instanceof RunFileError || error instanceof RecipeError)) throw error;
    throw new RunFileError(`This run file cannot be used: ${error.message.replace(/\.$/, "")}.`);
  }
}

/** A run's parts, with its metrics. @throws RunFileError or RecipeError that names what is wrong. */
export function readParts(file: Record<string, unknown>, id: string): RunWithMetrics {
  const setup = readSetup(file.setup);
  const metrics = readMetrics(file.metrics);
  const steps = whole(file.steps, "steps", MOST_STEPS);
  if (metrics.length !== steps) fail(`it tells of ${steps} steps and has metrics of ${metrics.length}`);
  const edits = readEdits(file.edits);
  // Every edit must fit where it stands.
  setupAt(setup, edits, Number.POSITIVE_INFINITY);
  const snapshot = file.snapshot === undefined ? undefined : readSnapshot(file.snapshot, steps);
  const name = file.name === undefined ? undefined : line(file.name, "name");
  const parent = file.parent === undefined ? undefined : readParent(file.parent);
  const start = file.start === undefined ? undefined : readEvaluation(file.start);
  const passAt1 = file.passAt1 === undefined ? undefined : finite(file.passAt1, "passAt1");
  const run: StoredRun = {
    id,
    setup,
    edits,
    plan: readPlan(file.plan),
    steps,
    savedAt: whole(file.savedAt, "savedAt", 8.64e15),
    ...(name === undefined ? {} : { name }),
    ...(parent ? { parent } : {}),
    ...(start ? { start } : {}),
    ...(passAt1 === undefined ? {} : { passAt1 }),
    ...(snapshot ? { snapshot } : {}),
  };
  return { run, metrics };
}

/** The weights' size is known only from the policy: @throws RunFileError if they are another's. */
export function checkWeights({ snapshot, setup }: StoredRun, parameters: number): void {
  if (snapshot && snapshot.state.theta.length !== parameters) {
    throw new RunFileError(
      `This run file cannot be used: it has ${snapshot.state.theta.length} weights, and the policy ${setup.policy} has ${parameters}.`,
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RunFileError("This file is not a run of the playground, or it is cut off.");
  }
}

export function fail(problem: string): never {
  throw new RunFileError(problem);
}

/** A value of a file in a message: short, whatever it is. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

export function whole(value: unknown, what: string, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > most)
    fail(`${what} must be a whole number from 0 to ${most}, got ${show(value)}`);
  return value as number;
}

export function finite(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) fail(`${what} must be a number, got ${show(value)}`);
  return value as number;
}

export function line(value: unknown, what: string): string {
  if (typeof value !== "string" || value.length > LONGEST_NAME)
    fail(`${what} must be a text of at most ${LONGEST_NAME} characters, got ${show(value)}`);
  return value as string;
}

export function object(value: unknown, what: string): Record<string, unknown> {
  if (!isObject(value)) fail(`${what} must be an object, got ${show(value)}`);
  return value as Record<string, unknown>;
}

export function list(value: unknown, what: string, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) fail(`${what} must be a list of at most ${most}`);
  return value as unknown[];
}

function readSetup(value: unknown): RunSetup {
  const { recipe, policy, seed } = object(value, "its setup");
  const resolved = checkResolved(recipe);
  line(resolved.id, "the recipe's id");
  line(resolved.name, "the recipe's name");
  return { recipe: resolved, policy: line(policy, "the policy"), seed: checkSeed(seed) };
}

function readEdits(value: unknown): Edit[] {
  return list(value, "its edits", MOST_EDITS).map((entry, i) => {
    const { step, path, value: to } = object(entry, `edit ${i + 1}`);
    if (!["number", "boolean", "string"].includes(typeof to)) fail(`edit ${i + 1} has no value`);
    return {
      step: whole(step, `the step of edit ${i + 1}`, MOST_STEPS + 1),
      path: line(path, `edit ${i + 1}`),
      value: to as Edit["value"],
    };
  });
}

function readMetrics(value: unknown): Metrics[] {
  return list(value, "its metrics", MOST_STEPS).map((entry, i) => {
    const metrics = object(entry, `the metrics of step ${i + 1}`);
    if (metrics.step !== i + 1) fail(`the metrics of step ${i + 1} are missing`);
    return Object.fromEntries(
      Object.entries(metrics).map(([name, number]) => [
        line(name, "a metric"),
        finite(number, `${line(name, "a metric")} of step ${i + 1}`),
      ]),
    );
  });
}

function readParent(value: unknown): Parent {
  const { id, name, step } = object(value, "its parent");
  return { id: line(id, "the parent's id"), name: line(name, "the parent's name"), step: whole(step, "the parent's step", MOST_STEPS) };
}

export function readEvaluation(value: unknown): EvaluationRecord {
  const start = object(value, "its first evaluation");
  const passAtK = Object.fromEntries(
    Object.entries(object(start.passAtK, "pass@k")).map(([k, pass]) => [String(whole(Number(k), "k", 1e6)), finite(pass, `pass@${k}`)]),
  );
  // JSON writes null for a mean of nothing.
  const number = (name: string) => (start[name] === null ? Number.NaN : finite(start[name], name));
  const right = start.right === undefined ? undefined : list(start.right, "right", 1e5).map((n) => whole(n, "right", 1e6));
  const calibration =
    start.calibration === undefined
      ? undefined
      : list(start.calibration, "calibration", 1000).map((bin) => {
          const { count, probability, right: share } = object(bin, "calibration");
          const number = (value: unknown) => finite(value, "calibration");
          return { count: number(count), probability: number(probability), right: number(share) };
        });
  return {
    problems: number("problems"),
    samples: number("samples"),
    passAtK,
    ...(right ? { right } : {}),
    ...(calibration ? { calibration } : {}),
    wellFormed: number("wellFormed"),
    accuracyWhenWellFormed: number("accuracyWhenWellFormed"),
    meanLength: number("meanLength"),
    entropy: number("entropy"),
  };
}

function readPlan(value: unknown): StoredRun["plan"] {
  const plan = object(value, "its engine's plan");
  for (const entry of Object.values(plan))
    if (!["number", "boolean", "string"].includes(typeof entry)) fail("its engine's plan is malformed");
  return plan as StoredRun["plan"];
}

function readSnapshot(value: unknown, steps: number): Snapshot {
  const snapshot = object(value, "its snapshot");
  const weights = (name: string) => fromBase64(snapshot[name], name);
  const [theta, m, v] = [weights("theta"), weights("m"), weights("v")];
  const reference = snapshot.reference === undefined ? undefined : weights("reference");
  if ([m, v, ...(reference ? [reference] : [])].some((array) => array.length !== theta.length)) fail("its weights differ in length");
  if (v.some((x) => x < 0)) fail("v holds numbers below 0");
  return {
    step: whole(snapshot.step, "the snapshot's step", steps),
    state: { theta, m, v, updates: whole(snapshot.updates, "the snapshot's updates", 1e9) },
    plugins: object(decodePlain(snapshot.plugins, 0), "the plug-ins' states") as Snapshot["plugins"] & object,
    ...(reference ? { reference } : {}),
  };
}

/** Numbers as base64 of their little-endian bytes. */
function toBase64(array: Float32Array | Float64Array | Int32Array): string {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

function bytesOf(value: unknown, what: string, size: number): ArrayBuffer {
  let text: string;
  try {
    text = atob(typeof value === "string" ? value : fail(`${what} is missing`));
  } catch (error) {
    if (error instanceof RunFileError) throw error;
    return fail(`${what} is not base64`);
  }
  if (text.length === 0 || text.length % size !== 0) fail(`${what} is cut off`);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}

function fromBase64(value: unknown, what: string): Float32Array {
  const array = new Float32Array(bytesOf(value, what, 4));
  if (!array.every(Number.isFinite)) fail(`${what} holds what is not a finite number`);
  return array;
}

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;

/** Plain data as JSON has it; typed arrays become `{ float32: base64 }`, and numbers that JSON lacks `{ number: "NaN" }`. */
function encodePlain(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : { number: String(value) };
  for (const [name, Type] of Object.entries(ARRAYS)) if (value instanceof Type) return { [name]: toBase64(value) };
  if (Array.isArray(value)) return value.map(encodePlain);
  // An object always becomes a list of pairs, so that no key of its own is mistaken for a tag.
  if (typeof value === "object" && value !== null) return { pairs: Object.entries(value).map(([key, entry]) => [key, encodePlain(entry)]) };
  return value;
}

function decodePlain(value: unknown, depth: number): unknown {
  if (depth > 20) fail("the plug-ins' states are malformed");
  if (Array.isArray(value)) return value.map((entry) => decodePlain(entry, depth + 1));
  if (!isObject(value)) return value;
  const [tag, content] = Object.entries(value)[0] ?? [];
  if (tag === "number") return Number(content);
  if (tag === "pairs") {
    const pairs = list(content, "the plug-ins' states", 1e6).map((pair) => {
      if (!Array.isArray(pair) || typeof pair[0] !== "string") fail("the plug-ins' states are malformed");
      const [key, entry] = pair as [string, unknown];
      return [key, decodePlain(entry, depth + 1)] as const;
    });
    return Object.fromEntries(pairs);
  }
  for (const [name, Type] of Object.entries(ARRAYS)) {
    if (tag === name) return new Type(content === "" ? new ArrayBuffer(0) : bytesOf(content, "a plug-in's state", Type.BYTES_PER_ELEMENT));
  }
  return fail("the plug-ins' states are malformed");
}
