import type { NumberParameter } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

const strength = (label: string, symbol: string, value: number, effect: string): NumberParameter => ({
  kind: "number",
  label,
  default: value,
  min: 0,
  max: 10,
  slider: [0, 2, 0.05],
  symbol,
  effect,
});

/** Right answers are rewarded and wrong ones punished, each with a strength of its own; nothing is compared. */
export const signedOutcome: AdvantagePlugin = {
  id: "signed",
  name: "Reward and punish",
  scope: "rollout",
  parameters: {
    positive: strength("For right answers λ", "\\lambda", 0.1, "0 rewards nothing and punishes alone."),
    negative: strength("For wrong answers", "\\nu", 1, "0 punishes nothing and rewards alone."),
  },
  explanation: {
    sentence:
      "A right answer has a fixed positive advantage and a wrong one a fixed negative one. Punishing gives the probability it takes to the other tokens, in proportion to what they had.",
    latex: "A_i=\\begin{cases}\\lambda&r_i=1\\\\-\\nu&r_i=0\\end{cases}",
    source: SOURCES.nsrPsr,
  },
  terms: {},
  /** Rewards other than exactly 1 or 0 belong to neither class and get 0. */
  estimate({ rows, reward }, params) {
    const of = (r: number) => (reward[r] === 1 ? (params.positive as number) : reward[r] === 0 ? 0 - (params.negative as number) : 0);
    return { level: "rollout", advantage: Float64Array.from({ length: rows }, (_, r) => of(r)), terms: {} };
  },
};
