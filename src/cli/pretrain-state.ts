import { readFile } from "node:fs/promises";
import type { PretrainSettings } from "../loop/pretrain.ts";
import { writeWhole } from "../policy/checkpoint-folder.ts";
import type { PolicySize } from "../policy/config.ts";
import type { PolicyState } from "../policy/engine.ts";
import { UsageError } from "./usage.ts";

/** An unfinished pre-training: what it takes to go on as if it had never stopped. */
export interface PretrainState {
  readonly policy: PolicySize;
  readonly settings: PretrainSettings;
  /** Losses of the last steps, at most a hundred. */
  readonly losses: readonly number[];
  readonly weights: PolicyState;
}

const base64 = (values: Float32Array): string => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");

function floats(text: unknown): Float32Array {
  if (typeof text !== "string") throw new TypeError("an array is missing");
  const bytes = Buffer.from(text, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Writes the state beside its place, then moves it there: a crash leaves the old one whole. */
export async function writeState(path: string, { weights, ...rest }: PretrainState): Promise<void> {
  const { theta, m, v, updates } = weights;
  const text = JSON.stringify({ format: 1, ...rest, weights: { updates, theta: base64(theta), m: base64(m), v: base64(v) } });
  await writeWhole(path, text);
}

/** @throws UsageError if the file is missing or broken. */
export async function readState(path: string): Promise<PretrainState> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    throw new UsageError(`there is nothing to resume: ${path} cannot be read`);
  }
  try {
    const { format, policy, settings, losses, weights } = JSON.parse(text);
    if (format !== 1) throw new TypeError("its format is another");
    const { updates } = weights;
    if (!Number.isInteger(updates)) throw new TypeError("the number of updates is missing");
    return { policy, settings, losses, weights: { updates, theta: floats(weights.theta), m: floats(weights.m), v: floats(weights.v) } };
  } catch (error) {
    throw new UsageError(`${path} is broken: ${(error as Error).message}`);
  }
}
