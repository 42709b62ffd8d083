import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const ngrpo: Recipe = {
  id: "ngrpo",
  name: "NGRPO",
  summary: "Lets an imaginary best answer join every group, so that prompts which are always answered wrong teach something too.",
  explanation:
    "On hard prompts all answers are wrong, all advantages are zero, and GRPO learns nothing from them. NGRPO computes mean and spread as if one more answer had earned everything: now every wrong answer is below average and gets pushed away, which spreads probability over answers not tried yet. A tighter bound below than above keeps that pressure steady, and prompts that are solved are replaced. Watch the share of answers with an advantage, entropy, and pass@k for large k, best on a level where most groups are all wrong.",
  source: SOURCES.ngrpo,
  base: "grpo@1",
  changes: {
    groupFilter: { plugin: "not-all-right" },
    advantage: { plugin: "virtual-best" },
    objective: { params: { clipLow: 0.16, clipHigh: 0.24 } },
  },
};
