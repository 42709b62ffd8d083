import { passAtK } from "../../../loop/evaluate.ts";
import type { EvaluationRecord } from "../../../loop/record.ts";

/** pass@k with its uncertainty: how much it would change with other problems of the same kind. */

export interface CurvePointWithInterval {
  readonly k: number;
  readonly value: number;
  /** Absent where the counts of single problems are not recorded. */
  readonly low?: number;
  readonly high?: number;
}

const RESAMPLES = 400;

/** The mean of a list under resampling with replacement: the 2.5th and 97.5th percentile (bootstrap). The same list gives the same interval. */
export function bootstrapInterval(values: readonly number[]): readonly [low: number, high: number] {
  const n = values.length;
  if (n === 0) return [Number.NaN, Number.NaN];
  // Any generator will do, as long as the interval does not flicker: mulberry32.
  let state = 0x9e3779b9;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[Math.floor(next() * n)];
    return sum / n;
  }).sort();
  return [means[Math.floor(0.025 * RESAMPLES)], means[Math.ceil(0.975 * RESAMPLES) - 1]];
}

export function curveOf({ passAtK: recorded, right, samples }: EvaluationRecord): CurvePointWithInterval[] {
  return Object.entries(recorded)
    .map(([key, value]) => {
      const k = Number(key);
      if (!right) return { k, value };
      const [low, high] = bootstrapInterval(right.map((c) => passAtK(samples, c, k)));
      return { k, value, low, high };
    })
    .sort((a, b) => a.k - b.k);
}
