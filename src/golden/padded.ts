import { AGGREGATIONS } from "../algorithm/aggregation/aggregation.ts";
import type { UpdateBatch } from "../algorithm/batch.ts";
import { type Parameters, withDefaults } from "../algorithm/plugin.ts";
import type { AggregationInputs } from "../algorithm/slots.ts";
import { GoldenError } from "../policy/golden.ts";
import type { Reader } from "./read.ts";

/** A golden file's padded tables as a mini-batch. Padding is packed too and masked, so that every table keeps its shape. */
export interface Padded {
  readonly batch: UpdateBatch;
  /** `[N]`: 1 for tokens, 0 for padding. */
  readonly mask: Float64Array;
  readonly lengths: readonly number[];
  readonly width: number;
  /** A table of the fixture, packed. @throws GoldenError unless it has the shape of the others. */
  packed(key: string): Float64Array;
  /** `[N]` → rows as the fixture has them. */
  table(values: ArrayLike<number>): number[][];
  /** The batch with a weight for each token: those of an aggregation, 0 on padding. @param emptyRows whether rows without tokens count. */
  aggregated(id: string, params: Parameters, emptyRows: boolean): UpdateBatch;
}

/**
 * Reads `logProbs`, `oldLogProbs`, `refLogProbs` (if there), `mask` or `lengths`, and `advantages`, one a row or one a token.
 * @throws GoldenError that names the place of what is missing or malformed.
 */
export function readPadded(fixture: Reader, maxLength?: number): Padded {
  const logProbs = fixture.table("logProbs");
  const rows = logProbs.length;
  const width = logProbs.reduce((most, row) => Math.max(most, row.length), 0);
  const offsets = [0];
  for (const row of logProbs) offsets.push(offsets[offsets.length - 1] + row.length);
  const packed = (key: string) => {
    const table = fixture.table(key, rows);
    const bad = table.findIndex((row, r) => row.length !== logProbs[r].length);
    if (bad >= 0)
      throw new GoldenError(`${fixture.place}: ${key}[${bad}] has ${table[bad].length} numbers, ${logProbs[bad].length} are needed`);
    return Float64Array.from(table.flat());
  };
  const mask = fixture.has("mask")
    ? packed("mask")
    : Float64Array.from(fixture.numbers("lengths", rows).flatMap((length, r) => logProbs[r].map((_, t) => (t < length ? 1 : 0))));
  const perRow = Array.isArray(fixture.raw.advantages) && fixture.raw.advantages.every((a) => typeof a === "number");
  const advantage = perRow
    ? Float64Array.from(fixture.numbers("advantages", rows).flatMap((a, r) => logProbs[r].map(() => a)))
    : packed("advantages");
  const lengths = logProbs.map((row, r) => row.reduce((sum, _, t) => sum + (mask[offsets[r] + t] === 0 ? 0 : 1), 0));
  const each = Array.from({ length: rows }, (_, r) => r);
  const batch: UpdateBatch = {
    rows,
    offsets,
    group: each,
    groups: each.map((r) => [r]),
    reward: new Float64Array(rows),
    parts: {},
    maxLength: maxLength ?? width,
    step: 1,
    scores: fixture.has("refLogProbs") ? { refLogProb: packed("refLogProbs") } : {},
    logProb: packed("logProbs"),
    oldLogProb: packed("oldLogProbs"),
    advantage,
    ...(fixture.has("entropies") ? { entropy: packed("entropies") } : {}),
    temperature: 1,
    weight: mask,
    mask,
  };
  return {
    batch,
    mask,
    lengths,
    width,
    packed,
    table: (values) => logProbs.map((row, r) => row.map((_, t) => values[offsets[r] + t])),
    aggregated(id, params, emptyRows) {
      const aggregation = AGGREGATIONS.find((a) => a.id === id)!;
      const inputs: AggregationInputs = { lengths, kept: lengths.map((n) => emptyRows || n > 0), maxLength: batch.maxLength, width };
      const weights = aggregation.weights(inputs, withDefaults(aggregation, params));
      const weight = mask.slice();
      for (const r of each) for (let t = offsets[r]; t < offsets[r + 1]; t++) weight[t] = mask[t] === 0 ? 0 : weights[r];
      return { ...batch, weight };
    },
  };
}

/** Metrics under their names, with what the document has beyond them as it is; names of the latter go to `left`. */
export function mergeMetrics(given: unknown, own: Readonly<Record<string, number>>, left: (key: string) => void): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...own };
  if (typeof given === "object" && given !== null) {
    for (const [key, value] of Object.entries(given)) {
      if (key in own) continue;
      merged[key] = value;
      left(key);
    }
  }
  return merged;
}
