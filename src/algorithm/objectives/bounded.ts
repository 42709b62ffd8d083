import type { UpdateBatch } from "../batch.ts";
import type { LossResult } from "../slots.ts";
import { movedKl, tokenMean } from "./metrics.ts";
import { LOSS_TERM, RATIO_TERM } from "./parameters.ts";
import { importance, weighted } from "./ratio.ts";

export interface Bounds {
  /** Bounds of the ratio for a token of this old probability. */
  range(oldProbability: number): readonly [low: number, high: number];
  /** For negative advantages the loss is held at this many times |A|; 0: not held. */
  readonly dualClip: number;
  /** What a held token's gradient is: nothing, or the bound in the ratio's place. */
  readonly held: "no gradient" | "gradient at the bound";
}

/**
 * The pessimistic surrogate max(−ρA, −clip(ρ, low, high)·A) with bounds of each token's own.
 * @returns terms `ratio`, `low` and `high`; clipped: 1 above, −1 below, −2 by the dual clip.
 */
export function boundedSurrogate(batch: UpdateBatch, { range, dualClip, held }: Bounds): LossResult {
  const { oldLogProb, advantage } = batch;
  const { ratio, toLogProbs } = importance(batch, "token");
  const bounds = Array.from(oldLogProb, (x) => range(Math.exp(x)));
  const low = Float64Array.from(bounds, ([x]) => x);
  const high = Float64Array.from(bounds, ([, x]) => x);
  const bound = ratio.map((x, t) => Math.min(high[t], Math.max(low[t], x)));
  const isHeld = (t: number) => -bound[t] * advantage[t] > -ratio[t] * advantage[t];
  const isDual = (t: number) =>
    advantage[t] < 0 && dualClip > 0 && Math.max(-ratio[t] * advantage[t], -bound[t] * advantage[t]) > -dualClip * advantage[t];
  const { value, loss, slope, clipped } = weighted(batch, (t) => {
    const a = advantage[t];
    if (isDual(t)) return [-dualClip * a, 0, -2];
    // ∂(−ρA)/∂log ρ = −ρA; at a bound that keeps its gradient, b·ρ/sg(ρ) gives −bA.
    if (isHeld(t)) return [-bound[t] * a, held === "gradient at the bound" ? -bound[t] * a : 0, a > 0 ? 1 : -1];
    return [-ratio[t] * a, -ratio[t] * a, 0];
  });
  return {
    value,
    loss,
    coefficient: toLogProbs(slope),
    clipped,
    terms: { ratio, low, high },
    metrics: {
      "actor/pg_clipfrac": tokenMean(batch, isHeld),
      "actor/pg_clipfrac_lower": tokenMean(batch, isDual),
      "actor/ppo_kl": movedKl(batch),
    },
  };
}

/** What the terms of `boundedSurrogate` mean. */
export const BOUND_TERMS = {
  ratio: RATIO_TERM,
  low: { symbol: "\\rho_{\\min}", meaning: "how far this token's ratio may fall" },
  high: { symbol: "\\rho_{\\max}", meaning: "how far this token's ratio may rise" },
  loss: LOSS_TERM,
} as const;

/** What the dual clip adds to a surrogate's formula (LaTeX); nothing where it is off. */
export const dualLatex = (dualClip: unknown): string =>
  dualClip === 0 ? "" : ",\\ \\text{ at most } -c_{\\text{dual}}\\,A_t \\text{ where } A_t < 0";
