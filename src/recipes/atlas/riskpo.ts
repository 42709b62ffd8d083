import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const riskpo: Recipe = {
  id: "riskpo",
  name: "RiskPO",
  summary: "Marks several questions together like an exam paper and works on the worst papers, instead of raising the average.",
  explanation:
    "Raising the mean reward keeps rewarding answers that come easily anyway, and entropy collapses. RiskPO bundles questions, so that scores have more shades than right and wrong, and looks at the middle and the lower tail of their distribution: a better bad paper counts most, a paper above the upper quantile counts no more. The quantiles are tracked from step to step. Watch entropy and pass@k for larger k against GRPO; with the tail set to upper, entropy should fall faster.",
  source: SOURCES.riskpo,
  base: "grpo@1",
  changes: { advantage: { plugin: "risk", params: { bundleSize: 4 } } },
};
