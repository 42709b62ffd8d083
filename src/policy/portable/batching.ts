import { completionOffsets, type TokenBatch } from "../engine.ts";
import { MASKED, type Precision } from "./network.ts";
import { type Feed, feed } from "./runtime.ts";

/** Rows in one run of a scoring or gradient graph: bounds the memory for activations; more would be no faster. */
const ROWS_PER_RUN = 32;

/** Some rows of a batch, laid out for a run. */
export interface MicroBatch {
  /** B and T: rows, and the longest row's length less its last token (which predicts nothing), at least 1. */
  readonly rows: number;
  readonly length: number;
  readonly tokens: Int32Array;
  /** For each completion token of these rows: the flat position b·T + t that predicts it, its id, its place in the packed outputs. */
  readonly select: Int32Array;
  readonly targets: Int32Array;
  readonly places: Int32Array;
}

/** Cuts a batch into runs of rows of similar length. Rows without completion tokens are left out. */
export function microBatches(batch: TokenBatch): MicroBatch[] {
  const packed = completionOffsets(batch);
  const lengthOf = (r: number) => batch.offsets[r + 1] - batch.offsets[r];
  const order = Array.from(batch.promptLengths.keys())
    .filter((r) => packed[r + 1] > packed[r])
    .sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  const runs: MicroBatch[] = [];
  for (let at = 0; at < order.length; at += ROWS_PER_RUN) runs.push(layOut(batch, packed, order.slice(at, at + ROWS_PER_RUN)));
  return runs;
}

function layOut(batch: TokenBatch, packed: Int32Array, rows: readonly number[]): MicroBatch {
  const length = Math.max(...rows.map((r) => batch.offsets[r + 1] - batch.offsets[r] - 1));
  const count = rows.reduce((sum, r) => sum + packed[r + 1] - packed[r], 0);
  const tokens = new Int32Array(rows.length * length);
  const select = new Int32Array(count);
  const targets = new Int32Array(count);
  const places = new Int32Array(count);
  let next = 0;
  rows.forEach((r, b) => {
    const start = batch.offsets[r];
    tokens.set(batch.tokens.subarray(start, batch.offsets[r + 1] - 1), b * length);
    for (let j = 0; j < packed[r + 1] - packed[r]; j++) {
      const t = batch.promptLengths[r] + j;
      select[next] = b * length + t - 1;
      targets[next] = batch.tokens[start + t];
      places[next++] = packed[r] + j;
    }
  });
  return { rows: rows.length, length, tokens, select, targets, places };
}

/** An array of the graph's real type. */
export const reals = (precision: Precision, length: number): Float32Array | Float64Array =>
  precision === "float32" ? new Float32Array(length) : new Float64Array(length);

export const scalar = (precision: Precision, value: number): Feed => feed(precision, reals(precision, 1).fill(value), []);

const biases = new Map<string, Feed>();

/** [T, T]: 0 where a query may look (itself and before), a large negative number elsewhere. */
function causalBias(precision: Precision, length: number): Feed {
  const key = `${precision} ${length}`;
  let bias = biases.get(key);
  if (!bias) {
    const data = reals(precision, length * length);
    for (let q = 0; q < length; q++) data.fill(MASKED, q * length + q + 1, (q + 1) * length);
    bias = feed(precision, data, [length, length]);
    biases.set(key, bias);
  }
  return bias;
}

/** The inputs that scoring and gradient graphs share. */
export function networkFeeds(
  precision: Precision,
  theta: Float32Array | Float64Array,
  run: MicroBatch,
  temperature: number,
): Record<string, Feed> {
  const { rows, length } = run;
  return {
    theta: feed(precision, theta, [theta.length]),
    tokens: feed("int32", run.tokens, [rows, length]),
    positions: feed(
      "int32",
      Int32Array.from({ length }, (_, t) => t),
      [1, length],
    ),
    bias: causalBias(precision, length),
    select: feed("int32", run.select, [run.select.length]),
    targets: feed("int32", run.targets, [run.targets.length, 1]),
    inverseTemperature: scalar(precision, 1 / temperature),
  };
}
