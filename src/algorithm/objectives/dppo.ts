import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { movedKl, tokenMean } from "./metrics.ts";
import { clipHigh, clipLow, LOSS_TERM, RATIO_TERM } from "./parameters.ts";
import { importance, weighted } from "./ratio.ts";

/** DPPO: tokens stop learning by how far their probability has moved, not by its ratio. */
export const dppo: ObjectivePlugin = {
  id: "dppo",
  name: "Divergence mask (DPPO)",
  scope: "token",
  parameters: {
    divergence: {
      kind: "choice",
      label: "Measured by",
      default: "tv",
      options: [
        { value: "tv", label: "difference of probabilities" },
        { value: "kl", label: "binary KL divergence" },
      ],
      effect: "What counts as having moved far: the difference of the token's probabilities, or the divergence of token against the rest.",
    },
    clipLow: { ...clipLow, default: 0.15, max: 10, effect: "How far a bad token's probability may fall before it stops learning." },
    clipHigh: { ...clipHigh, default: 0.15, effect: "How far a good token's probability may rise before it stops learning." },
    cap: {
      kind: "number",
      label: "Ratio cap",
      default: 3,
      min: 1,
      max: 1000,
      slider: [1, 20, 0.5],
      symbol: "c",
      effect: "Bounds the constant weight that corrects for an outdated batch.",
    },
  },
  explanation: {
    sentence:
      "A ratio of 2 means little for a token of probability 0.001 and much for one of 0.4, so the trust region is drawn around probabilities.",
    latex:
      "\\ell_t = -M_t\\,\\mathrm{sg}[\\min(\\rho_t, c)]\\,A_t\\,\\log\\pi(o_t),\\quad M_t = \\big[D(\\pi_{\\text{old}}, \\pi) \\le \\epsilon\\big]",
    source: SOURCES.dppo,
  },
  latexOf({ divergence }) {
    const mask = (good: string, bad: string) => `\\begin{cases}[${good}] & A_t > 0\\\\ [${bad}] & \\text{else}\\end{cases}`;
    const [low, high] = ["\\epsilon_{\\text{low}}", "\\epsilon_{\\text{high}}"];
    const valid =
      divergence === "tv"
        ? `${mask(`D \\le ${high}`, `D \\ge -${low}`)},\\quad D = \\pi(o_t) - \\pi_{\\text{old}}(o_t)`
        : `${mask(`D \\le ${high}\\ \\lor\\ \\pi \\le \\pi_{\\text{old}}`, `D \\le ${low}\\ \\lor\\ \\pi \\ge \\pi_{\\text{old}}`)}`;
    return `\\ell_t = -M_t\\,\\mathrm{sg}[\\min(\\rho_t, c)]\\,A_t\\,\\log\\pi(o_t),\\quad M_t = ${valid}`;
  },
  terms: {
    ratio: RATIO_TERM,
    divergence: { symbol: "D", meaning: "how far the token's probability has moved" },
    loss: LOSS_TERM,
  },
  lossAndCoefficients(batch, params) {
    const { logProb, oldLogProb, advantage } = batch;
    const { ratio } = importance(batch, "token");
    const [low, high, cap] = [params.clipLow as number, params.clipHigh as number, params.cap as number];
    const divergence = new Float64Array(logProb.length);
    const valid = Array.from(logProb, (now, t) => {
      const [p, old] = [Math.exp(now), Math.exp(oldLogProb[t])];
      if (params.divergence === "tv") {
        divergence[t] = p - old;
        return advantage[t] > 0 ? p - old <= high : p - old >= -low;
      }
      // 1e-8 as in verl; where a log-prob lies above 0 the divergence is not a number and counts as exceeded.
      divergence[t] = old * (oldLogProb[t] - now) + (1 - old) * Math.log((1 - old + 1e-8) / (1 - p + 1e-8));
      return advantage[t] > 0 ? divergence[t] <= high || p <= old : divergence[t] <= low || p >= old;
    });
    const { value, loss, slope, clipped } = weighted(batch, (t) => {
      if (!valid[t]) return [0, 0, advantage[t] > 0 ? 1 : -1];
      const push = -Math.min(ratio[t], cap) * advantage[t];
      return [push * logProb[t], push];
    });
    const metrics = {
      "actor/pg_clipfrac": tokenMean(batch, (t) => !valid[t]),
      "actor/pg_clipfrac_lower": tokenMean(batch, (t) => valid[t] && ratio[t] > cap),
      "actor/ppo_kl": movedKl(batch),
    };
    return {
      value,
      loss,
      coefficient: slope,
      clipped,
      terms: { ratio, divergence: divergence.map((x) => (Number.isNaN(x) ? 0 : x)) },
      metrics,
    };
  },
};
