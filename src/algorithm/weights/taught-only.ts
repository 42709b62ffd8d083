import type { TokenWeightPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Tokens without an advantage leave the mean, so that the others' step does not shrink with their number. */
export const taughtOnly: TokenWeightPlugin = {
  id: "taught-only",
  name: "Only tokens with an advantage",
  scope: "batch",
  parameters: {},
  explanation: {
    sentence:
      "Tokens whose advantage is zero are dropped from the mean, so that the step does not shrink with the number of answers that teach nothing.",
    latex: "w_t = [A_t \\ne 0]",
    source: SOURCES.nsrPsr,
  },
  terms: { kept: { symbol: "w_t", meaning: "1 for tokens that learn" } },
  weigh({ advantage, weight }) {
    const kept = Float64Array.from(weight, (w, t) => (w !== 0 && advantage[t] !== 0 ? 1 : 0));
    return { weight: kept, keepDenominator: false, terms: { kept } };
  },
};
