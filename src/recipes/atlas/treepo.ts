import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { NO_LOSS, TOY, TOY_BUDGET, throughout } from "../toy.ts";

export const treepo: Recipe = {
  id: "treepo",
  name: "TreePO",
  summary: "Grows a group's answers as a tree with shared beginnings, and compares each answer again at every fork that it shares.",
  explanation:
    "Independent answers to one prompt often begin alike, and each pays for that beginning anew. TreePO generates segment by segment, forks open paths, and goes back to an earlier boundary when a tree ends too small: the same number of answers for fewer generated tokens. The tree also says which answers share which beginning, so an answer is compared with the whole group and with every nested group it belongs to: what it inherited is judged apart from what it did itself. Watch the tokens generated beside the tokens in the answers, and answers of equal reward that end up with different advantages.",
  source: SOURCES.treepo,
  base: "grpo@1",
  changes: {
    sampler: { plugin: "tree" },
    groupFilter: { plugin: "mixed" },
    reward: { params: { overlongBuffer: 4 } },
    advantage: { plugin: "tree" },
    objective: { params: { clipHigh: 0.28, dualClip: 10 } },
  },
  claim: {
    sentence: "An answer costs clearly fewer generated tokens than with independent sampling, at no loss of pass@1.",
    baseline: {
      recipe: "grpo",
      changes: { groupFilter: "mixed", "reward.overlongBuffer": 4, "objective.clipHigh": 0.28, "objective.dualClip": 10 },
    },
    settings: TOY,
    budget: TOY_BUDGET,
    conditions: [
      {
        sentence: "Tokens generated for each answer are less than nine tenths.",
        measure: { ratio: [throughout("tokens"), throughout("rollouts_drawn")] },
        direction: "lower",
        margin: 0.9,
        compare: "ratio",
      },
      NO_LOSS,
    ],
  },
};
