import type { Numbers } from "../batch.ts";
import type { Parameters } from "../plugin.ts";
import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** The share of imitation over time: up from 0 during the warm-up, down from the peak to the valley by half a cosine, then the valley. */
export interface ShareSchedule {
  readonly warmup: number;
  readonly decay: number;
  readonly peak: number;
  readonly valley: number;
}

/** μ at step `s`, counted from 0. */
export function shareAt(s: number, { warmup, decay, peak, valley }: ShareSchedule): number {
  if (s < warmup) return (peak * s) / warmup;
  if (s >= warmup + decay) return valley;
  return valley + ((peak - valley) * (1 + Math.cos((Math.PI * (s - warmup)) / decay))) / 2;
}

/** How an expert token's loss is weighted by the probability p that the policy gives it; constant in the gradient. */
export const EXPERT_WEIGHTS = {
  none: () => 1,
  phi: (p: number) => p * (1 - p),
  probability: (p: number) => p,
} as const;
export type ExpertWeight = keyof typeof EXPERT_WEIGHTS;

/** −log π of each token times its expert weight (`weights`, detached), `[N]` each. */
export function expertLoss(logProb: Numbers, kind: ExpertWeight): { readonly loss: Float64Array; readonly weights: Float64Array } {
  const weights = Float64Array.from(logProb, (l) => EXPERT_WEIGHTS[kind](Math.min(1, Math.exp(l))));
  return { loss: Float64Array.from(logProb, (l, t) => (weights[t] === 0 ? 0 : -weights[t] * l)), weights };
}

const weightLatex = (kind: unknown): string => (kind === "phi" ? "p_t(1-p_t)" : kind === "probability" ? "p_t" : "1");

const scheduleOf = (params: Parameters): ShareSchedule => ({
  warmup: params.warmup as number,
  decay: params.decay as number,
  peak: params.peak as number,
  valley: params.valley as number,
});

/** Imitation of demonstrations as a side term of the policy's loss, which gives up the share that imitation takes. */
export const chordLoss: ObjectivePlugin = {
  id: "chord",
  name: "Imitation (CHORD)",
  scope: "token",
  rowsOf: "expert",
  parameters: {
    weighting: {
      kind: "choice",
      label: "Weight of an expert token",
      default: "phi",
      options: [
        { value: "phi", label: "p(1 − p): undecided tokens most" },
        { value: "probability", label: "p: what is already likely most" },
        { value: "none", label: "all the same" },
      ],
      effect: "Decides which tokens of a demonstration are learned: with p(1 − p), neither those already known nor those wildly unlikely.",
    },
    peak: {
      kind: "number",
      label: "Imitation at its peak",
      default: 0.1,
      min: 0,
      max: 1,
      slider: [0, 1, 0.01],
      effect: "The share of imitation after the warm-up; the policy's own loss keeps the rest.",
    },
    valley: {
      kind: "number",
      label: "Imitation in the end",
      default: 0.1,
      min: 0,
      max: 1,
      slider: [0, 1, 0.01],
      effect: "The share of imitation after the decay, for good.",
    },
    warmup: {
      kind: "integer",
      label: "Steps to the peak",
      default: 0,
      min: 0,
      max: 1000000,
      slider: [0, 200, 10],
      unit: "steps",
      effect: "Imitation grows from nothing to its peak over so many steps.",
    },
    decay: {
      kind: "integer",
      label: "Steps from peak to end",
      default: 0,
      min: 0,
      max: 1000000,
      slider: [0, 400, 10],
      unit: "steps",
      effect: "Imitation falls from its peak over so many steps; 0 goes to the end value at once.",
    },
  },
  explanation: {
    sentence:
      "Expert answers are imitated beside the policy's own practice; one dial moves from imitation to practice, and tokens on which the policy is undecided teach most.",
    latex: "L = (1-\\mu)\\,L_{\\text{policy}} + \\mu\\,\\mathrm{mean}_t\\big(\\mathrm{sg}[p_t(1-p_t)]\\cdot(-\\log p_t)\\big)",
    source: SOURCES.chord,
  },
  latexOf: ({ weighting }) =>
    `L = (1-\\mu)\\,L_{\\text{policy}} + \\mu\\,\\mathrm{mean}_t\\big(${weighting === "none" ? "" : `\\mathrm{sg}[${weightLatex(weighting)}]\\cdot`}(-\\log p_t)\\big)`,
  symbolsOf: ({ weighting }) => ({ expertWeight: weightLatex(weighting) }),
  terms: {
    share: { symbol: "\\mu", meaning: "imitation's share of the loss" },
    expertWeight: { symbol: "p_t(1-p_t)", meaning: "how much an expert token counts, by the probability that the policy gives it" },
  },
  policyShare: (params, step) => 1 - shareAt(step - 1, scheduleOf(params)),
  lossAndCoefficients({ logProb, weight, step }, params) {
    const share = shareAt(step - 1, scheduleOf(params));
    const { loss, weights } = expertLoss(logProb, params.weighting as ExpertWeight);
    const coefficient = new Float64Array(logProb.length);
    let value = 0;
    for (let t = 0; t < logProb.length; t++) {
      loss[t] *= share;
      if (weight[t] === 0) continue;
      value += weight[t] * loss[t];
      coefficient[t] = -share * weight[t] * weights[t];
    }
    return { value, loss, coefficient, terms: { share: new Float64Array(logProb.length).fill(share), expertWeight: weights } };
  },
};
