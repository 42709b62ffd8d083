import { type Numbers, type RolloutBatch, tokenRewards } from "./batch.ts";

/** Shared arithmetic of advantages, in 64 bits. */

type Rows = Pick<RolloutBatch, "rows" | "offsets">;

/** `[rows]`: whether a rollout's reward (and each of its token rewards) is a finite number. Others count nowhere and get advantage 0. */
export function scorableRows({ rows, offsets, reward, tokenReward }: Rows & Pick<RolloutBatch, "reward" | "tokenReward">): boolean[] {
  return Array.from({ length: rows }, (_, r) => {
    if (!Number.isFinite(reward[r])) return false;
    if (tokenReward) for (let t = offsets[r]; t < offsets[r + 1]; t++) if (!Number.isFinite(tokenReward[t])) return false;
    return true;
  });
}

/** `[N]`: the reward token by token, 0 in rows that cannot be scored. */
export function scorableTokenRewards(batch: RolloutBatch): Float64Array {
  const rewards = tokenRewards(batch);
  scorableRows(batch).forEach((counts, r) => {
    if (!counts) rewards.fill(0, batch.offsets[r], batch.offsets[r + 1]);
  });
  return rewards;
}

/** The scorable members of each group. */
export function scorableGroups(batch: Rows & Pick<RolloutBatch, "groups" | "reward" | "tokenReward">): number[][] {
  const counts = scorableRows(batch);
  return batch.groups.map((members) => members.filter((r) => counts[r]));
}

const same = (values: readonly number[]) => values.every((x) => x === values[0]);

/** 0 for no values; exactly the value where all are equal, so that rounding makes no spread of nothing. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  return same(values) ? values[0] : values.reduce((a, b) => a + b, 0) / values.length;
}

/** The middle value; of an even number the mean of the middle two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((values.length - 1) / 2)] + sorted[Math.floor(values.length / 2)]) / 2;
}

/** Σ(x − mean)²/(n − ddof); 0 where all are equal or n ≤ ddof. */
export function variance(values: readonly number[], ddof: number): number {
  if (values.length <= ddof || same(values)) return 0;
  const center = mean(values);
  return values.reduce((sum, x) => sum + (x - center) ** 2, 0) / (values.length - ddof);
}

/** √variance, and 1 where n ≤ ddof leaves it undefined. */
export const standardDeviation = (values: readonly number[], ddof: number) =>
  values.length <= ddof ? 1 : Math.sqrt(variance(values, ddof));

/** Σ|x − mean|/n. */
export function meanAbsoluteDeviation(values: readonly number[]): number {
  const center = mean(values);
  return mean(values.map((x) => Math.abs(x - center)));
}

/** The values without the one at `index`. */
export const others = (values: readonly number[], index: number) => values.filter((_, i) => i !== index);

/** A division whose result is 0 where it would not be a finite number. */
export function ratioOrZero(numerator: number, denominator: number): number {
  const ratio = numerator / denominator;
  return Number.isFinite(ratio) ? ratio : 0;
}

/** `[N]`: Σ_{s ≥ t} γ^{s−t}·reward_s within each row. */
export function returnsToGo(rewards: Numbers, { rows, offsets }: Rows, gamma: number): Float64Array {
  const returns = new Float64Array(offsets[rows]);
  for (let r = 0; r < rows; r++) {
    let running = 0;
    for (let t = offsets[r + 1] - 1; t >= offsets[r]; t--) {
      running = rewards[t] + gamma * running;
      returns[t] = running;
    }
  }
  return returns;
}

/** What whitening subtracts and then multiplies with. */
export interface Whitening {
  readonly mean: number;
  readonly factor: number;
}

/**
 * Whitening as verl's `masked_whiten` has it: (x − mean)·(variance + eps)^−½, where 1e-8 is added to the count that mean and variance
 * divide by, and the variance is corrected by n/(n − 1) for ddof 1.
 */
export function maskedWhitening(values: readonly number[], ddof: number, eps: number): Whitening {
  const n = values.length;
  const count = n + 1e-8;
  const center = values.reduce((a, b) => a + b, 0) / count;
  const biased = values.reduce((sum, x) => sum + (x - center) ** 2, 0) / count;
  const spread = n > ddof ? (biased * n) / (n - ddof) : 0;
  return { mean: center, factor: ratioOrZero(1, Math.sqrt(spread + eps)) };
}

/** Standardisation over rollouts, as TRL has it: (x − mean)/(std + eps). Equal values give 0. */
export function standardisation(values: readonly number[], ddof: number, eps: number): Whitening {
  const spread = variance(values, ddof);
  return { mean: mean(values), factor: spread === 0 ? 0 : ratioOrZero(1, Math.sqrt(spread) + eps) };
}

/** `[N]`: tokens of the rows that count, whitened together (`maskedWhitening`); 0 elsewhere. */
export function whitenTokens(
  values: Float64Array,
  { rows, offsets }: Rows,
  counts: readonly boolean[],
  ddof: number,
  eps: number,
): { readonly whitened: Float64Array; readonly whitening: Whitening } {
  const counted: number[] = [];
  for (let r = 0; r < rows; r++) if (counts[r]) counted.push(...values.subarray(offsets[r], offsets[r + 1]));
  const whitening = maskedWhitening(counted, ddof, eps);
  const whitened = new Float64Array(values.length);
  for (let r = 0; r < rows; r++) {
    if (!counts[r]) continue;
    for (let t = offsets[r]; t < offsets[r + 1]; t++) whitened[t] = (values[t] - whitening.mean) * whitening.factor;
  }
  return { whitened, whitening };
}

/**
 * For values sorted upwards: the probability that the j-th is the best of k drawn without replacement, C(j, k−1)/C(n, k), j from 0.
 * @param k 1 ≤ k ≤ n.
 */
export function bestOfSubsetWeights(n: number, k: number): number[] {
  const weights = new Array<number>(n).fill(0);
  let weight = k / n;
  for (let j = n - 1; j >= k - 1; j--) {
    weights[j] = weight;
    weight *= j > 0 ? (j - k + 1) / j : 0;
  }
  return weights;
}

/** The q-quantile, 0 ≤ q ≤ 1, interpolated linearly between the values around position (n − 1)·q; 0 for no values. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
