import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const gppo: Recipe = {
  id: "gppo",
  name: "GPPO",
  summary: "Keeps the clipped loss but not the clipped gradient: tokens beyond the bounds go on learning with the force they had there.",
  explanation:
    "Clipping silences the very tokens that moved most: a lucky find on its way up, or a mistake that is being unlearned. GPPO leaves the loss as it is and gives such a token the gradient of the bound instead of none. Right answers are also imitated a little, whatever their advantage. The effect needs several updates on one batch, since ratios are 1 in the first. Watch entropy and the reward, and compare the coefficients of clipped tokens with GRPO's zeros; the loss curve cannot tell the two apart.",
  source: SOURCES.gppo,
  base: "grpo@1",
  changes: {
    groupFilter: { plugin: "mixed" },
    objective: { plugin: "gradient-preserving" },
    losses: [{ plugin: "positive-nll", params: { coefficient: 0.1 } }],
    optimizer: { params: { miniBatches: 4 } },
  },
};
