import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { afterTraining, late, TOY, TOY_BUDGET } from "../toy.ts";

export const coReward: Recipe = {
  id: "co-reward",
  name: "Co-Reward",
  summary: "Trains without a verifier: each question is asked in two wordings, and the majority answer to one is the label of the other.",
  explanation:
    "Rewarding agreement with the own majority rewards agreeing with oneself: saying always the same wins. Co-Reward asks each question in a second wording and takes the label from there, so that a shortcut must fool both. No true answer is used; the verdicts on the screen are only for the person who watches. It needs a task that knows a second form of its questions and whose right answers look alike, such as sums. Watch the true score beside the reward, and how many different answers a group still has.",
  source: SOURCES.coReward,
  base: "grpo@1",
  changes: {
    task: { plugin: "addition" },
    reward: { plugin: "co-reward" },
    kl: { params: { coefficient: 0.005 } },
  },
  claim: {
    sentence: "Labels from the twin keep accuracy rising and answers different where labels from the same question's majority narrow them.",
    baseline: { recipe: "co-reward", changes: { "reward.label": "own" } },
    settings: { ...TOY, task: "addition", "task.level": "2" },
    budget: TOY_BUDGET,
    conditions: [
      { sentence: "pass@1 after training is higher.", measure: afterTraining("pass@1"), direction: "higher", margin: 0 },
      {
        sentence: "A group has more different answers in the last twenty steps.",
        measure: late("groups/distinct_texts"),
        direction: "higher",
        margin: 0,
      },
    ],
  },
};
