import type { UpdateBatch } from "../batch.ts";
import { clippedObjective } from "../kernels/clippedObjective.ts";
import type { Parameters } from "../plugin.ts";
import type { LossResult, ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { clipRatios, movedKl, tokenMean } from "./metrics.ts";
import { clipHigh, clipLow, LOSS_TERM, RATIO_TERM } from "./parameters.ts";
import { type Importance, importance, type Level, levelParameter, ratioLatex, weighted } from "./ratio.ts";

/** The clipped surrogate of PPO and GRPO, with a bound of its own on each side (DAPO's clip-higher), verl's dual clip and TRL's cap. */
export const clippedSurrogate: ObjectivePlugin = {
  id: "clipped",
  name: "Clipped surrogate",
  scope: "token",
  parameters: {
    clipLow,
    clipHigh,
    dualClip: {
      kind: "number",
      label: "Dual clip",
      default: 0,
      min: 0,
      max: 100,
      slider: [0, 10, 0.5],
      symbol: "c",
      effect: "Bounds the loss of a bad token whose ratio has grown large; 0 switches it off.",
    },
    delta: {
      kind: "number",
      label: "Ratio cap δ",
      default: 0,
      min: 0,
      max: 100,
      slider: [0, 10, 0.5],
      symbol: "\\delta",
      effect: "Caps the ratio in the unclipped branch, which bounds the loss of bad tokens as the dual clip does; 0 switches it off.",
    },
    level: levelParameter,
  },
  explanation: {
    sentence:
      "Raise the probability of tokens with positive advantage and lower the others, but no further than the clip bounds within one batch.",
    latex:
      "\\ell_t = -\\min\\!\\big(\\rho_t A_t,\\ \\mathrm{clip}(\\rho_t, 1-\\epsilon_{\\text{low}}, 1+\\epsilon_{\\text{high}})\\,A_t\\big) + \\beta\\,k_3",
    source: SOURCES.grpo,
  },
  latexOf,
  symbolsOf: ({ level }) => ({ ratio: ratioLatex(level).symbol }),
  terms: {
    ratio: RATIO_TERM,
    clipped: { symbol: "\\mathrm{clip}", meaning: "whether a bound holds the token" },
    kl: { symbol: "k_3", meaning: "this token's estimate of the KL divergence from the base policy" },
    loss: LOSS_TERM,
  },
  lossAndCoefficients: (batch, params) =>
    clippedLoss(batch, importance(batch, (params.level as Level | undefined) ?? "token"), {
      low: params.clipLow as number,
      high: params.clipHigh as number,
      dualClip: params.dualClip as number,
      delta: (params.delta as number | undefined) ?? 0,
    }),
  device: {
    kernel: clippedObjective,
    uniforms: (params, beta, count) =>
      (params.delta ?? 0) !== 0 || (params.level ?? "token") !== "token"
        ? null
        : {
            clipLow: params.clipLow as number,
            clipHigh: params.clipHigh as number,
            dualClip: params.dualClip as number,
            beta,
            count,
          },
    inputs: ({ logProb, oldLogProb, advantage, weight, reference }) => ({ logProb, oldLogProb, advantage, weight, reference }),
  },
};

/** Without the penalty, which has a formula of its own. */
function latexOf({ level, dualClip, delta }: Parameters): string {
  const { symbol: ratio, where } = ratioLatex(level);
  const free = delta ? `\\min(${ratio}, \\delta)` : ratio;
  const surrogate = `-\\min\\!\\big(${free} A_t,\\ \\mathrm{clip}(${ratio}, 1-\\epsilon_{\\text{low}}, 1+\\epsilon_{\\text{high}})\\,A_t\\big)`;
  const bounded = dualClip ? `\\ell_t = ${surrogate},\\ \\text{ at most } -c\\,A_t \\text{ where } A_t < 0` : `\\ell_t = ${surrogate}`;
  return bounded + where;
}

export interface Clip {
  readonly low: number;
  readonly high: number;
  /** 0: off. */
  readonly dualClip: number;
  /** 0: off. */
  readonly delta: number;
}

/**
 * max(−min(ρ, δ)A, −clip(ρ, 1 − low, 1 + high)A), and for A < 0 no more than −dualClip·A, with ratios of any level. The gradient of a bound
 * that is reached exactly is that of the ratio, as automatic differentiation has it.
 */
export function clippedLoss(batch: UpdateBatch, { ratio, shared, toLogProbs }: Importance, clip: Clip): LossResult {
  const { advantage } = batch;
  const { low, high, dualClip, delta } = clip;
  const capped = delta > 0 ? ratio.map((x) => Math.min(x, delta)) : ratio;
  const held = (t: number) => Math.min(1 + high, Math.max(1 - low, ratio[t]));
  const { value, loss, slope, clipped } = weighted(batch, (t) => {
    const a = advantage[t];
    const bound = held(t);
    const [left, right] = [-capped[t] * a, -bound * a];
    if (a < 0 && dualClip > 0 && Math.max(left, right) > -dualClip * a) return [-dualClip * a, 0, -2];
    const slope = -ratio[t] * a;
    const leftSlope = delta > 0 && ratio[t] > delta ? 0 : slope;
    const rightSlope = bound === ratio[t] ? slope : 0;
    if (right > left) return [right, rightSlope, rightSlope !== 0 ? 0 : a > 0 ? 1 : -1];
    if (left > right) return [left, leftSlope, leftSlope !== 0 ? 0 : a > 0 ? 1 : -2];
    return [left, a === 0 ? slope : (leftSlope + rightSlope) / 2];
  });
  const metrics = {
    ...clipRatios(batch, capped, low, high, shared),
    "actor/pg_clipfrac": tokenMean(batch, (t) => -held(t) * advantage[t] > -ratio[t] * advantage[t]),
    "actor/pg_clipfrac_lower": tokenMean(batch, (t) => dualClip > 0 && advantage[t] < 0 && Math.max(ratio[t], held(t)) > dualClip),
    "actor/ppo_kl": movedKl(batch),
  };
  return { value, loss, coefficient: toLogProbs(slope), clipped, terms: { ratio }, metrics };
}
