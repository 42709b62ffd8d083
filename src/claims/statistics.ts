import { type Random, randomSequence, STREAM } from "../policy/random.ts";
import type { Condition } from "../recipes/claim.ts";
import type { Effect, Outcome } from "../recipes/outcomes.ts";

/**
 * Whether paired runs bear a condition out. Pairs share a seed: problems, draws and held-out problems are the same as long as the policies
 * are, so that the difference within a pair is what counts.
 */

/** Paired numbers, one entry a seed. */
export interface Pairs {
  readonly method: readonly number[];
  readonly baseline: readonly number[];
}

const RESAMPLES = 4000;
const SEED = 2025;
/** Two-sided 95 %. */
const Z = 1.959964;
/** Student's t at 97.5 % for 1 to 10 degrees of freedom. */
const T = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281];

/** Student's t at 97.5 %: tabulated, then the Cornish–Fisher expansion (within 0.002 from 11 degrees of freedom on). */
function studentT(degrees: number): number {
  return T[degrees - 1] ?? Z + (Z ** 3 + Z) / (4 * degrees) + (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / (96 * degrees ** 2);
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function statistic({ method, baseline }: Pairs, compare: Condition["compare"]): number {
  return compare === "ratio" ? mean(method) / mean(baseline) : mean(method.map((value, i) => value - baseline[i]));
}

function resample({ method, baseline }: Pairs, random: Random): Pairs {
  const rows = method.map(() => random.integer(0, method.length - 1));
  return { method: rows.map((i) => method[i]), baseline: rows.map((i) => baseline[i]) };
}

/** Linear interpolation between the order statistics of sorted values. */
function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

/**
 * 95 % interval of the effect: the percentile bootstrap over pairs (4000 resamples, fixed seed), its two arms stretched about the effect by
 * √(n/(n−1))·t/z, because the plain percentile interval is far too narrow for a handful of pairs (Hesterberg, "What Teachers Should Know
 * About the Bootstrap", 2015, https://doi.org/10.1080/00031305.2015.1089789).
 * Null for a single pair, and where the effect or a resample of it is not finite.
 */
export function bootstrapInterval(pairs: Pairs, compare: Condition["compare"] = "difference"): [low: number, high: number] | null {
  const n = pairs.method.length;
  const effect = statistic(pairs, compare);
  if (n < 2 || !Number.isFinite(effect)) return null;
  const random = randomSequence({ seed: SEED, stream: STREAM.plugin, step: 0 });
  const resamples = Array.from({ length: RESAMPLES }, () => statistic(resample(pairs, random), compare));
  if (!resamples.every(Number.isFinite)) return null;
  return stretched(effect, resamples, n);
}

/** The percentile interval of resampled effects, stretched about the effect for `n` values. */
function stretched(effect: number, resamples: number[], n: number): [low: number, high: number] {
  resamples.sort((a, b) => a - b);
  const stretch = (Math.sqrt(n / (n - 1)) * studentT(n - 1)) / Z;
  const bound = (q: number) => effect + stretch * (quantile(resamples, q) - effect);
  return [bound(0.025), bound(0.975)];
}

/** Resamples of whole curves: fewer than of one number, since a band is looked at and not judged by. */
const CURVE_RESAMPLES = 1000;

/**
 * The mean of curves and its 95 % interval at each place, as `bootstrapInterval` has it: runs are drawn as wholes, the same for all places.
 * @param curves `[run][place]`, all of one length; a single one has a mean and no interval.
 */
export function bootstrapBand(curves: readonly (readonly number[])[]): { mean: number; interval: [low: number, high: number] | null }[] {
  const n = curves.length;
  const random = randomSequence({ seed: SEED, stream: STREAM.plugin, step: 0 });
  const draws = n < 2 ? [] : Array.from({ length: CURVE_RESAMPLES }, () => curves.map(() => random.integer(0, n - 1)));
  return curves[0].map((_, at) => {
    const centre = mean(curves.map((curve) => curve[at]));
    const resamples = draws.map((rows) => mean(rows.map((row) => curves[row][at])));
    return { mean: centre, interval: n < 2 ? null : stretched(centre, resamples, n) };
  });
}

/** The effect of paired runs and whether the interval lies beyond the margin on the claimed side, wholly on the other side, or across it. */
export function judge(pairs: Pairs, condition: Pick<Condition, "direction" | "margin" | "compare">): Effect {
  const found = statistic(pairs, condition.compare);
  const effect = Number.isFinite(found) ? found : null;
  const interval = bootstrapInterval(pairs, condition.compare);
  if (!interval) return { effect, interval, outcome: "inconclusive" };
  // For a difference the margin counts in the claimed direction; a ratio's margin is the factor itself.
  const sign = condition.direction === "higher" ? 1 : -1;
  const threshold = condition.compare === "ratio" ? sign * condition.margin : condition.margin;
  const [low, high] = sign === 1 ? interval : [-interval[1], -interval[0]];
  const outcome = low > threshold ? "holds" : high <= threshold ? "does not hold" : "inconclusive";
  return { effect, interval, outcome };
}

/** Of a claim, from those of its conditions: all must hold, and one that does not hold is enough to refute it. */
export function combine(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes("does not hold")) return "does not hold";
  return outcomes.every((outcome) => outcome === "holds") ? "holds" : "inconclusive";
}
