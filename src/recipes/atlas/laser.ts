import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { late, NO_LOSS, TOY, TOY_BUDGET } from "../toy.ts";

export const laser: Recipe = {
  id: "laser",
  name: "LaSeR",
  summary: "Teaches the policy to judge its own answer in one token after the end, and lets that judgement count among the advantages.",
  explanation:
    "A policy that reinforcement learning pulls away from its reference carries the reward in its own log-probabilities. LaSeR reads it in the cheapest place: one token that is otherwise never used, one position after the answer's end. A squared error trains that log-probability to be high after right answers and as low as the reference has it after wrong ones; later a tenth of each advantage comes from this judgement, which tells apart answers that the verifier finds alike. Watch the judgement's accuracy rise, and whether pass@1 keeps up with GRPO's.",
  source: SOURCES.laser,
  base: "grpo@1",
  changes: {
    shapers: [{ plugin: "self-reward" }],
    losses: [{ plugin: "self-reward", params: { coefficient: 0.5 } }],
  },
  claim: {
    sentence: "The policy comes to know right answers from wrong ones well above chance, at no loss of pass@1.",
    baseline: { recipe: "grpo" },
    settings: TOY,
    budget: TOY_BUDGET,
    conditions: [
      {
        sentence: "In the last twenty steps its verdict puts a right answer above a wrong one in more than 60 % of pairs.",
        measure: late("self_reward/auc"),
        direction: "higher",
        margin: 0.1,
        baseline: 0.5,
      },
      NO_LOSS,
    ],
  },
};
