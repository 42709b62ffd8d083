import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { EvaluationRecord, StepRecord } from "../loop/record.ts";
import { checkSeed, type RunSetup, type Snapshot } from "../loop/run.ts";
import { writeWhole } from "../policy/checkpoint-folder.ts";
import type { Engine } from "../policy/engine.ts";
import { isObject } from "../policy/llama-config.ts";
import { checkResolved } from "../recipes/recipe.ts";
import { rolloutLines } from "../storage/tables.ts";
import { fileProblem, UsageError } from "./usage.ts";

/** The folder of a run: `run.json`, `metrics.jsonl` and `rollouts.jsonl` that grow with each step, `snapshot.bin` to go on from, `policy/`. */
export const runFiles = (out: string) => ({
  run: join(out, "run.json"),
  metrics: join(out, "metrics.jsonl"),
  rollouts: join(out, "rollouts.jsonl"),
  snapshot: join(out, "snapshot.bin"),
  policy: join(out, "policy"),
});

/** What `run.json` holds. */
export interface RunFile {
  readonly setup: RunSetup;
  readonly engine: { readonly kind: string; readonly label: string; readonly plan: Engine["plan"] };
  readonly steps: number;
  readonly start?: EvaluationRecord;
  readonly end?: EvaluationRecord;
}

/** Steps between snapshots. */
export const SNAPSHOT_EVERY = 10;

/** An empty run; what the folder held of another is gone. */
export async function clearRun(out: string): Promise<void> {
  const files = runFiles(out);
  for (const path of [files.run, files.snapshot]) await rm(path, { force: true });
  for (const path of [files.metrics, files.rollouts]) await writeFile(path, "");
}

export async function writeRunFile(out: string, file: RunFile): Promise<void> {
  await writeWhole(runFiles(out).run, `${JSON.stringify(file, null, 1)}\n`);
}

export async function writeSnapshot(out: string, snapshot: Snapshot): Promise<void> {
  await writeWhole(runFiles(out).snapshot, serialize(snapshot));
}

/** Adds a whole step's metrics and rollouts. */
export async function appendStep(out: string, record: StepRecord): Promise<void> {
  const { metrics, rollouts } = runFiles(out);
  await appendFile(metrics, `${JSON.stringify(record.metrics)}\n`);
  await appendFile(rollouts, rolloutLines(record));
}

/**
 * A run to go on with: its setup and last snapshot, if it came so far; else it goes on from its beginning. Lines written after the snapshot are
 * cut off, whole or not; they will be written again.
 * @throws UsageError if there is no run, or it is damaged.
 */
export async function readRun(out: string): Promise<{ file: RunFile; snapshot?: Snapshot }> {
  const files = runFiles(out);
  const read = (path: string) =>
    readFile(path).catch((error) => {
      throw new UsageError(`there is no run to go on with in ${out}: ${fileProblem(error, path) ?? error.message}`);
    });
  const file = readRunFile(files.run, (await read(files.run)).toString());
  const texts = await Promise.all([files.metrics, files.rollouts].map(async (path) => [path, (await read(path)).toString()] as const));
  const [metrics, rollouts] = texts.map(([path, text]) => readLines(path, text));
  const bytes = await readFile(files.snapshot).catch((error) => {
    if (error.code === "ENOENT" && metrics.length <= SNAPSHOT_EVERY) return undefined;
    throw new UsageError(`the run in ${out} has lost its snapshot: ${fileProblem(error, files.snapshot) ?? error.message}`);
  });
  const snapshot = bytes && readSnapshot(files.snapshot, bytes);
  const step = snapshot?.step ?? 0;
  const keptMetrics = metrics.filter((line) => line.step <= step);
  if (keptMetrics.length !== step)
    throw new UsageError(`${files.metrics} is damaged: it has ${keptMetrics.length} of the ${step} steps before the snapshot`);
  const kept = [keptMetrics, rollouts.filter((line) => line.step <= step)];
  for (const [i, [path, text]] of texts.entries()) {
    const cut = kept[i].map((line) => `${line.text}\n`).join("");
    if (cut !== text) await writeWhole(path, cut);
  }
  return { file, ...(snapshot ? { snapshot } : {}) };
}

function readRunFile(path: string, text: string): RunFile {
  try {
    const file = JSON.parse(text);
    if (!isObject(file) || !isObject(file.setup) || typeof file.setup.policy !== "string") throw new TypeError("its setup is missing");
    const { policy, seed, recipe } = file.setup;
    return { ...(file as unknown as RunFile), setup: { policy, seed: checkSeed(seed), recipe: checkResolved(recipe) } };
  } catch (error) {
    throw new UsageError(`${path} is damaged: ${(error as Error).message}`);
  }
}

/** Lines of JSON with a step each. The last may be cut off, by a crash or a full disk, and does not count then. */
function readLines(path: string, text: string): { step: number; text: string }[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.flatMap((line, i) => {
    try {
      const { step } = JSON.parse(line);
      if (!Number.isInteger(step)) throw new TypeError("no step");
      return [{ step, text: line }];
    } catch {
      if (i === lines.length - 1) return [];
      throw new UsageError(`${path} is damaged: line ${i + 1} is not a step's`);
    }
  });
}

function readSnapshot(path: string, bytes: Buffer): Snapshot {
  try {
    const snapshot = deserialize(bytes) as Snapshot;
    const { step, state } = snapshot;
    const arrays = [state.theta, state.m, state.v];
    const whole = arrays.every((array) => array instanceof Float32Array && array.length === state.theta.length);
    if (!whole || ![step, state.updates].every((n) => Number.isInteger(n) && n >= 0)) throw new TypeError("a part is missing");
    return snapshot;
  } catch (error) {
    throw new UsageError(`${path} is damaged: ${(error as Error).message}`);
  }
}
