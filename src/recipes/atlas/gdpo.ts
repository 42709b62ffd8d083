import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { afterTraining, late, TOY, TOY_BUDGET, throughout } from "../toy.ts";

export const gdpo: Recipe = {
  id: "gdpo",
  name: "GDPO",
  summary: "Compares each part of the reward with its own group average before adding them up, so that none drowns in another.",
  explanation:
    "Take 1 off for being too long and give 1 for being right: a right answer that is too long then earns as much as a wrong one that is short, and once the sum is standardised nothing tells them apart. GDPO standardises every part by itself, adds the results, and only then rescales over the whole batch. The weights keep their meaning and more shades of advantage remain. Watch how many different advantages a group has, and whether both parts rise; with a single part it is close to GRPO.",
  source: SOURCES.gdpo,
  base: "grpo@1",
  changes: {
    rewards: [{ plugin: "overlong", params: { kind: "hard", limit: 7, buffer: 1, penalty: 1 } }],
    advantage: { plugin: "gdpo" },
  },
  claim: {
    sentence:
      "Groups have more different advantages than with GRPO on the summed reward, and both being right and keeping the length end higher.",
    baseline: {
      recipe: "grpo",
      changes: {
        rewards: "overlong",
        "rewards.overlong.kind": "hard",
        "rewards.overlong.limit": 7,
        "rewards.overlong.buffer": 1,
        "rewards.overlong.penalty": 1,
      },
    },
    settings: TOY,
    budget: TOY_BUDGET,
    conditions: [
      {
        sentence: "A group has at least a tenth more different advantages.",
        measure: throughout("advantages/distinct_per_group"),
        direction: "higher",
        margin: 1.1,
        compare: "ratio",
      },
      { sentence: "pass@1 after training is higher.", measure: afterTraining("pass@1"), direction: "higher", margin: 0 },
      {
        sentence: "Fewer answers are too long in the last twenty steps.",
        measure: late("rewards/overlong/mean"),
        direction: "higher",
        margin: 0,
      },
    ],
  },
};
