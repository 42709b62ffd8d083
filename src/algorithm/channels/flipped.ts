import type { RewardChannelPlugin } from "../slots.ts";

/** A verifier that errs: each verdict is turned round with a probability of its own for right and for wrong answers. */
export const flippedVerdicts: RewardChannelPlugin = {
  id: "flipped",
  name: "Flipped verdicts",
  scope: "rollout",
  parameters: {
    falseNegatives: {
      kind: "number",
      label: "Right called wrong",
      default: 0.1,
      min: 0,
      max: 1,
      slider: [0, 0.5, 0.01],
      symbol: "p_1",
      effect: "The share of right answers that the reward treats as wrong.",
    },
    falsePositives: {
      kind: "number",
      label: "Wrong called right",
      default: 0.1,
      min: 0,
      max: 1,
      slider: [0, 0.5, 0.01],
      symbol: "p_0",
      effect: "The share of wrong answers that the reward treats as right.",
    },
  },
  explanation: {
    sentence: "The verifier errs now and then: what is trained on differs from the truth, which the charts still show.",
    latex:
      "\\tilde v = \\begin{cases}1 - v & \\text{with probability } p_v\\\\ v & \\text{otherwise}\\end{cases},\\quad p_v = \\begin{cases}p_1 & v \\ge 0.5\\\\ p_0 & \\text{else}\\end{cases}",
  },
  terms: { flip: { symbol: "p_v", meaning: "how often a verdict of this kind is turned round" } },
  transmit(scores, params, random) {
    // One draw a row, whatever the verdict, so that a changed rate leaves the other rows' draws alone.
    return Array.from(scores, (score) => {
      const draw = random.next();
      const rate = (score >= 0.5 ? params.falseNegatives : params.falsePositives) as number;
      return draw < rate ? 1 - score : score;
    });
  },
};
