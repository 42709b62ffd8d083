import type { ReferencePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** The reference is a moving average of the policy. */
export const averagedReference: ReferencePlugin = {
  id: "average",
  name: "Moving average",
  scope: "run",
  parameters: {
    decay: {
      kind: "number",
      label: "Decay",
      default: 0.99,
      min: 0,
      max: 1,
      slider: [0.8, 1, 0.005],
      symbol: "\\gamma",
      effect: "How much of the old reference stays at each step; 1 never moves it, 0 lets it be the policy.",
    },
  },
  explanation: {
    sentence: "The policy is held close to its own recent past, which smooths its path without tying it to the start.",
    latex: "\\theta_{\\text{ref}} \\leftarrow \\gamma\\,\\theta_{\\text{ref}} + (1-\\gamma)\\,\\theta",
    source: SOURCES.trReference,
  },
  terms: {},
  mix: (_, params) => 1 - (params.decay as number),
};
