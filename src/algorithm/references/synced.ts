import type { ReferencePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** The reference is moved to the policy, or part of the way, every so many steps (TRL's mix-up with α; 1 is a reset). */
export const syncedReference: ReferencePlugin = {
  id: "synced",
  name: "Every n steps",
  scope: "run",
  parameters: {
    every: {
      kind: "integer",
      label: "Steps between",
      default: 50,
      min: 1,
      max: 1000000,
      slider: [1, 500, 1],
      unit: "steps",
      symbol: "n",
      effect: "How long the policy is held to the same reference.",
    },
    mix: {
      kind: "number",
      label: "Mix α",
      default: 1,
      min: 0,
      max: 1,
      slider: [0, 1, 0.05],
      symbol: "\\alpha",
      effect: "How far the reference moves towards the policy; 1 replaces it.",
    },
  },
  explanation: {
    sentence: "Lets the policy go on from where it is: what was learned is no longer punished as a departure.",
    latex: "\\theta_{\\text{ref}} \\leftarrow \\alpha\\,\\theta + (1-\\alpha)\\,\\theta_{\\text{ref}}\\ \\text{ every } n \\text{ steps}",
    source: SOURCES.trReference,
  },
  terms: {},
  mix: (step, params) => (step % (params.every as number) === 0 ? (params.mix as number) : 0),
};
