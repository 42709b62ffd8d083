import { bounded, rowSums } from "../objectives/ratio.ts";
import type { TokenWeightPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Importance correction between the sampler that drew the batch and the trainer's own log-probs of it (TRL's four modes). */
export const samplerCorrection: TokenWeightPlugin = {
  id: "sampler-correction",
  name: "Sampler correction",
  scope: "token",
  parameters: {
    mode: {
      kind: "choice",
      label: "Correction",
      default: "sequence_mask",
      options: [
        { value: "token_truncate", label: "per token, bounded" },
        { value: "token_mask", label: "per token, outside the bounds dropped" },
        { value: "sequence_truncate", label: "per answer, bounded" },
        { value: "sequence_mask", label: "per answer, outside the bounds dropped" },
      ],
      effect: "Whether tokens or whole answers are weighed, and whether extreme weights are bounded or dropped.",
    },
    min: {
      kind: "number",
      label: "Smallest weight",
      default: 0,
      min: 0,
      max: 1,
      slider: [0, 1, 0.05],
      symbol: "w_{\\min}",
      effect: "Weights below this are raised to it, or dropped.",
    },
    max: {
      kind: "number",
      label: "Largest weight",
      default: 3,
      min: 1,
      max: 1e9,
      slider: [1, 10, 0.1],
      symbol: "w_{\\max}",
      effect: "Weights above this are lowered to it, or dropped.",
    },
  },
  explanation: {
    sentence:
      "If the engine that draws and the engine that trains disagree about a token's probability, the update is weighed by their ratio, within bounds.",
    latex: "w_t = \\mathrm{bound}\\big(e^{\\log\\pi_{\\text{old}} - \\log\\pi_{\\text{sampler}}}\\big)",
    source: SOURCES.truncatedSampling,
  },
  latexOf({ mode }) {
    const gap = "\\log\\pi_{\\text{old}} - \\log\\pi_{\\text{sampler}}";
    const ratio = String(mode).startsWith("sequence") ? `\\exp\\big(\\textstyle\\sum_t(${gap})\\big)` : `\\exp(${gap})`;
    return String(mode).endsWith("truncate")
      ? `w_t = \\min\\!\\big(w_{\\max},\\ \\max(w_{\\min}, u)\\big),\\quad u = ${ratio}`
      : `w_t = u\\,[\\,w_{\\min} \\le u \\le w_{\\max}\\,],\\quad u = ${ratio}`;
  },
  terms: { samplerRatio: { symbol: "w_t", meaning: "trainer's over sampler's probability of the token or answer, bounded" } },
  weigh(batch, params) {
    const { oldLogProb, scores, rows, offsets } = batch;
    const sampler = scores.samplerLogProb;
    if (!sampler) throw new RangeError("the sampler correction needs the sampler's log-probs");
    const [min, max] = [params.min as number, params.max as number];
    const mode = params.mode as string;
    const n = oldLogProb.length;
    const difference = Float64Array.from(oldLogProb, (x, t) => (batch.weight[t] === 0 ? 0 : x - sampler[t]));
    const limit = (log: number) => {
      const ratio = Math.exp(bounded(log));
      if (mode.endsWith("truncate")) return Math.min(max, Math.max(min, ratio));
      return ratio < min || ratio > max ? 0 : ratio;
    };
    const weight = new Float64Array(n);
    const ratios: number[] = [];
    if (mode.startsWith("sequence")) {
      const sums = rowSums(difference, batch.weight, batch);
      for (let r = 0; r < rows; r++) {
        const ratio = limit(sums[r]);
        ratios.push(ratio);
        weight.fill(ratio, offsets[r], offsets[r + 1]);
      }
    } else {
      for (let t = 0; t < n; t++) {
        weight[t] = limit(difference[t]);
        if (batch.weight[t] !== 0) ratios.push(weight[t]);
      }
    }
    for (let t = 0; t < n; t++) if (batch.weight[t] === 0) weight[t] = 0;
    const gaps = Array.from(difference, Math.abs).filter((_, t) => batch.weight[t] !== 0);
    const average = (values: readonly number[]) => (values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length);
    const extreme = (values: readonly number[], pick: (a: number, b: number) => number) =>
      values.length === 0 ? 0 : values.reduce((a, b) => pick(a, b));
    const metrics = {
      "sampling/sampling_logp_difference/mean": average(gaps),
      "sampling/sampling_logp_difference/max": extreme(gaps, Math.max),
      "sampling/importance_sampling_ratio/min": extreme(ratios, Math.min),
      "sampling/importance_sampling_ratio/mean": average(ratios),
      "sampling/importance_sampling_ratio/max": extreme(ratios, Math.max),
    };
    return { weight, keepDenominator: true, terms: { samplerRatio: weight }, metrics };
  },
};
