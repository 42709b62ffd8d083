import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { afterTraining, late, TOY, TOY_BUDGET } from "../toy.ts";

export const ucas: Recipe = {
  id: "ucas",
  name: "UCAS",
  summary: "Learns more from right answers that the policy was unsure of and from wrong ones that it was sure of.",
  explanation:
    "GRPO pays every right answer alike, however sure the policy was. UCAS reads confidence off the logits, compares it within the group, and stretches the advantage of unsure right answers and of confident wrong ones. Then each token pays a little for a high logit, never so much that a good answer turns bad. Watch entropy, pass@k, and the confidence of wrong answers. Confidence is a sum over tokens, so it also grows with length; a switch takes the mean instead.",
  source: SOURCES.ucas,
  base: "grpo@1",
  changes: {
    shapers: [{ plugin: "confidence" }, { plugin: "logit-penalty" }],
    objective: { params: { dualClip: 3 } },
  },
  claim: {
    sentence:
      "With the same clip range, entropy stays higher and pass@8 ends higher than with GRPO, and the policy is less sure of its wrong answers.",
    baseline: { recipe: "grpo", changes: { "objective.dualClip": 3 } },
    settings: TOY,
    budget: TOY_BUDGET,
    conditions: [
      { sentence: "Entropy on held-out problems ends higher.", measure: afterTraining("eval/entropy"), direction: "higher", margin: 0 },
      { sentence: "pass@8 after training is higher.", measure: afterTraining("pass@8"), direction: "higher", margin: 0 },
      {
        sentence: "Confidence in wrong answers is lower in the last twenty steps.",
        measure: late("confidence/wrong"),
        direction: "lower",
        margin: 0,
      },
    ],
  },
};
