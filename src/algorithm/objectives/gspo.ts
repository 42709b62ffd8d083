import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { clippedLoss } from "./clipped.ts";
import { clipHigh, clipLow, LOSS_TERM } from "./parameters.ts";
import { importance } from "./ratio.ts";

/** GSPO: one clipped ratio for the whole answer, the geometric mean of its tokens' ratios; each token's gradient is its own. */
export const gspo: ObjectivePlugin = {
  id: "gspo",
  name: "Sequence clip (GSPO)",
  scope: "rollout",
  aggregation: "sequence-mean-token-mean",
  parameters: {
    clipLow: {
      ...clipLow,
      default: 3e-4,
      slider: [0, 0.1, 1e-4],
      effect: "How far a bad answer may fall in one step, per token, before it is left alone.",
    },
    clipHigh: {
      ...clipHigh,
      default: 4e-4,
      slider: [0, 0.1, 1e-4],
      effect: "How far a good answer may rise in one step, per token, before it is left alone.",
    },
  },
  explanation: {
    sentence: "Rewards are given to whole answers, so whole answers are clipped: either all tokens of an answer learn or none.",
    latex:
      "\\ell_t = -\\min\\!\\big(s A,\\ \\mathrm{clip}(s, 1-\\epsilon_{\\text{low}}, 1+\\epsilon_{\\text{high}})\\,A\\big),\\quad s = \\Big(\\tfrac{\\pi(o)}{\\pi_{\\text{old}}(o)}\\Big)^{1/|o|}",
    source: SOURCES.gspo,
  },
  terms: { ratio: { symbol: "s", meaning: "geometric mean of the answer's importance ratios" }, loss: LOSS_TERM },
  lossAndCoefficients: (batch, params) =>
    clippedLoss(batch, importance(batch, "sequence-token", CEILING), {
      low: params.clipLow as number,
      high: params.clipHigh as number,
      dualClip: 0,
      delta: 0,
    }),
};

/** verl's upper bound for the logarithm of the ratio. */
const CEILING = 10;
