import type { RewardPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

const LATEX = "r = \\begin{cases}v & \\text{ended}\\\\ c\\,v & \\text{cut off},\\ c \\ge 0\\\\ c & \\text{cut off},\\ c < 0\\end{cases}";

/** ProRL's penalty for not stopping: what a cut-off answer scored is scaled down, or replaced. */
export const stopProperly: RewardPlugin = {
  id: "stop-properly",
  name: "Stop properly",
  scope: "rollout",
  parameters: {
    coefficient: {
      kind: "number",
      label: "Cut-off answers keep",
      default: 0,
      min: -100,
      max: 1,
      slider: [-1, 1, 0.05],
      symbol: "c",
      effect: "The share of its score that a cut-off answer keeps; a negative number is its reward, whatever it scored.",
    },
  },
  explanation: {
    sentence: "An answer that had to be cut off earns less even if the right result is in it, so that the policy learns to come to an end.",
    latex: LATEX,
    source: SOURCES.prorl,
  },
  latexOf: ({ coefficient: c }) =>
    typeof c === "number" ? `r = \\begin{cases}v & \\text{ended}\\\\ ${c < 0 ? "c" : "c\\,v"} & \\text{cut off}\\end{cases}` : LATEX,
  terms: { stop: { symbol: "r - v", meaning: "what not stopping costs" } },
  parts({ rows, finished, reward }, params) {
    const c = params.coefficient as number;
    const cost = (score: number) => (c < 0 ? c - score : c * score - score) || 0;
    const stop = Array.from({ length: rows }, (_, r) => (finished && !finished[r] && Number.isFinite(reward[r]) ? cost(reward[r]) : 0));
    return { parts: { stop } };
  },
};
