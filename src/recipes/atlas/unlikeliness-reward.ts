import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const unlikeliness: Recipe = {
  id: "unlikeliness-reward",
  name: "Unlikeliness reward",
  summary: "Discounts right answers by how likely they were in their group, so that rare ways of being right are learned too.",
  explanation:
    "GRPO strengthens what is already probable: a right answer that comes often is drawn often and reinforced often, and the policy sharpens instead of learning anything new. Here the most likely right answers of a group lose part of their reward and the least likely keep all of it. More passes over each batch help for the same reason. Groups that are all right are dropped, since there the discount alone would move the policy. Watch pass@k for large k and the number of different right answers.",
  source: SOURCES.unlikely,
  base: "grpo@1",
  changes: {
    groupFilter: { plugin: "mixed" },
    rewards: [{ plugin: "unlikely" }],
    kl: { plugin: "low-var-kl", params: { coefficient: 0.1 } },
  },
};
