import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { movedKl, tokenMean } from "./metrics.ts";
import { clipHigh, clipLow, LOSS_TERM } from "./parameters.ts";
import { bounded, countedTokens, LIMIT, rowSums, weighted } from "./ratio.ts";

/** GMPO: token log-ratios are clipped, and their geometric mean is the answer's ratio. */
export const gmpo: ObjectivePlugin = {
  id: "gmpo",
  name: "Geometric mean (GMPO)",
  scope: "rollout",
  aggregation: "sequence-mean-token-mean",
  parameters: {
    clipLow: {
      ...clipLow,
      default: 0.4,
      max: 20,
      slider: [0, 1, 0.01],
      unit: "nats",
      effect: "How far the log-probability of a bad answer's token may fall before it stops counting.",
    },
    clipHigh: {
      ...clipHigh,
      default: 0.4,
      max: 20,
      unit: "nats",
      effect: "How far the log-probability of a good answer's token may rise before it stops counting.",
    },
  },
  explanation: {
    sentence: "Averages the tokens' ratios geometrically, so that a few tokens with extreme ratios do not dominate an answer.",
    latex:
      "\\ell = -A\\,\\exp\\!\\Big(\\frac{1}{|o|}\\sum_t d_t\\Big),\\quad d_t = \\mathrm{sgn}(A_t)\\min\\!\\big(\\mathrm{sgn}(A_t)\\,\\delta_t,\\ \\mathrm{sgn}(A_t)\\,\\mathrm{clip}(\\delta_t, -\\epsilon_{\\text{low}}, \\epsilon_{\\text{high}})\\big)",
    source: SOURCES.gmpo,
  },
  terms: {
    ratio: { symbol: "\\exp\\!\\Big(\\frac{1}{|o|}\\sum_t d_t\\Big)", meaning: "geometric mean of the answer's clipped ratios" },
    loss: LOSS_TERM,
  },
  lossAndCoefficients(batch, params) {
    const { logProb, oldLogProb, advantage, weight, rows, offsets } = batch;
    const n = logProb.length;
    const [low, high] = [params.clipLow as number, params.clipHigh as number];
    const counted = countedTokens(batch);
    const moved = Float64Array.from(logProb, (x, t) => bounded(x - oldLogProb[t]));
    const clip = (t: number) => Math.min(high, Math.max(-low, moved[t]));
    const clipped = new Int8Array(n);
    const kept = moved.map((d, t) => {
      if (advantage[t] === 0) return 0;
      const held = clip(t);
      if (advantage[t] > 0 ? held < d : held > d) {
        clipped[t] = advantage[t] > 0 ? 1 : -1;
        return held;
      }
      return d;
    });
    const lengths = rowSums(new Float64Array(n).fill(1), counted, batch);
    const [sums, advantages] = [rowSums(kept, counted, batch), rowSums(advantage, counted, batch)];
    const ratio = new Float64Array(n);
    const mean = new Float64Array(n);
    for (let r = 0; r < rows; r++) {
      const length = Math.max(1, lengths[r]);
      ratio.fill(Math.exp(sums[r] / length), offsets[r], offsets[r + 1]);
      mean.fill(advantages[r] / length, offsets[r], offsets[r + 1]);
    }
    const { value, loss, slope } = weighted(batch, (t) => [-mean[t] * ratio[t], -mean[t] * ratio[t]]);
    // Every token of a row moves the row's ratio, which all its tokens share.
    const pull = rowSums(slope, weight, batch);
    const coefficient = new Float64Array(n);
    for (let r = 0; r < rows; r++) {
      for (let t = offsets[r]; t < offsets[r + 1]; t++) {
        const free = counted[t] && clipped[t] === 0 && advantage[t] !== 0 && Math.abs(logProb[t] - oldLogProb[t]) <= LIMIT;
        if (free) coefficient[t] = pull[r] / Math.max(1, lengths[r]);
      }
    }
    const outside = (t: number) => clip(t) !== moved[t];
    const metrics = {
      "actor/pg_clipfrac": tokenMean(batch, (t) => outside(t) && advantage[t] > 0),
      "actor/pg_clipfrac_lower": tokenMean(batch, (t) => outside(t) && advantage[t] < 0),
      "actor/ppo_kl": movedKl(batch),
    };
    return { value, loss, coefficient, clipped, terms: { ratio }, metrics };
  },
};
