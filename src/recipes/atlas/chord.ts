import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { NO_LOSS, TOY, TOY_BUDGET, throughout } from "../toy.ts";

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
  claim: {
    sentence:
      "Against imitation first and reinforcement after it, accuracy falls less on the way, entropy stays higher, and pass@1 ends no lower.",
    baseline: {
      recipe: "chord",
      changes: { "losses.chord.weighting": "none", "losses.chord.peak": 1, "losses.chord.valley": 0, "losses.chord.decay": 20 },
    },
    settings: TOY,
    budget: TOY_BUDGET,
    conditions: [
      {
        sentence: "The lowest pass@1 on held-out problems during training is higher.",
        measure: { metric: "pass@1", reduce: "min" },
        direction: "higher",
        margin: 0,
      },
      { sentence: "Entropy over training is higher.", measure: throughout("entropy"), direction: "higher", margin: 0 },
      NO_LOSS,
    ],
  },
};
