import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { afterTraining, TOY, TOY_BUDGET } from "../toy.ts";

export const thr: Recipe = {
  id: "thr",
  name: "THR",
  summary: "Trains only the tokens that move the group's right answers, and leans to those that exploit them or to those that explore.",
  explanation:
    "Pushing one token up or down also moves other answers, as far as their hidden states and their prediction errors overlap. THR adds that overlap up between each token and all tokens of the group's right answers. Few tokens have much of it: the others are left out. Of those that remain, the sign tells whether an update makes the known right answers surer or leaves room for others, and one knob favours the one kind or the other. Turn it from 0.1 to −0.1 and compare pass@1 with pass@k; look at how few tokens keep a coefficient.",
  source: SOURCES.thr,
  base: "grpo@1",
  changes: {
    groupFilter: { plugin: "mixed" },
    shapers: [{ plugin: "token-hidden-reward", params: { lean: 0.1 } }],
  },
  claim: {
    sentence:
      "Leaning to exploitation ends with a higher pass@1, leaning to exploration with a higher pass@16 than not leaning, and picking tokens alone is as good as GRPO.",
    baseline: { recipe: "thr", changes: { "shapers.token-hidden-reward.lean": 0 } },
    settings: TOY,
    budget: TOY_BUDGET,
    conditions: [
      { sentence: "With lean 0.1, pass@1 after training is higher.", measure: afterTraining("pass@1"), direction: "higher", margin: 0 },
      {
        sentence: "With lean −0.1, pass@16 after training is higher.",
        measure: afterTraining("pass@16"),
        direction: "higher",
        margin: 0,
        method: { changes: { "shapers.token-hidden-reward.lean": -0.1 } },
      },
      {
        sentence: "With lean 0, pass@1 is at most three points lower than GRPO's.",
        measure: afterTraining("pass@1"),
        direction: "higher",
        margin: -0.03,
        method: { changes: { "shapers.token-hidden-reward.lean": 0 } },
        baseline: { recipe: "grpo", changes: { groupFilter: "mixed" } },
      },
    ],
  },
};
