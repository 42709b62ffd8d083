import { labelsOf } from "../labels.ts";
import { heldScores, SCALE_PARAMETERS, scaleOf, selfAdvantages, selfRewardLatex, selfRewards } from "../self-reward.ts";
import type { ShaperPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Mixes the policy's own opinion of its answers into their advantages. */
export const selfRewardMix: ShaperPlugin = {
  id: "self-reward",
  name: "Self-reward mix",
  scope: "group",
  needs: ["verdictToken", "reference"],
  parameters: {
    share: {
      kind: "number",
      label: "Share of the self-reward",
      default: 0.1,
      min: 0,
      max: 1,
      slider: [0, 1, 0.05],
      symbol: "\\tau",
      effect: "How much the policy's own opinion counts beside the verifier's.",
    },
    leastSpread: {
      kind: "number",
      label: "Least spread",
      default: 0.1,
      min: 0,
      max: 1,
      slider: [0, 0.5, 0.01],
      symbol: "d",
      effect: "Where the opinions of a group differ less than this, the verifier alone counts.",
    },
    warmup: {
      kind: "integer",
      label: "Steps without it",
      default: 40,
      min: 0,
      max: 100000,
      slider: [0, 400, 10],
      unit: "steps",
      symbol: "s_0",
      effect: "The opinion counts only after so many steps, when it has learned to agree with the verifier.",
    },
    ...SCALE_PARAMETERS,
  },
  explanation: {
    sentence: "Among answers that the verifier finds equally right or wrong, the policy's own opinion says which is better.",
    latex:
      "A = (1-\\tau)\\,A_v + \\tau\\,\\frac{\\hat r_s - \\mathrm{mean}(\\hat r_s)}{\\mathrm{std}(\\hat r_s)},\\quad \\hat r_s = \\mathrm{clip}(r_s, 0, 1)",
    source: SOURCES.laser,
  },
  latexOf(params) {
    const share = params.warmup === 0 ? "\\tau" : "\\tau_s";
    const later = params.warmup === 0 ? "" : ",\\quad \\tau_s=\\tau\\,[s>s_0]";
    const own = "\\frac{\\hat r_s - \\mathrm{mean}(\\hat r_s)}{\\mathrm{std}(\\hat r_s)}";
    const where = "\\quad\\text{where }\\mathrm{std}(\\hat r_s)>d\\text{, else }A=A_v";
    return `A = (1-${share})\\,A_v + ${share}\\,${own}${where}${later},\\quad \\hat r_s = \\mathrm{clip}(r_s, 0, 1),\\quad ${selfRewardLatex(params)}`;
  },
  terms: {
    selfReward: { symbol: "\\hat r_s", meaning: "the policy's own opinion of its answer, held between 0 and 1" },
    selfAdvantage: { symbol: "A_s", meaning: "that opinion against its group's" },
  },
  shape(batch, advantage, params) {
    const labels = labelsOf(batch);
    const selfReward = heldScores(selfRewards(batch.scores.verdictLogProb!, scaleOf(params, batch.scores)));
    const groups = batch.groups.map((members) => members.filter((r) => !Number.isNaN(labels[r])));
    const self = selfAdvantages(selfReward, groups, params.leastSpread as number).advantage;
    const shaped = Float64Array.from(advantage);
    const share = batch.step > (params.warmup as number) ? (params.share as number) : 0;
    self.forEach((own, r) => {
      if (Number.isNaN(own)) return;
      for (let t = batch.offsets[r]; t < batch.offsets[r + 1]; t++) shaped[t] = (1 - share) * advantage[t] + share * own;
    });
    return { advantage: shaped, terms: { selfReward, selfAdvantage: self.map((own) => (Number.isNaN(own) ? 0 : own)) } };
  },
};
