import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

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
};
