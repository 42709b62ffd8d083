import type { ChoiceParameter, NumberParameter } from "../plugin.ts";

/** Parameters that several estimators share. */

/** What happens to a rollout without others in its group. */
export const singleton = (value: "zero" | "raw"): ChoiceParameter => ({
  kind: "choice",
  label: "A lone rollout",
  default: value,
  options: [
    { value: "zero", label: "teaches nothing" },
    { value: "raw", label: "keeps its reward" },
  ],
  effect: "What a group of one does: it has nothing to be compared with.",
});

export const gamma: NumberParameter = {
  kind: "number",
  label: "Discount γ",
  default: 1,
  min: 0,
  max: 1,
  slider: [0.9, 1, 0.001],
  symbol: "\\gamma",
  effect: "Below 1, tokens far from the reward get less of it.",
};

export const ddof = (meaning: string): NumberParameter => ({
  kind: "integer",
  label: "Degrees of freedom taken",
  default: 1,
  min: 0,
  max: 1,
  slider: [0, 1, 1],
  effect: `1 divides the sum of squares ${meaning} by n − 1 (TRL, verl), 0 by n.`,
});

export const eps = (value: number, effect: string): NumberParameter => ({
  kind: "number",
  label: "ε",
  default: value,
  min: 0,
  max: 1,
  slider: [0, 0.01, 0.0001],
  symbol: "\\varepsilon",
  effect,
});
