import type { Numbers, RolloutBatch } from "../batch.ts";
import type { Parameters } from "../plugin.ts";
import type { ShaperPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, variance } from "../statistics.ts";

const EPS = 1e-6;
/** No advantage is stretched by more than e to this, so that it stays a number. */
const LARGEST_EXPONENT = 50;

/**
 * `[N]`: how sure the policy is at each token: logsumexp(z) − mean(z), which is KL(uniform ‖ p) + log V.
 * @param logits `[N·vocabSize]`, raw.
 */
export function selfConfidence(logits: Numbers, vocabSize: number): Float64Array {
  const confidence = new Float64Array(logits.length / vocabSize);
  for (let t = 0; t < confidence.length; t++) {
    const from = t * vocabSize;
    let top = Number.NEGATIVE_INFINITY;
    for (let v = from; v < from + vocabSize; v++) top = Math.max(top, logits[v]);
    let powers = 0;
    let sum = 0;
    for (let v = from; v < from + vocabSize; v++) {
      powers += Math.exp(logits[v] - top);
      sum += logits[v];
    }
    confidence[t] = top + Math.log(powers) - sum / vocabSize;
  }
  return confidence;
}

/** Rows that have a reward and tokens: the others shape nothing and count nowhere. */
const counts = ({ offsets, reward }: Pick<RolloutBatch, "offsets" | "reward">, r: number) =>
  offsets[r + 1] > offsets[r] && !Number.isNaN(reward[r]);

/**
 * UCAS's first stage: each row's advantage times exp(∓β·C̃), C̃ being the confidence of the answer compared with its group.
 * @param confidence `[N]`, such as `selfConfidence` gives.
 */
export function shapeByConfidence(
  batch: Pick<RolloutBatch, "rows" | "offsets" | "groups" | "reward">,
  advantage: Float64Array,
  confidence: Numbers,
  params: Parameters,
): { readonly advantage: Float64Array; readonly terms: { readonly confidence: Float64Array; readonly relative: Float64Array } } {
  const { rows, offsets } = batch;
  const total = new Float64Array(rows);
  const relative = new Float64Array(rows);
  const shaped = advantage.slice();
  for (let r = 0; r < rows; r++) {
    for (let t = offsets[r]; t < offsets[r + 1]; t++) total[r] += confidence[t];
    if (params.perToken) total[r] /= Math.max(1, offsets[r + 1] - offsets[r]);
  }
  for (const members of batch.groups) {
    const counted = members.filter((r) => counts(batch, r));
    const totals = counted.map((r) => total[r]);
    const spread = params.divideByStd ? Math.sqrt(variance(totals, 1)) + EPS : 1;
    for (const r of counted) {
      relative[r] = (total[r] - mean(totals)) / spread;
      for (let t = offsets[r]; t < offsets[r + 1]; t++) {
        const a = advantage[t];
        if (a === 0) continue;
        const exponent = a > 0 ? -(params.betaPositive as number) * relative[r] : (params.betaNegative as number) * relative[r];
        shaped[t] = a * Math.exp(Math.min(LARGEST_EXPONENT, exponent));
      }
    }
  }
  return { advantage: shaped, terms: { confidence: total, relative } };
}

/**
 * UCAS's second stage: each token pays κ times the raw logit of the token that was drawn, scaled to 0 … 1 over the batch. A positive
 * advantage stops at 0.
 * @param drawn `[N]`: raw logits of the drawn tokens.
 */
export function payForLogits(
  batch: Pick<RolloutBatch, "rows" | "offsets" | "reward">,
  advantage: Float64Array,
  drawn: Numbers,
  kappa: number,
): { readonly advantage: Float64Array; readonly terms: { readonly certainty: Float64Array } } {
  const { rows, offsets } = batch;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < offsets[rows]; t++) {
    low = Math.min(low, drawn[t]);
    high = Math.max(high, drawn[t]);
  }
  const certainty = new Float64Array(offsets[rows]);
  const shaped = advantage.slice();
  for (let r = 0; r < rows; r++) {
    for (let t = offsets[r]; t < offsets[r + 1]; t++) {
      certainty[t] = high - low < EPS ? 0.5 : (drawn[t] - low) / (high - low + EPS);
      if (!counts(batch, r)) continue;
      const paid = advantage[t] - kappa * certainty[t];
      shaped[t] = advantage[t] > 0 ? Math.max(paid, 0) : paid;
    }
  }
  return { advantage: shaped, terms: { certainty } };
}

