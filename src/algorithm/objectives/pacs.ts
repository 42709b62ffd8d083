import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, variance } from "../statistics.ts";
import { LOSS_TERM } from "./parameters.ts";

/** Scores of a group from its implicit rewards, and the way back: ∂/∂scores → ∂/∂implicit rewards. */
interface Scoring {
  readonly scores: number[];
  toRewards(slopes: readonly number[]): number[];
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Each reward against the mean of the others; a lone one is its own score. */
function leaveOneOut(rewards: readonly number[]): Scoring {
  const others = rewards.length - 1;
  if (others === 0) return { scores: [...rewards], toRewards: (slopes) => [...slopes] };
  const against = (values: readonly number[]) => {
    const total = sum(values);
    return values.map((x) => x - (total - x) / others);
  };
  return { scores: against(rewards), toRewards: against };
}

/** (r − mean)/(std + ε), or r − mean; the gradient goes through mean and std. */
function groupNormalised(rewards: readonly number[], divide: boolean, eps: number): Scoring {
  const center = mean(rewards);
  const spread = divide ? Math.sqrt(variance(rewards, 1)) : 0;
  const scale = divide ? spread + eps : 1;
  const scores = rewards.map((x) => (x === center ? 0 : (x - center) / scale));
  return {
    scores,
    toRewards(slopes) {
      const level = mean(slopes);
      const pull = divide && spread > 0 ? sum(slopes.map((slope, i) => slope * scores[i])) / ((rewards.length - 1) * spread) : 0;
      return slopes.map((slope, i) => (scale === 0 ? 0 : (slope - level) / scale - pull * scores[i]));
    },
  };
}

/** log(1 + e^x), without overflow. */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const logistic = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

/** How a prediction and the weight of a class are written, by choice (LaTeX). */
const SCORES: Readonly<Record<string, string>> = {
  "leave-one-out": "\\hat r_i-\\tfrac1{G-1}\\sum_{j\\ne i}\\hat r_j",
  "group-normalised": "\\frac{\\hat r_i-\\mathrm{mean}(\\hat r)}{\\mathrm{std}(\\hat r)+\\varepsilon}",
  "group-centred": "\\hat r_i-\\mathrm{mean}(\\hat r)",
  raw: "\\hat r_i",
};
const CLASSES: Readonly<Record<string, string>> = {
  question: ",\\quad w_i=\\tfrac{G}{2\\,G_{y_i}}",
  none: "",
  only_positive: ",\\quad w_i=\\tfrac{G}{2\\,G_{y_i}}[y_i=1]",
  only_negative: ",\\quad w_i=\\tfrac{G}{2\\,G_{y_i}}[y_i=0]",
};

/** PACS: the policy's own log-ratio must predict which answers are right; the loss is that of a classifier. */
export const implicitCritic: ObjectivePlugin = {
  id: "implicit-critic",
  name: "Classify the own answers",
  scope: "group",
  parameters: {
    beta: {
      kind: "number",
      label: "Scale β",
      default: 1,
      min: 0,
      max: 100,
      slider: [0.1, 5, 0.1],
      symbol: "\\beta",
      effect: "How strongly a change of probability counts as a prediction: small values let the policy move further before it is sure.",
    },
    score: {
      kind: "choice",
      label: "Prediction",
      default: "leave-one-out",
      options: [
        { value: "leave-one-out", label: "against the mean of the others" },
        { value: "group-normalised", label: "in the group's standard deviations" },
        { value: "group-centred", label: "against the group's mean" },
        { value: "raw", label: "as it is" },
      ],
      effect: "What an answer's log-ratio is compared with.",
    },
    classWeight: {
      kind: "choice",
      label: "Weight of the classes",
      default: "question",
      options: [
        { value: "question", label: "equal in each group" },
        { value: "none", label: "every answer alike" },
        { value: "only_positive", label: "equal, wrong answers dropped" },
        { value: "only_negative", label: "equal, right answers dropped" },
      ],
      effect: "Whether the rarer of right and wrong counts more, so that both have the same say.",
    },
    eps: {
      kind: "number",
      label: "ε",
      default: 1e-6,
      min: 0,
      max: 1,
      slider: [0, 0.01, 0.0001],
      symbol: "\\varepsilon",
      effect: "Added to the spread of group-normalised predictions.",
    },
  },
  explanation: {
    sentence:
      "How much more probable an answer has become since the batch was drawn is read as a guess that it is right, and the policy learns to guess well.",
    latex:
      "\\mathcal L=\\tfrac1n\\sum_i w_i\\,\\mathrm{BCE}\\big(\\sigma(\\psi_i),y_i\\big),\\quad \\psi_i=\\hat r_i-\\tfrac1{G-1}\\sum_{j\\ne i}\\hat r_j,\\quad \\hat r_i=\\beta\\sum_t\\log\\frac{\\pi_\\theta(o_{i,t})}{\\pi_{\\text{old}}(o_{i,t})}",
    source: SOURCES.pacs,
  },
  latexOf({ score, classWeight }) {
    const weight = classWeight === "none" ? "" : "w_i\\,";
    const reward = "\\hat r_i=\\beta\\sum_t\\log\\frac{\\pi_\\theta(o_{i,t})}{\\pi_{\\text{old}}(o_{i,t})}";
    const classes = CLASSES[classWeight as string];
    return `\\mathcal L=\\tfrac1n\\sum_i ${weight}\\mathrm{BCE}\\big(\\sigma(\\psi_i),y_i\\big),\\quad \\psi_i=${SCORES[score as string]},\\quad ${reward}${classes}`;
  },
  terms: {
    implicitReward: { symbol: "\\hat r_i", meaning: "how much more probable the answer has become, as a log-ratio" },
    score: { symbol: "\\psi_i", meaning: "the prediction: above 0 for right" },
    classWeight: { symbol: "w_i", meaning: "weight of the answer's class" },
    loss: LOSS_TERM,
  },
  /**
   * Right is a reward above ½. Rows without a token that counts, and rows that cannot be scored, belong to no group. Weights only say which
   * tokens count: the objective averages over answers.
   */
  lossAndCoefficients(batch, params) {
    const { rows, offsets, groups, reward, logProb, oldLogProb, weight } = batch;
    const beta = params.beta as number;
    const n = offsets[rows];
    const [implicitReward, score, classWeight] = [new Float64Array(rows), new Float64Array(rows), new Float64Array(rows)];
    const lengths = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      for (let t = offsets[r]; t < offsets[r + 1]; t++) {
        if (weight[t] === 0) continue;
        implicitReward[r] += beta * (logProb[t] - oldLogProb[t]);
        lengths[r]++;
      }
    }
    const taking = groups.map((members) => members.filter((r) => lengths[r] > 0 && Number.isFinite(reward[r])));
    const count = sum(taking.map((members) => members.length));
    const loss = new Float64Array(n);
    const coefficient = new Float64Array(n);
    let value = 0;
    for (const members of taking) {
      if (members.length === 0) continue;
      const own = members.map((r) => implicitReward[r]);
      const scoring =
        params.score === "leave-one-out"
          ? leaveOneOut(own)
          : params.score === "raw"
            ? { scores: own, toRewards: (slopes: readonly number[]) => [...slopes] }
            : groupNormalised(own, params.score === "group-normalised", params.eps as number);
      const right = members.map((r) => reward[r] > 0.5);
      const rightCount = right.filter(Boolean).length;
      const slopes = members.map((r, i) => {
        const y = right[i] ? 1 : 0;
        const mixed = rightCount > 0 && rightCount < members.length;
        const balanced = mixed ? members.length / (2 * (right[i] ? rightCount : members.length - rightCount)) : 1;
        const dropped = (params.classWeight === "only_positive" && y === 0) || (params.classWeight === "only_negative" && y === 1);
        const psi = scoring.scores[i];
        const w = dropped ? 0 : params.classWeight === "none" ? 1 : balanced;
        score[r] = psi;
        classWeight[r] = w;
        const own = w * softplus(y === 1 ? -psi : psi);
        value += own / count;
        for (let t = offsets[r]; t < offsets[r + 1]; t++) if (weight[t] !== 0) loss[t] = own / lengths[r];
        return (w * (logistic(psi) - y)) / count;
      });
      scoring.toRewards(slopes).forEach((slope, i) => {
        const r = members[i];
        for (let t = offsets[r]; t < offsets[r + 1]; t++) if (weight[t] !== 0) coefficient[t] = beta * slope;
      });
    }
    return { value, loss, coefficient, terms: { implicitReward, score, classWeight } };
  },
};
