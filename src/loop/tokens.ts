import type { Generation } from "../policy/engine.ts";
import type { TokenRecord } from "./record.ts";

/** What the sampler returned for one rollout; arrays are views, one entry per completion token (alternatives: several). */
export interface DrawnRow {
  readonly tokens: Int32Array;
  readonly finished: boolean;
  readonly samplerLogProb: Float32Array;
  readonly logProb: Float32Array;
  readonly entropy: Float32Array;
  readonly alternativeTokens: Int32Array;
  readonly alternativeLogProbs: Float32Array;
}

/** A generation cut into its rows. */
export function drawnRows(generation: Generation, alternatives: number): DrawnRow[] {
  return Array.from(generation.finished, (finished, r) => {
    const [a, b] = [generation.offsets[r], generation.offsets[r + 1]];
    return {
      tokens: generation.tokens.subarray(a, b),
      finished: finished === 1,
      samplerLogProb: generation.samplerLogProb.subarray(a, b),
      logProb: generation.logProb.subarray(a, b),
      entropy: generation.entropy.subarray(a, b),
      alternativeTokens: generation.alternativeTokens.subarray(a * alternatives, b * alternatives),
      alternativeLogProbs: generation.alternativeLogProbs.subarray(a * alternatives, b * alternatives),
    };
  });
}

/** Rows of one kind put one after another. */
export function concatenate(rows: readonly Float32Array[]): Float32Array {
  const packed = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    packed.set(row, at);
    at += row.length;
  }
  return packed;
}

export const concatenateIntegers = (rows: readonly Int32Array[]): Int32Array => Int32Array.from(rows.flatMap((row) => Array.from(row)));

/** The token record of a batch of rows. Old log-probs are the policy's own at temperature 1 until something measures them otherwise. */
export function packTokens(rows: readonly DrawnRow[], alternatives: number): TokenRecord {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, r) => {
    offsets[r + 1] = offsets[r] + row.tokens.length;
  });
  return {
    offsets,
    tokens: concatenateIntegers(rows.map((row) => row.tokens)),
    samplerLogProb: concatenate(rows.map((row) => row.samplerLogProb)),
    oldLogProb: concatenate(rows.map((row) => row.logProb)),
    entropy: concatenate(rows.map((row) => row.entropy)),
    alternatives,
    alternativeTokens: concatenateIntegers(rows.map((row) => row.alternativeTokens)),
    alternativeLogProbs: concatenate(rows.map((row) => row.alternativeLogProbs)),
  };
}

/** The values of some rows of a packed array, packed in the order of `rows`. */
export function selectRows(values: Float32Array, offsets: Int32Array, rows: ArrayLike<number>): Float32Array {
  return concatenate(Array.from(rows, (r) => values.subarray(offsets[r], offsets[r + 1])));
}
