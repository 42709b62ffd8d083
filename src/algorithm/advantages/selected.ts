import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { scorableGroups } from "../statistics.ts";

/** Best-of-n and expert iteration: imitation of chosen answers, everything else is ignored. */
export const selectedOnly: AdvantagePlugin = {
  id: "selected",
  name: "Best-of-n and expert iteration",
  scope: "group",
  parameters: {
    keep: {
      kind: "choice",
      label: "Imitate",
      default: "right",
      options: [
        { value: "right", label: "every right answer (expert iteration)" },
        { value: "best", label: "each group's best answer (best-of-n)" },
      ],
      effect: "Which answers are learnt from. Best answers that tie share their weight; a group without a right one still has a best one.",
    },
    threshold: {
      kind: "number",
      label: "Right from",
      default: 1,
      min: -1e6,
      max: 1e6,
      slider: [0, 1, 0.05],
      symbol: "\\text{threshold}",
      effect: "The reward from which an answer counts as right.",
    },
  },
  explanation: {
    sentence: "Keep the good answers, throw the others away and imitate what is left: no answer is ever pushed down.",
    latex: "A_i = [\\,r_i \\ge \\text{threshold}\\,] \\quad\\text{or}\\quad A_i = [\\,r_i = \\max_j r_j\\,]",
    source: SOURCES.expertIteration,
  },
  latexOf: ({ keep }) =>
    keep === "best"
      ? "A_i = \\frac{[\\,r_i = \\max_j r_j\\,]}{\\#\\{k : r_k = \\max_j r_j\\}}"
      : "A_i = [\\,r_i \\ge \\text{threshold}\\,]",
  terms: { bests: { symbol: "\\max_j r_j", meaning: "the group's best reward" } },
  estimate(batch, params) {
    const advantage = new Float64Array(batch.rows);
    const bests = new Float64Array(batch.rows);
    for (const members of scorableGroups(batch)) {
      const best = members.reduce((high, r) => Math.max(high, batch.reward[r]), Number.NEGATIVE_INFINITY);
      const tied = members.filter((r) => batch.reward[r] === best).length;
      for (const r of members) {
        bests[r] = best;
        if (params.keep === "best") advantage[r] = batch.reward[r] === best ? 1 / tied : 0;
        else advantage[r] = batch.reward[r] >= (params.threshold as number) ? 1 : 0;
      }
    }
    return { level: "rollout", advantage, terms: { bests } };
  },
};
