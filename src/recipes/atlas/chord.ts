import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const chord: Recipe = {
  id: "chord",
  name: "CHORD",
  summary:
    "Imitates a solver's answers as a side term of GRPO, most where the policy is undecided, and hardly where it knows or could never.",
  explanation:
    "Imitating an expert first and practising afterwards first breaks the policy's own style and then repairs it. CHORD does both at once: a tenth of the loss is imitation, the rest practice, and the dial between them can follow a schedule. Within a demonstration a token counts by p(1 − p): what the policy already knows teaches nothing, and what it finds wildly unlikely does not tear it away. Here the expert is the task's own solver. Watch entropy and the early steps of the reward, and compare the weights: all alike, by p, or by p(1 − p).",
  source: SOURCES.chord,
  base: "grpo@1",
  changes: {
    guidance: { plugin: "solver" },
    objective: { params: { dualClip: 3 } },
    losses: [{ plugin: "chord" }],
  },
};
