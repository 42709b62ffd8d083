import { type Random, randomSequence, STREAM } from "../../policy/random.ts";
import type { UpdateBatch } from "../batch.ts";

/** Mini-batches for tests of losses. */

export interface BatchOptions {
  /** Length of each answer; every second one is in the second group. */
  readonly lengths?: readonly number[];
  /** How far log-probs have moved since the batch was drawn. Default 0.6. */
  readonly moved?: number;
  /** Advantages and weights that differ within an answer. Default true. */
  readonly perToken?: boolean;
}

/** A random mini-batch; the same seed makes the same one. Weights sum to about 1. */
export function randomBatch(seed: number, { lengths = [4, 1, 6, 3], moved = 0.6, perToken = true }: BatchOptions = {}): UpdateBatch {
  const random: Random = randomSequence({ seed, stream: STREAM.plugin, step: 1 });
  const rows = lengths.length;
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets[offsets.length - 1] + length);
  const n = offsets[rows];
  const draw = (low: number, high: number) => Float64Array.from({ length: n }, () => low + (high - low) * random.next());
  const byRow = (values: Float64Array) => {
    if (!perToken) for (let r = 0; r < rows; r++) values.fill(values[offsets[r]], offsets[r], offsets[r + 1]);
    return values;
  };
  const oldLogProb = draw(-2.5, -0.3);
  const half = Math.ceil(rows / 2);
  const group = lengths.map((_, r) => Math.floor(r / half));
  return {
    rows,
    offsets,
    group,
    groups: [0, 1].map((g) => group.flatMap((owner, r) => (owner === g ? [r] : []))).filter((members) => members.length > 0),
    reward: lengths.map((_, r) => r % 2),
    parts: {},
    maxLength: 8,
    step: 1,
    scores: { refLogProb: draw(-3, -0.2), samplerLogProb: draw(-2.5, -0.3) },
    logProb: draw(-moved, moved).map((d, t) => d + oldLogProb[t]),
    oldLogProb,
    advantage: byRow(draw(-1.5, 1.5)),
    entropy: draw(0.01, 2),
    temperature: 1,
    weight: byRow(draw(0.5 / n, 1.5 / n)),
  };
}

/** The derivative of `value` by each entry of `at`, by central differences. */
export function centralDifferences(value: (at: Float64Array) => number, at: ArrayLike<number>, step = 1e-5): Float64Array {
  return Float64Array.from(at, (x, t) => {
    const nudged = (h: number) => value(Float64Array.from(at, (y, i) => (i === t ? x + h : y)));
    return (nudged(step) - nudged(-step)) / (2 * step);
  });
}

/** The largest difference, relative to the largest value. */
export function relativeError(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [error, size] = [0, 1e-9];
  for (let i = 0; i < wanted.length; i++) {
    error = Math.max(error, Math.abs(got[i] - wanted[i]));
    size = Math.max(size, Math.abs(wanted[i]));
  }
  return error / size;
}

/** A source of chance for plug-ins that seldom need one. */
export const anyRandom = () => randomSequence({ seed: 5, stream: STREAM.plugin, step: 1 });
