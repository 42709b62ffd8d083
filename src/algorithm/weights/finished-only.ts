import type { TokenWeightPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Answers that were cut off teach nothing; whether they still count in the average is a knob. */
export const finishedOnly: TokenWeightPlugin = {
  id: "finished-only",
  name: "Finished answers only",
  scope: "rollout",
  parameters: {
    countMasked: {
      kind: "boolean",
      label: "Count masked tokens",
      default: false,
      effect: "Masked tokens stay in the average's denominator, so that a batch with many cut-off answers takes a smaller step.",
    },
  },
  explanation: {
    sentence: "An answer that ran into the length limit is not known to be wrong, so it is neither punished nor praised.",
    latex: "w_i = [\\,o_i \\text{ ends with end-of-text}\\,]",
    source: SOURCES.dapo,
  },
  latexOf: ({ countMasked }) =>
    `w_i = [\\,o_i \\text{ ends with end-of-text}\\,]${countMasked === true ? ",\\quad\\text{averaged over all}" : ""}`,
  terms: { finished: { symbol: "w_i", meaning: "1 for tokens of answers that ended on their own" } },
  weigh(batch, params) {
    const weight = new Float64Array(batch.weight.length);
    for (let r = 0; r < batch.rows; r++) {
      if (batch.finished && !batch.finished[r]) continue;
      for (let t = batch.offsets[r]; t < batch.offsets[r + 1]; t++) weight[t] = batch.weight[t] === 0 ? 0 : 1;
    }
    return { weight, keepDenominator: params.countMasked === true, terms: { finished: weight } };
  },
};
