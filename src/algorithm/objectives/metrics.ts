import type { UpdateBatch } from "../batch.ts";
import { bounded, countedTokens } from "./ratio.ts";

/** Metrics of objectives under the frameworks' names and with their definitions: TRL's `clip_ratio/…`, verl's `actor/…`. */

/** The mean of something over tokens that count; 0 for none. */
export function tokenMean(batch: Pick<UpdateBatch, "mask" | "weight">, of: (t: number) => number | boolean): number {
  const counted = countedTokens(batch);
  let [sum, count] = [0, 0];
  for (let t = 0; t < counted.length; t++) if (counted[t]) [sum, count] = [sum + Number(of(t)), count + 1];
  return count === 0 ? 0 : sum / count;
}

/** One value for each row: the mean over its tokens that count (NaN for none), or its shared value. */
function rowMeans(batch: UpdateBatch, shared: boolean, of: (t: number) => boolean): number[] {
  const counted = countedTokens(batch);
  return Array.from({ length: batch.rows }, (_, r) => {
    const [from, to] = [batch.offsets[r], batch.offsets[r + 1]];
    if (shared) return from < to ? Number(of(from)) : 0;
    let [sum, count] = [0, 0];
    for (let t = from; t < to; t++) if (counted[t]) [sum, count] = [sum + Number(of(t)), count + 1];
    return sum / count;
  });
}

/** A share of tokens, or of rows where a row's tokens share one ratio. */
export function share(batch: UpdateBatch, shared: boolean, of: (t: number) => boolean): number {
  if (!shared) return tokenMean(batch, of);
  const rows = rowMeans(batch, true, of);
  return rows.length === 0 ? 0 : rows.reduce((a, b) => a + b, 0) / rows.length;
}

/** TRL's shares of ratios beyond the bounds where that stops learning; `low_min` and `high_max` are the extremes over answers. */
export function clipRatios(
  batch: UpdateBatch,
  ratio: ArrayLike<number>,
  low: number,
  high: number,
  shared: boolean,
): Readonly<Record<string, number>> {
  const below = (t: number) => ratio[t] < 1 - low && batch.advantage[t] < 0;
  const above = (t: number) => ratio[t] > 1 + high && batch.advantage[t] > 0;
  const finite = (values: number[]) => values.filter((x) => !Number.isNaN(x));
  const extreme = (values: number[], pick: (...values: number[]) => number) => (values.length === 0 ? 0 : pick(...values));
  return {
    "clip_ratio/low_mean": share(batch, shared, below),
    "clip_ratio/high_mean": share(batch, shared, above),
    "clip_ratio/region_mean": share(batch, shared, (t) => below(t) || above(t)),
    "clip_ratio/low_min": extreme(finite(rowMeans(batch, shared, below)), Math.min),
    "clip_ratio/high_max": extreme(finite(rowMeans(batch, shared, above)), Math.max),
  };
}

/** verl's `actor/ppo_kl`: how far the policy has moved from the behaviour policy, old minus new. */
export const movedKl = (batch: UpdateBatch): number => tokenMean(batch, (t) => -bounded(batch.logProb[t] - batch.oldLogProb[t]));
