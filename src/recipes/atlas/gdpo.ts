import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

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
};
