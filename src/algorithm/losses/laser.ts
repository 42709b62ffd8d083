import { labelsOf } from "../labels.ts";
import { classWeights, SCALE_PARAMETERS, scaleOf, selfRewardError, selfRewardLatex, selfRewards } from "../self-reward.ts";
import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Teaches the policy to say, in one reserved token after its answer, what the verifier will say. */
export const selfRewardLoss: ObjectivePlugin = {
  id: "self-reward",
  name: "Self-reward error",
  scope: "rollout",
  needs: ["verdictToken", "reference"],
  parameters: {
    coefficient: {
      kind: "number",
      label: "Weight of the error",
      default: 0.1,
      min: 0,
      max: 100,
      slider: [0, 1, 0.01],
      symbol: "\\alpha",
      effect: "How much the policy works on judging itself, beside answering.",
    },
    warmup: {
      kind: "integer",
      label: "Steps without it",
      default: 0,
      min: 0,
      max: 100000,
      slider: [0, 200, 10],
      unit: "steps",
      symbol: "s_0",
      effect: "So many first steps train answers alone.",
    },
    ...SCALE_PARAMETERS,
  },
  explanation: {
    sentence:
      "After its answer the policy is read once more: the log-probability of a token that is otherwise never used is trained to be high after right answers and low after wrong ones.",
    latex: "\\alpha\\,\\frac1n\\sum_i w_i\\,\\big(\\beta(\\log\\pi(z_c\\mid x,y_i) - c_{\\text{ref}}) - r_i\\big)^2",
    source: SOURCES.laser,
  },
  latexOf(params) {
    const later = params.warmup === 0 ? "" : "[s>s_0]\\,";
    return `${later}\\alpha\\,\\frac1n\\sum_i w_i\\,\\big(r_s - r_i\\big)^2,\\quad ${selfRewardLatex(params)}`;
  },
  terms: {
    selfReward: { symbol: "r_s", meaning: "the policy's own opinion of its answer: about 1 for right, 0 for wrong" },
    classWeight: { symbol: "w_i", meaning: "so that right and wrong answers weigh the same" },
  },
  lossAndCoefficients(batch, params) {
    const n = batch.logProb.length;
    const labels = labelsOf(batch);
    const scale = scaleOf(params, batch.scores);
    const selfReward = selfRewards(batch.verdictLogProb!, scale);
    const ended = selfReward.map(Number.isFinite);
    const weights = classWeights(labels, ended);
    const rollouts = batch.source?.filter((source) => source === "policy").length ?? batch.rows;
    const error = selfRewardError(selfReward, labels, weights, scale.beta, Math.max(1, rollouts));
    const alpha = batch.step > (params.warmup as number) ? (params.coefficient as number) : 0;
    const judged = labels.flatMap((label, r) => (ended[r] && !Number.isNaN(label) ? [{ label, score: selfReward[r] }] : []));
    // A judgement separates if a right answer has a higher score than a wrong one: the area under the ROC curve, ties counting half.
    const [right, wrong] = [1, 0].map((own) => judged.flatMap(({ label, score }) => (label === own ? [score] : [])));
    const wins = right.reduce((sum, a) => sum + wrong.reduce((won, b) => won + (a > b ? 1 : a === b ? 0.5 : 0), 0), 0);
    const agrees = judged.filter(({ label, score }) => score > 0.5 === (label === 1)).length;
    return {
      value: alpha * error.value,
      loss: new Float64Array(n),
      coefficient: new Float64Array(n),
      verdictCoefficient: error.derivative.map((d) => alpha * d),
      terms: { selfReward, classWeight: weights },
      metrics: {
        "self_reward/error": error.value,
        ...(judged.length > 0 ? { "self_reward/accuracy": agrees / judged.length } : {}),
        ...(right.length > 0 && wrong.length > 0 ? { "self_reward/auc": wins / (right.length * wrong.length) } : {}),
      },
    };
  },
};
