import { RecipeError } from "../algorithm/plugin.ts";
import type { StepRecord } from "../loop/record.ts";
import { isObject } from "../policy/llama-config.ts";
import { readSteps, writeStep } from "./recording-steps.ts";
import { finite, line, list, object, RunFileError, type RunWithMetrics, readParts, show } from "./run-file.ts";

/**
 * A recording: a run with the records of all of its steps and without its weights, so that it can be looked at where nothing can be
 * trained. JSON, gzipped. Per-token numbers that are not whole (the records' float32 arrays) are rounded to five significant digits;
 * tokens, texts, rewards, advantages of whole rollouts, losses, metrics and evaluations are exact.
 */

export interface Recording extends RunWithMetrics {
  /** What it was made on, in words, and when (milliseconds since 1970). */
  readonly made: { readonly engine: string; readonly at: number };
  /** Of steps 1, 2, … */
  readonly records: readonly StepRecord[];
}

export const RECORDING_ENDING = ".rlvr-recording";

const FORMAT = "rlvr-playground recording";
const VERSION = 1;
const MOST_STEPS = 1000;
/** The most that a recording may unpack to: a small file can be made to fill any memory. */
const MOST_CHARACTERS = 256e6;

/** @throws RunFileError with one sentence if the record of a step is missing. */
export function writeRecording({ made, run, metrics, records }: Recording): string {
  if (records.length === 0 || records.length !== metrics.length || records.some((record, i) => record.step !== i + 1)) {
    throw new RunFileError(
      `A recording needs the records of all steps, and of this run ${records.length} of ${metrics.length} are at hand: run it again from its beginning and record it then.`,
    );
  }
  const { snapshot: _, id: __, ...head } = run;
  return JSON.stringify({
    format: FORMAT,
    version: VERSION,
    made,
    run: { ...head, steps: metrics.length, metrics },
    steps: records.map(writeStep),
  });
}

/**
 * The recording of a file's text, its run under the id given.
 * @throws RunFileError with one sentence if the file is damaged, of another kind or version, or holds what no recording can hold.
 */
export function readRecording(text: string, id: string): Recording {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new RunFileError("This file is not a recording of the playground, or it is cut off.");
  }
  if (!isObject(file) || file.format !== FORMAT) throw new RunFileError("This file is not a recording of the playground.");
  if (file.version !== VERSION)
    throw new RunFileError(`This recording has version ${show(file.version)}, and this page reads version ${VERSION}.`);
  try {
    const { engine, at } = object(file.made, "what it was made on");
    const made = { engine: line(engine, "the engine"), at: finite(at, "its date") };
    if (Math.abs(made.at) > 8.64e15) throw new RunFileError("its date is none");
    const { run, metrics } = readParts(object(file.run, "its run"), id);
    const { snapshot: _, ...head } = run;
    const steps = list(file.steps, "its steps", MOST_STEPS);
    if (steps.length === 0 || steps.length !== metrics.length)
      throw new RunFileError(`it has records of ${steps.length} steps and metrics of ${metrics.length}`);
    return { made, run: head, metrics, records: readSteps(steps, metrics) };
  } catch (error) {
    if (!(error instanceof RunFileError || error instanceof RecipeError)) throw error;
    throw new RunFileError(`This recording cannot be used: ${error.message.replace(/\.$/, "")}.`);
  }
}

/** Text as gzip. */
export async function pack(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
}

/** Whether bytes begin as gzip does. */
export const isPacked = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The text of bytes, gzipped or (as some servers hand them out) not any more. @throws RunFileError with one sentence if they are damaged. */
export async function unpack(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!isPacked(bytes)) return new TextDecoder().decode(bytes);
  const parts: string[] = [];
  let length = 0;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return parts.join("") + decoder.decode();
      parts.push(decoder.decode(value, { stream: true }));
      length += value.length;
      if (length > MOST_CHARACTERS) {
        await reader.cancel();
        break;
      }
    }
  } catch {
    throw new RunFileError("This recording is damaged or cut off.");
  }
  throw new RunFileError(`This recording unpacks to more than ${MOST_CHARACTERS / 1e6} MB.`);
}
