import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { afterTraining, NO_LOSS, TOY, TOY_BUDGET } from "../toy.ts";

export const riskpo: Recipe = {
  id: "riskpo",
  name: "RiskPO",
  summary: "Marks several questions together like an exam paper and works on the worst papers, instead of raising the average.",
  explanation:
    "Raising the mean reward keeps rewarding answers that come easily anyway, and entropy collapses. RiskPO bundles questions, so that scores have more shades than right and wrong, and looks at the middle and the lower tail of their distribution: a better bad paper counts most, a paper above the upper quantile counts no more. The quantiles are tracked from step to step. Watch entropy and pass@k for larger k against GRPO; with the tail set to upper, entropy should fall faster.",
  source: SOURCES.riskpo,
  base: "grpo@1",
  changes: { advantage: { plugin: "risk", params: { bundleSize: 4 } } },
  claim: {
    sentence:
      "Entropy stays higher and pass@8 ends higher than with GRPO, at no loss of pass@1; the risk-seeking tail loses entropy faster than GRPO.",
    baseline: { recipe: "grpo" },
    settings: TOY,
    budget: TOY_BUDGET,
    conditions: [
      { sentence: "Entropy on held-out problems ends higher.", measure: afterTraining("eval/entropy"), direction: "higher", margin: 0 },
      { sentence: "pass@8 after training is higher.", measure: afterTraining("pass@8"), direction: "higher", margin: 0 },
      NO_LOSS,
      {
        sentence: "With the upper tail in place of the lower, entropy ends below GRPO's.",
        measure: afterTraining("eval/entropy"),
        direction: "lower",
        margin: 0,
        method: { changes: { "advantage.tail": "upper" } },
      },
    ],
  },
};
