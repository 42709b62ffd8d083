import { countedTokens } from "../objectives/ratio.ts";
import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Maximum likelihood on the policy's own fully right answers, beside the policy's loss. */
export const positiveNll: ObjectivePlugin = {
  id: "positive-nll",
  name: "Likelihood of right answers",
  scope: "token",
  parameters: {
    coefficient: {
      kind: "number",
      label: "Coefficient",
      default: 0.1,
      min: 0,
      max: 10,
      slider: [0, 1, 0.01],
      symbol: "\\lambda",
      effect: "How strongly answers with full reward are imitated, whatever their advantage.",
    },
  },
  explanation: {
    sentence:
      "Answers with reward 1 are also learned as if they were demonstrations: their tokens' mean negative log-probability is added to the loss.",
    latex: "\\mathcal L_{+}=-\\frac{\\lambda}{\\sum_{i:\\,r_i=1}|o_i|}\\sum_{i:\\,r_i=1}\\sum_t\\log\\pi_\\theta(o_{i,t})",
    source: SOURCES.gppo,
  },
  terms: { right: { symbol: "r_i=1", meaning: "1 for tokens of answers with full reward" } },
  /** The reward must be 1 to the last digit: an answer that a penalty took something from is not imitated. */
  lossAndCoefficients(batch, params) {
    const { rows, offsets, reward, logProb } = batch;
    const counted = countedTokens(batch);
    const lambda = params.coefficient as number;
    const n = offsets[rows];
    const right = new Float64Array(n);
    for (let r = 0; r < rows; r++) {
      if (reward[r] !== 1) continue;
      for (let t = offsets[r]; t < offsets[r + 1]; t++) right[t] = counted[t];
    }
    const count = right.reduce((a, b) => a + b, 0);
    const loss = new Float64Array(n);
    const coefficient = new Float64Array(n);
    let value = 0;
    for (let t = 0; t < n; t++) {
      if (right[t] === 0) continue;
      loss[t] = -lambda * logProb[t];
      coefficient[t] = -lambda / count;
      value += loss[t] / count;
    }
    return { value, loss, coefficient, terms: { right }, metrics: { positive_nll: lambda > 0 ? value / lambda : 0 } };
  },
};
