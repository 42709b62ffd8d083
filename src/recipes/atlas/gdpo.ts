import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { afterTraining, TOY, TOY_BUDGET, throughout } from "../toy.ts";

export const gdpo: Recipe = {
  id: "gdpo",
  name: "GDPO",
  summary: "Compares each part of the reward with its own group average before adding them up, so that none drowns in another.",
  explanation:
    "Add a reward for being right and one for form, standardise the sum, and answers that earned different things end up with the same advantage. GDPO standardises every part by itself, adds the results, and only then rescales over the whole batch. The weights keep their meaning and more shades of advantage remain. Watch how many different advantages a group has, and whether both parts rise; with a single part it is close to GRPO.",
  source: SOURCES.gdpo,
  base: "grpo@1",
  changes: {
    reward: { params: { formatWeight: 0.2, overlongBuffer: 8 } },
    advantage: { plugin: "gdpo" },
  },
  claim: {
    sentence:
      "Groups have more different advantages than with GRPO on the summed reward, and both being right and being well-formed end higher.",
    baseline: { recipe: "grpo", changes: { "reward.formatWeight": 0.2, "reward.overlongBuffer": 8 } },
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
        sentence: "More held-out answers can be read after training.",
        measure: afterTraining("eval/well_formed"),
        direction: "higher",
        margin: 0,
      },
    ],
  },
};
