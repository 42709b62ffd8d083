import type { RolloutBatch } from "../batch.ts";
import type { RewardPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** `[rows]`: mean log-prob of each completion under the policy that drew it; 0 for an empty one. */
export function meanLogProbs({ rows, offsets, scores }: Pick<RolloutBatch, "rows" | "offsets" | "scores">): Float64Array {
  const logProb = scores.oldLogProb ?? scores.samplerLogProb;
  if (!logProb) throw new RangeError("ranks of likelihood need the log-probs of the batch");
  return Float64Array.from({ length: rows }, (_, r) => {
    let sum = 0;
    for (let t = offsets[r]; t < offsets[r + 1]; t++) sum += logProb[t];
    return sum / Math.max(1, offsets[r + 1] - offsets[r]);
  });
}

/** `[rows]`: 0 for the least likely of its group, counting up; ties in order of position. */
export function likelihoodRanks(likelihood: Float64Array, groups: RolloutBatch["groups"]): Float64Array {
  const ranks = new Float64Array(likelihood.length);
  for (const members of groups) {
    [...members]
      .sort((a, b) => likelihood[a] - likelihood[b])
      .forEach((r, rank) => {
        ranks[r] = rank;
      });
  }
  return ranks;
}

/** Right answers lose a part of their reward by how likely they were within their group. */
export const unlikelyReward: RewardPlugin = {
  id: "unlikely",
  name: "Reward the unlikely",
  scope: "group",
  parameters: {
    beta: {
      kind: "number",
      label: "Largest discount β",
      default: 0.25,
      min: 0,
      max: 1,
      slider: [0, 1, 0.05],
      symbol: "\\beta",
      effect: "What nearly the whole reward of the most likely right answer shrinks by; the least likely one keeps all of it.",
    },
  },
  explanation: {
    sentence:
      "Among right answers the rare ones earn most, so that the policy learns ways it seldom takes instead of sharpening the usual one.",
    latex: "s_i=r_i\\Big(1-\\beta\\,\\frac{\\mathrm{rank}_i}{G}\\Big)",
    source: SOURCES.unlikely,
  },
  terms: { rank: { symbol: "\\mathrm{rank}_i", meaning: "0 for the least likely answer of its group, counting up" } },
  parts(batch, params) {
    const ranks = likelihoodRanks(meanLogProbs(batch), batch.groups);
    const unlikely = new Float64Array(batch.rows);
    for (const members of batch.groups) {
      for (const r of members) {
        const loss = (params.beta as number) * batch.reward[r] * (ranks[r] / members.length);
        unlikely[r] = loss === 0 ? 0 : -loss;
      }
    }
    return { parts: { unlikely } };
  },
};
