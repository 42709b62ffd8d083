import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const highEntropyTokens: Recipe = {
  id: "high-entropy-tokens",
  name: "High-entropy tokens",
  summary: "Trains only on the fifth of tokens at which the policy is least sure, where an answer decides its way.",
  explanation:
    "Most tokens of an answer follow from those before; a few are forks. Here only the tokens with the highest entropy of the whole mini-batch learn, and the loss is averaged over them alone, so each of them learns as strongly as before. Everything else is DAPO's. Watch pass@1 against the same run on all tokens, and entropy at the forks. Answers without a fork do not take part at all.",
  source: SOURCES.highEntropy,
  base: "grpo@1",
  changes: {
    groupFilter: { plugin: "mixed" },
    tokenWeights: [{ plugin: "top-entropy", params: { share: 0.2, rule: "count", keepDenominator: false } }],
    objective: { params: { clipHigh: 0.28, dualClip: 10 } },
    reward: { params: { overlongBuffer: 4 } },
  },
};
