import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { NO_LOSS, TOY, TOY_BUDGET, throughout } from "../toy.ts";

export const dcpo: Recipe = {
  id: "dcpo",
  name: "DCPO",
  summary: "Lets rare tokens grow further in one step, and remembers each prompt, so that a group of like answers still teaches.",
  explanation:
    "One clip range for all tokens holds the rare ones back: at a probability of 0.001, a fifth more is next to nothing. DCPO bounds the change of probability instead, so the range widens as the token gets rarer. And where GRPO drops a group whose answers all score the same, DCPO compares it with every earlier visit of that prompt, which is why it trains on a fixed set of problems. Watch the share of answers with an advantage other than zero, and how few tokens are clipped.",
  source: SOURCES.dcpo,
  base: "grpo@1",
  changes: {
    task: { params: { problems: 128 } },
    advantage: { plugin: "prompt-memory" },
    objective: { plugin: "dynamic-clip" },
    aggregation: { plugin: "sequence-mean-token-mean" },
  },
  claim: {
    sentence:
      "On problems that come again and again, more answers have something to teach than with GRPO, and far fewer tokens are clipped, at no loss of pass@1.",
    baseline: { recipe: "grpo" },
    settings: { ...TOY, "task.problems": 64 },
    budget: TOY_BUDGET,
    conditions: [
      {
        sentence: "The share of answers with an advantage other than zero is at least a tenth higher.",
        measure: throughout("advantages/nonzero_fraction"),
        direction: "higher",
        margin: 0.1,
      },
      {
        sentence: "The share of clipped tokens is less than a fifth.",
        measure: throughout("clip_ratio/region_mean"),
        direction: "lower",
        margin: 0.2,
        compare: "ratio",
      },
      NO_LOSS,
    ],
  },
};
