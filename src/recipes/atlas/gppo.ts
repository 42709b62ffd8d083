import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { TOY, TOY_BUDGET, throughout } from "../toy.ts";

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
  claim: {
    sentence: "Clipped tokens keep their gradient, entropy stays higher, and accuracy rises faster than with clip-higher.",
    baseline: {
      recipe: "grpo",
      changes: { groupFilter: "mixed", "objective.clipHigh": 0.28, "optimizer.miniBatches": 4 },
    },
    settings: TOY,
    budget: TOY_BUDGET,
    conditions: [
      {
        sentence: "More than 99 % of the tokens beyond the bounds have a gradient.",
        measure: throughout("clip_ratio/gradient_kept"),
        direction: "higher",
        margin: 0,
        baseline: 0.99,
      },
      { sentence: "Entropy over training is higher.", measure: throughout("entropy"), direction: "higher", margin: 0 },
      {
        sentence: "pass@1 on held-out problems, averaged over training, is higher.",
        measure: throughout("pass@1"),
        direction: "higher",
        margin: 0,
      },
    ],
  },
};
