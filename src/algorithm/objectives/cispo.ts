import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { movedKl, share, tokenMean } from "./metrics.ts";
import { clipHigh, clipLow, LOSS_TERM, RATIO_TERM } from "./parameters.ts";
import { importance, type Level, levelParameter, ratioLatex, weighted } from "./ratio.ts";

/** CISPO: the ratio is clipped as a constant weight, so that no token ever stops learning. */
export const cispo: ObjectivePlugin = {
  id: "cispo",
  name: "Clipped weight (CISPO)",
  scope: "token",
  parameters: {
    bound: {
      kind: "choice",
      label: "Bounds",
      default: "absolute",
      options: [
        { value: "absolute", label: "the number itself caps the ratio (TRL)" },
        { value: "around-one", label: "1 − low and 1 + high (verl)" },
      ],
      effect: "Whether the upper bound is the ratio's cap or its distance from 1. Read as a cap, 0.2 shrinks every update to a fifth.",
    },
    clipLow: { ...clipLow, default: 1, effect: "With bounds around 1: the smallest weight is 1 minus this." },
    clipHigh: {
      ...clipHigh,
      default: 5,
      max: 100,
      slider: [0, 10, 0.1],
      effect: "Bounds the weight of tokens that have become much more probable since the batch was drawn.",
    },
    level: levelParameter,
  },
  explanation: {
    sentence: "Every token keeps its gradient; only the weight that corrects for an outdated batch is bounded.",
    latex: "\\ell_t = -\\mathrm{sg}[\\hat\\rho_t]\\,A_t\\,\\log\\pi(o_t),\\quad \\hat\\rho_t = \\min(\\rho_t, \\epsilon_{\\text{high}})",
    source: SOURCES.cispo,
  },
  latexOf({ bound, level }) {
    const { symbol, where } = ratioLatex(level);
    const bounded =
      bound === "absolute"
        ? `\\min(${symbol}, \\epsilon_{\\text{high}})`
        : `\\mathrm{clip}(${symbol}, 1-\\epsilon_{\\text{low}}, 1+\\epsilon_{\\text{high}})`;
    return `\\ell_t = -\\mathrm{sg}[\\hat\\rho_t]\\,A_t\\,\\log\\pi(o_t),\\quad \\hat\\rho_t = ${bounded}${where}`;
  },
  symbolsOf: ({ level }) => ({ ratio: ratioLatex(level).symbol }),
  terms: {
    ratio: RATIO_TERM,
    factor: { symbol: "\\hat\\rho_t", meaning: "the bounded ratio, a constant in the gradient" },
    loss: LOSS_TERM,
  },
  lossAndCoefficients(batch, params) {
    const { logProb, advantage } = batch;
    const { ratio, shared } = importance(batch, (params.level as Level | undefined) ?? "token");
    const absolute = params.bound === "absolute";
    const high = absolute ? (params.clipHigh as number) : 1 + (params.clipHigh as number);
    const low = absolute ? 0 : 1 - (params.clipLow as number);
    const factor = ratio.map((x) => Math.min(high, Math.max(low, x)));
    const { value, loss, slope, clipped } = weighted(batch, (t) => {
      const push = -factor[t] * advantage[t];
      return [push * logProb[t], push, ratio[t] > high ? 1 : ratio[t] < low ? -1 : 0];
    });
    const metrics = {
      cispo_clip_ratio: share(batch, shared, (t) => ratio[t] > high && advantage[t] > 0),
      "actor/pg_clipfrac": tokenMean(batch, (t) => factor[t] !== ratio[t]),
      "actor/pg_clipfrac_lower": 0,
      "actor/ppo_kl": movedKl(batch),
    };
    return { value, loss, coefficient: slope, clipped, terms: { ratio, factor }, metrics };
  },
};
