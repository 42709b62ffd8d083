import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { clippedLoss } from "./clipped.ts";
import { clipHigh, clipLow, LOSS_TERM } from "./parameters.ts";
import { importance } from "./ratio.ts";

/** LUSPO: GSPO with each answer's loss multiplied by its length, which is the sum over its tokens; so it wants sums as aggregation. */
export const luspo: ObjectivePlugin = {
  id: "luspo",
  name: "Length-unbiased sequence clip (LUSPO)",
  scope: "rollout",
  aggregation: "sequence-mean-token-sum",
  parameters: {
    clipLow: { ...clipLow, effect: "How far a bad answer may fall in one step, per token, before it is left alone." },
    clipHigh: { ...clipHigh, effect: "How far a good answer may rise in one step, per token, before it is left alone." },
  },
  explanation: {
    sentence: "A whole answer is clipped at once, and it counts in proportion to its length, so that long good answers are not held back.",
    latex:
      "\\mathcal L = -\\frac1n\\sum_i |o_i|\\,\\min\\!\\big(s_i A_i,\\ \\mathrm{clip}(s_i, 1-\\epsilon_{\\text{low}}, 1+\\epsilon_{\\text{high}})\\,A_i\\big)",
    source: SOURCES.luspo,
  },
  terms: { ratio: { symbol: "s_i", meaning: "geometric mean of the answer's importance ratios" }, loss: LOSS_TERM },
  lossAndCoefficients: (batch, params) =>
    clippedLoss(batch, importance(batch, "sequence"), {
      low: params.clipLow as number,
      high: params.clipHigh as number,
      dualClip: 0,
      delta: 0,
    }),
};
