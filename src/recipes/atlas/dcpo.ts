import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

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
};
