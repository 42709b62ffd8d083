import type { UpdateBatch } from "../batch.ts";
import type { LossResult } from "../slots.ts";

/** Differences of log-probs are bounded before they are exponentiated, as verl does. */
const LIMIT = 20;

export interface Bounds {
  /** Bounds of the ratio for a token of this old probability. */
  range(oldProbability: number): readonly [low: number, high: number];
  /** For negative advantages the loss is held at this many times |A|; 0: not held. */
  readonly dualClip: number;
  /** What a held token's gradient is: nothing, or the bound in the ratio's place. */
  readonly held: "no gradient" | "gradient at the bound";
}

/**
 * The pessimistic surrogate max(−ρA, −clip(ρ, low, high)·A) with the given bounds, token by token. The log-ratio is held within ±20, beyond
 * which there is no gradient.
 * @returns terms `ratio`, `low` and `high`; clipped: 1 above, −1 below, −2 by the dual clip.
 */
export function boundedSurrogate(
  { logProb, oldLogProb, advantage, weight }: Pick<UpdateBatch, "logProb" | "oldLogProb" | "advantage" | "weight">,
  { range, dualClip, held }: Bounds,
): LossResult {
  const n = logProb.length;
  const [loss, coefficient, ratio, low, high] = Array.from({ length: 5 }, () => new Float64Array(n));
  const clipped = new Int8Array(n);
  let value = 0;
  for (let t = 0; t < n; t++) {
    const difference = logProb[t] - oldLogProb[t];
    const inside = Math.abs(difference) <= LIMIT;
    ratio[t] = Math.exp(Math.min(LIMIT, Math.max(-LIMIT, difference)));
    const bounds = range(Math.exp(oldLogProb[t]));
    low[t] = bounds[0];
    high[t] = bounds[1];
    if (weight[t] === 0) continue;
    const a = advantage[t];
    const bound = Math.min(high[t], Math.max(low[t], ratio[t]));
    loss[t] = Math.max(-ratio[t] * a, -bound * a);
    // What ∂ℓ/∂logπ is: −ρA where the ratio is free; where it is held, nothing or the bound's own −bA.
    let slope = inside ? -ratio[t] * a : 0;
    if (-bound * a > -ratio[t] * a) {
      clipped[t] = a > 0 ? 1 : -1;
      slope = held === "gradient at the bound" ? -bound * a : 0;
    }
    if (a < 0 && dualClip > 0 && loss[t] > -dualClip * a) {
      loss[t] = -dualClip * a;
      clipped[t] = -2;
      slope = 0;
    }
    coefficient[t] = weight[t] * slope;
    value += weight[t] * loss[t];
  }
  return { value, loss, coefficient, clipped, terms: { ratio, low, high } };
}

/** What the terms of `boundedSurrogate` mean. */
export const BOUND_TERMS = {
  ratio: { symbol: "\\rho_t", meaning: "importance ratio: probability now over probability when the batch was drawn" },
  low: { symbol: "\\rho_{\\min}", meaning: "how far this token's ratio may fall" },
  high: { symbol: "\\rho_{\\max}", meaning: "how far this token's ratio may rise" },
  loss: { symbol: "\\ell_t", meaning: "this token's share of the loss" },
} as const;
