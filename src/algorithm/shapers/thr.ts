import type { Numbers, RolloutBatch } from "../batch.ts";
import { labelsOf } from "../labels.ts";
import type { ShaperPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** What the influence of tokens is computed from: `[N·vocabSize]` raw logits and `[N·hiddenSize]` hidden states that predict the tokens. */
export interface InfluenceInputs extends Pick<RolloutBatch, "rows" | "offsets" | "groups"> {
  readonly tokens: Numbers;
  readonly logits: Numbers;
  readonly hidden: Numbers;
  readonly vocabSize: number;
  readonly hiddenSize: number;
}

export interface Influence {
  /**
   * `[N]`: the token hidden reward, (2r − 1)·gᵀ M h, with g = onehot(token) − softmax(logits), h the hidden state and
   * M = Σ_{right rollouts i of the group} (1/|y_i|) Σ_k g_{i,k} h_{i,k}ᵀ. 0 in groups without right rollouts and for unscorable rows.
   */
  readonly score: Float64Array;
  /** `[groups]`: the least mean score that a right rollout of the group has; 0 where there is none. */
  readonly level: Float64Array;
}

/** How much an update on each token moves the probability of the group's right answers. @param labels `[rows]`: 1 right, 0 wrong, NaN unscorable. */
export function tokenInfluence(inputs: InfluenceInputs, labels: readonly number[]): Influence {
  const { offsets, groups, tokens, logits, hidden, vocabSize, hiddenSize } = inputs;
  const score = new Float64Array(offsets[inputs.rows]);
  const level = new Float64Array(groups.length);
  const error = new Float64Array(vocabSize);
  /** Fills `error` with onehot(token) − softmax(logits) of a token. */
  const predictionError = (t: number) => {
    let largest = -Infinity;
    for (let v = 0; v < vocabSize; v++) largest = Math.max(largest, logits[t * vocabSize + v]);
    let sum = 0;
    for (let v = 0; v < vocabSize; v++) {
      error[v] = Math.exp(logits[t * vocabSize + v] - largest);
      sum += error[v];
    }
    for (let v = 0; v < vocabSize; v++) error[v] = -error[v] / sum;
    error[tokens[t]] += 1;
  };
  groups.forEach((members, g) => {
    const right = members.filter((r) => labels[r] === 1 && offsets[r + 1] > offsets[r]);
    if (right.length === 0) return;
    const matrix = new Float64Array(vocabSize * hiddenSize);
    for (const r of right) {
      const share = 1 / (offsets[r + 1] - offsets[r]);
      for (let t = offsets[r]; t < offsets[r + 1]; t++) {
        predictionError(t);
        for (let v = 0; v < vocabSize; v++) {
          const scale = share * error[v];
          for (let d = 0; d < hiddenSize; d++) matrix[v * hiddenSize + d] += scale * hidden[t * hiddenSize + d];
        }
      }
    }
    for (const r of members) {
      if (Number.isNaN(labels[r])) continue;
      const sign = 2 * labels[r] - 1;
      for (let t = offsets[r]; t < offsets[r + 1]; t++) {
        predictionError(t);
        let sum = 0;
        for (let v = 0; v < vocabSize; v++) {
          let product = 0;
          for (let d = 0; d < hiddenSize; d++) product += matrix[v * hiddenSize + d] * hidden[t * hiddenSize + d];
          sum += error[v] * product;
        }
        score[t] = Number.isFinite(sum) ? sign * sum : 0;
      }
    }
    level[g] = Math.min(
      ...right.map((r) => score.subarray(offsets[r], offsets[r + 1]).reduce((a, b) => a + b, 0) / (offsets[r + 1] - offsets[r])),
    );
  });
  return { score, level };
}

/** Token hidden reward: tokens of little influence on the group's right answers are left out, and the rest lean to exploit or to explore. */
export const tokenHiddenReward: ShaperPlugin = {
  id: "token-hidden-reward",
  name: "Token hidden reward",
  scope: "group",
  needs: ["hidden", "logits"],
  parameters: {
    lean: {
      kind: "number",
      label: "Exploit or explore",
      default: 0.1,
      min: -1,
      max: 1,
      slider: [-0.5, 0.5, 0.05],
      symbol: "p",
      effect: "Above 0, tokens that make the known right answers surer count more; below 0, those that leave room for others do.",
    },
    threshold: {
      kind: "number",
      label: "Threshold",
      default: 1,
      min: 0,
      max: 100,
      slider: [0, 2, 0.05],
      symbol: "f",
      effect: "Tokens whose influence is below this many times that of the group's least typical right answer are left out; 0 keeps all.",
    },
  },
  explanation: {
    sentence:
      "A token's update moves the right answers as far as their hidden states and prediction errors overlap with its own; the sign of that overlap says whether the token exploits or explores.",
    latex:
      "\\hat A_t = \\mathbb 1\\big[|\\mathrm{THR}_t| > \\tau\\big]\\,\\big(1 + p\\,\\mathrm{sign}\\,\\mathrm{THR}_t\\big)\\,A_t,\\quad \\tau = f\\,\\min_{i\\in+}\\mathrm{mean}(\\mathrm{THR}),\\quad \\mathrm{THR}_t = (2r-1)\\,g_t^{\\top} M h_t",
    source: SOURCES.thr,
  },
  latexOf({ threshold }) {
    const kept = threshold === 0 ? "" : "\\mathbb 1\\big[|\\mathrm{THR}_t| > \\tau\\big]\\,";
    const least = threshold === 0 ? "" : ",\\quad \\tau = f\\,\\min_{i\\in+}\\mathrm{mean}(\\mathrm{THR})";
    return `\\hat A_t = ${kept}\\big(1 + p\\,\\mathrm{sign}\\,\\mathrm{THR}_t\\big)\\,A_t${least},\\quad \\mathrm{THR}_t = (2r-1)\\,g_t^{\\top} M h_t`;
  },
  terms: {
    thr: {
      symbol: "\\mathrm{THR}_t",
      meaning: "how far this token's update moves the group's right answers, signed by its own answer's reward",
    },
    threshold: { symbol: "\\tau", meaning: "influence below which a token is left out" },
  },
  shape(batch, advantage, params) {
    const { offsets, groups, scores, tokens, vocabSize, hiddenSize } = batch;
    const labels = labelsOf(batch);
    const { score, level } = tokenInfluence(
      { ...batch, tokens: tokens!, logits: scores.logits!, hidden: scores.hidden!, vocabSize: vocabSize!, hiddenSize: hiddenSize! },
      labels,
    );
    const [lean, factor] = [params.lean as number, params.threshold as number];
    const shaped = Float64Array.from(advantage);
    const threshold = new Float64Array(advantage.length);
    groups.forEach((members, g) => {
      const known = members.filter((r) => !Number.isNaN(labels[r]));
      // Groups of one kind have nothing to weigh against one another.
      if (!known.some((r) => labels[r] === 1) || !known.some((r) => labels[r] === 0)) return;
      // Right answers can oppose one another so much that the level is negative; every token then counts.
      const least = factor === 0 ? -1 : factor * level[g];
      for (const r of known) {
        for (let t = offsets[r]; t < offsets[r + 1]; t++) {
          threshold[t] = least;
          shaped[t] = Math.abs(score[t]) > least ? (1 + Math.sign(score[t]) * lean) * advantage[t] : 0;
        }
      }
    });
    return { advantage: shaped, terms: { thr: score, threshold } };
  },
};
