import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const pacs: Recipe = {
  id: "pacs",
  name: "PACS",
  summary: "Trains the policy as a classifier: answers that have become more probable are its guesses at what is right.",
  explanation:
    "A reward at the end of an answer makes for noisy gradients. PACS asks another question: does the change of an answer's own probability since the batch was drawn predict whether it is right? The loss is a classifier's cross-entropy, and its gradient is a policy gradient whose strength is the error of that prediction: strong at first, fading as the predictions fit. Nothing is clipped. It needs several updates on a batch to fit anything. Watch how far the policy moves in a step, entropy, and pass@k against GRPO.",
  source: SOURCES.pacs,
  base: "grpo@1",
  changes: { objective: { plugin: "implicit-critic" }, optimizer: { params: { miniBatches: 4 } } },
};
