import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const ead: Recipe = {
  id: "ead",
  name: "EAD",
  summary: "Draws the first tokens of an answer warm and cools down along it, so that answers branch out early and end carefully.",
  explanation:
    "One temperature for a whole answer explores everywhere or nowhere: warm enough to find new ways, it also garbles the end of those it finds. EAD starts above 1, where an answer still decides its way, and cools along the answer, where it only carries the decision out; the cooling grows slower from step to step. The update stays GRPO's, with the policy's own log-probs at temperature 1: that the sampler was warmer or cooler is accepted, and can be weighed with the sampler correction. Watch how many different answers a group has, the share of groups with at least one right answer, and how long entropy lasts.",
  source: SOURCES.ead,
  base: "grpo@1",
  changes: {
    sampler: { plugin: "annealed" },
    objective: { params: { clipHigh: 0.28 } },
  },
};
