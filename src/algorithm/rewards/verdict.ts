import { lengthsOf } from "../batch.ts";
import type { RewardPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

const OVERLONG = " - \\lambda\\,\\mathrm{clip}\\!\\left(\\tfrac{|o| - (L_{\\max} - L_{\\text{buf}})}{L_{\\text{buf}}}, 0, 1\\right)";

/** The verdict as the reward, with the two shapings in common use: credit for form, and DAPO's soft overlong penalty. */
export const verdictReward: RewardPlugin = {
  id: "verdict",
  name: "Verdict",
  scope: "rollout",
  parameters: {
    formatWeight: {
      kind: "number",
      label: "Credit for form",
      default: 0,
      min: 0,
      max: 1,
      slider: [0, 0.5, 0.05],
      symbol: "w",
      effect: "Reward for an answer that can be read, right or wrong.",
    },
    overlongBuffer: {
      kind: "integer",
      label: "Overlong buffer",
      default: 0,
      min: 0,
      max: 120,
      slider: [0, 32, 1],
      unit: "tokens",
      symbol: "L_{\\text{buf}}",
      effect: "The penalty for length starts this many tokens before the limit; 0 switches it off.",
    },
    overlongPenalty: {
      kind: "number",
      label: "Overlong penalty",
      default: 1,
      min: 0,
      max: 2,
      slider: [0, 2, 0.1],
      symbol: "\\lambda",
      effect: "What an answer at the limit loses.",
    },
  },
  explanation: {
    sentence: "A right answer earns 1 and a wrong one 0; form and length may add to or take from that.",
    latex: `r = v + w\\,f${OVERLONG}`,
    source: SOURCES.rlvr,
  },
  latexOf: ({ formatWeight, overlongBuffer }) => `r = v${formatWeight === 0 ? "" : " + w\\,f"}${overlongBuffer === 0 ? "" : OVERLONG}`,
  terms: {
    v: { symbol: "v", meaning: "the verdict's score" },
    f: { symbol: "f", meaning: "1 if the answer can be read" },
    overlong: { symbol: "\\lambda", meaning: "the overlong penalty" },
  },
  parts(batch, params) {
    const lengths = lengthsOf(batch);
    const parts: Record<string, number[]> = { correct: Array.from(batch.reward) };
    const format = params.formatWeight as number;
    if (format !== 0) parts.form = batch.verdicts!.map((verdict) => format * verdict.parts.wellFormed);
    const buffer = params.overlongBuffer as number;
    if (buffer > 0) {
      parts.length = lengths.map((length) => {
        const excess = Math.min(1, Math.max(0, (length - (batch.maxLength - buffer)) / buffer));
        return excess === 0 ? 0 : -(params.overlongPenalty as number) * excess;
      });
    }
    return { parts };
  },
};
