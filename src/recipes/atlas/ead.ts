import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { afterTraining, TOY, TOY_BUDGET, throughout } from "../toy.ts";

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
  claim: {
    sentence:
      "A group of sixteen finds a right answer more often than at temperature 1 and at 1.2, no fewer of its answers are right, and entropy ends higher than at temperature 1.",
    baseline: { recipe: "grpo", changes: { "objective.clipHigh": 0.28 } },
    settings: { ...TOY, "sampler.promptsPerStep": 4, "sampler.groupSize": 16 },
    budget: TOY_BUDGET,
    conditions: [
      {
        sentence: "The share of groups with a right answer is higher than at temperature 1.",
        measure: throughout("groups/any_right"),
        direction: "higher",
        margin: 0,
      },
      {
        sentence: "It is higher than at temperature 1.2.",
        measure: throughout("groups/any_right"),
        direction: "higher",
        margin: 0,
        baseline: { recipe: "grpo", changes: { "objective.clipHigh": 0.28, "sampler.temperature": 1.2 } },
      },
      {
        sentence: "The share of right answers in training is at most two points lower than at temperature 1.",
        measure: throughout("score"),
        direction: "higher",
        margin: -0.02,
      },
      { sentence: "Entropy on held-out problems ends higher.", measure: afterTraining("eval/entropy"), direction: "higher", margin: 0 },
    ],
  },
};