export const confidenceShaping: ShaperPlugin = {
  id: "confidence",
  name: "Confidence of the answer",
  scope: "group",
  needs: ["logits"],
  parameters: {
    betaPositive: {
      kind: "number",
      label: "For good answers β₊",
      default: 0.25,
      min: 0,
      max: 10,
      slider: [0, 1, 0.05],
      symbol: "\\beta_{+}",
      effect: "How much more a good answer counts that the policy was unsure of.",
    },
    betaNegative: {
      kind: "number",
      label: "For bad answers β₋",
      default: 0.35,
      min: 0,
      max: 10,
      slider: [0, 1, 0.05],
      symbol: "\\beta_{-}",
      effect: "How much more a bad answer counts that the policy was sure of.",
    },
    perToken: {
      kind: "boolean",
      label: "Mean over tokens",
      default: false,
      effect: "Measures confidence per token; the sum also takes long answers for confident ones.",
    },
    divideByStd: {
      kind: "boolean",
      label: "Divide by the spread",
      default: true,
      effect: "Measures confidence in the group's standard deviations; without it large sums make huge weights.",
    },
  },
  explanation: {
    sentence: "A right answer that the policy was unsure of counts more, and so does a wrong one that it was sure of.",
    latex:
      "\\hat A_i=A_i\\begin{cases}\\exp(-\\beta_{+}\\tilde C_i)&A_i>0\\\\\\exp(\\beta_{-}\\tilde C_i)&A_i<0\\end{cases},\\quad \\tilde C_i=\\frac{C_i-\\mathrm{mean}(C)}{\\mathrm{std}(C)},\\quad C_i=\\sum_t\\Big[\\log\\sum_v e^{z_{t,v}}-\\tfrac1V\\sum_v z_{t,v}\\Big]",
    source: SOURCES.ucas,
  },
  latexOf({ perToken, divideByStd }) {
    const shaped = "\\hat A_i=A_i\\begin{cases}\\exp(-\\beta_{+}\\tilde C_i)&A_i>0\\\\\\exp(\\beta_{-}\\tilde C_i)&A_i<0\\end{cases}";
    const relative = divideByStd === true ? "\\frac{C_i-\\mathrm{mean}(C)}{\\mathrm{std}(C)}" : "C_i-\\mathrm{mean}(C)";
    const sum = "\\sum_t\\Big[\\log\\sum_v e^{z_{t,v}}-\\tfrac1V\\sum_v z_{t,v}\\Big]";
    return `${shaped},\\quad \\tilde C_i=${relative},\\quad C_i=${perToken === true ? "\\tfrac1{|o_i|}" : ""}${sum}`;
  },
  terms: {
    confidence: { symbol: "C_i", meaning: "confidence of the answer" },
    relative: { symbol: "\\tilde C_i", meaning: "the same, compared with its group in standard deviations" },
  },
  shape: (batch, advantage, params) => shapeByConfidence(batch, advantage, selfConfidence(batch.scores.logits!, batch.vocabSize!), params),
};

export const logitPenalty: ShaperPlugin = {
  id: "logit-penalty",
  name: "Penalty on certain tokens",
  scope: "batch",
  needs: ["logits"],
  parameters: {
    kappa: {
      kind: "number",
      label: "Strength κ",
      default: 0.05,
      min: 0,
      max: 10,
      slider: [0, 0.5, 0.01],
      symbol: "\\kappa",
      effect: "How much advantage the most certain token of the batch loses.",
    },
  },
  explanation: {
    sentence:
      "Each token pays a little for a high logit, so that certainty does not grow where nothing asks for it; no good answer turns bad by it.",
    latex: "A_{i,t}=\\hat A_i-\\kappa\\,\\frac{z_{i,t}-\\min z}{\\max z-\\min z},\\quad\\text{at least }0\\text{ where }\\hat A_i>0",
    source: SOURCES.ucas,
  },
  terms: { certainty: { symbol: "n_{i,t}", meaning: "raw logit of the drawn token, scaled to 0 … 1 over the batch" } },
  shape(batch, advantage, params) {
    const { tokens, vocabSize, scores } = batch;
    const drawn = Float64Array.from(tokens!, (token, t) => scores.logits![t * vocabSize! + token]);
    return payForLogits(batch, advantage, drawn, params.kappa as number);
  },
};
