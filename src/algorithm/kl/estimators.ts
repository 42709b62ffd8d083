import { bounded, LIMIT } from "../objectives/ratio.ts";
import { SOURCES } from "../sources.ts";
import { sampledPenalty } from "./penalty.ts";

/** The other estimates of the KL from the base policy that look at the sampled token alone. verl's names for them: kl, abs, mse, low_var_kl. */

export const k1Penalty = sampledPenalty({
  id: "k1",
  name: "k1 penalty",
  sentence: "The plain log-ratio to the base policy: right on average, but noisy, and its own gradient is nothing but noise around zero.",
  latex: "k_1 = \\log\\pi - \\log\\pi_{\\text{ref}}",
  symbol: "k_1",
  meaning: "estimate of the KL divergence from the base policy; may be negative",
  source: SOURCES.k3,
  estimator: { value: (now, ref) => now - ref, derivative: () => 1 },
});

export const k2Penalty = sampledPenalty({
  id: "k2",
  name: "k2 penalty",
  sentence: "Half the squared log-ratio: a little off in value, but its gradient is that of the true KL on average.",
  latex: "k_2 = \\tfrac12\\,(\\log\\pi - \\log\\pi_{\\text{ref}})^2",
  symbol: "k_2",
  meaning: "estimate of the KL divergence from the base policy; never negative",
  source: SOURCES.k3,
  estimator: { value: (now, ref) => (now - ref) ** 2 / 2, derivative: (now, ref) => now - ref },
});

export const absolutePenalty = sampledPenalty({
  id: "abs",
  name: "Absolute penalty",
  sentence: "The size of the log-ratio, whichever way it points: every token is pulled back with the same strength.",
  latex: "|\\log\\pi - \\log\\pi_{\\text{ref}}|",
  symbol: "|k_1|",
  meaning: "distance of the log-probs",
  source: SOURCES.finetuning,
  estimator: { value: (now, ref) => Math.abs(now - ref), derivative: (now, ref) => Math.sign(now - ref) },
});

const CAP = 10;
const lowVariance = (now: number, ref: number) => {
  const x = bounded(ref - now);
  return Math.expm1(x) - x;
};

export const lowVariancePenalty = sampledPenalty({
  id: "low-var-kl",
  name: "k3 penalty, bounded",
  sentence: "k3 that stops growing at 10: a single token which the base finds absurd cannot dominate a step.",
  latex: "\\mathrm{clip}(k_3, -10, 10)",
  symbol: "\\bar k_3",
  meaning: "bounded estimate of the KL divergence from the base policy",
  source: SOURCES.k3,
  estimator: {
    value: (now, ref) => Math.min(CAP, lowVariance(now, ref)),
    derivative: (now, ref) => (Math.abs(ref - now) > LIMIT || lowVariance(now, ref) > CAP ? 0 : -Math.expm1(ref - now)),
  },
});
