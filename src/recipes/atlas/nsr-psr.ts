import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const nsrPsr: Recipe = {
  id: "nsr-psr",
  name: "NSR",
  summary: "Learns from wrong answers alone: what is taken from them goes to everything else that was plausible.",
  explanation:
    "The reward does two things, praise right answers and punish wrong ones, and they can be taken apart. Praise sharpens the policy on what it already finds; punishment only takes away, and the freed probability goes to the other tokens in proportion to what they had, so the ways not tried stay open. Turn the strength for right answers to 1 and that for wrong ones to 0 for the opposite, or to 0.1 and 1 for the mixture that does best at most k. Watch pass@1 and pass@k together.",
  source: SOURCES.nsrPsr,
  base: "grpo@1",
  changes: {
    advantage: { plugin: "signed", params: { positive: 0, negative: 1 } },
    tokenWeights: [{ plugin: "taught-only" }],
  },
};
