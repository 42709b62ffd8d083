import { lengthsOf } from "../batch.ts";
import type { RewardPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Kimi k1.5's length reward: within a group, short right answers gain and long answers lose. */
export const kimiLength: RewardPlugin = {
  id: "kimi-length",
  name: "Length reward (Kimi k1.5)",
  scope: "group",
  parameters: {
    weight: {
      kind: "number",
      label: "Weight",
      default: 0.2,
      min: 0,
      max: 100,
      slider: [0, 1, 0.05],
      symbol: "\\omega",
      effect: "How much length counts beside being right.",
    },
    warmup: {
      kind: "integer",
      label: "Steps without it",
      default: 0,
      min: 0,
      max: 1000000,
      slider: [0, 200, 5],
      unit: "steps",
      symbol: "s_0",
      effect: "Length starts to count after this many steps, when the policy has learned to be right at all.",
    },
  },
  explanation: {
    sentence: "Of the answers to one problem, the shortest right one gains most; wrong answers gain nothing by being short.",
    latex:
      "\\lambda = \\frac12 - \\frac{|o| - \\min}{\\max - \\min},\\quad r_{\\text{length}} = \\omega\\begin{cases}\\lambda & \\text{right}\\\\ \\min(0, \\lambda) & \\text{wrong}\\end{cases}",
    source: SOURCES.kimi,
  },
  latexOf: ({ warmup }) =>
    `\\lambda = \\frac12 - \\frac{|o| - \\min}{\\max - \\min},\\quad r_{\\text{length}} = ${warmup === 0 ? "" : "[s > s_0]\\,"}\\omega\\begin{cases}\\lambda & \\text{right}\\\\ \\min(0, \\lambda) & \\text{wrong}\\end{cases}`,
  terms: { length: { symbol: "r_{\\text{length}}", meaning: "the reward for length" } },
  parts(batch, params) {
    const lengths = lengthsOf(batch);
    const length = new Array<number>(batch.rows).fill(0);
    if (batch.step > (params.warmup as number)) {
      for (const members of batch.groups) {
        const scorable = members.filter((r) => Number.isFinite(batch.reward[r]));
        const [min, max] = [Math.min, Math.max].map((pick) => scorable.reduce((best, r) => pick(best, lengths[r]), lengths[scorable[0]]));
        if (scorable.length === 0 || max === min) continue;
        for (const r of scorable) {
          const lambda = 0.5 - (lengths[r] - min) / (max - min);
          length[r] = (params.weight as number) * (batch.reward[r] >= 1 ? lambda : Math.min(0, lambda));
        }
      }
    }
    return { parts: { length } };
  },
};
