import { bounded, LIMIT } from "../objectives/ratio.ts";
import { SOURCES } from "../sources.ts";
import { sampledPenalty } from "./penalty.ts";

/** A penalty in the loss for leaving the base policy, by Schulman's k3 estimator. */
export const k3Penalty = sampledPenalty({
  id: "k3",
  name: "k3 penalty",
  sentence: "Each token pays for how much less (or more) probable the base policy finds it.",
  latex: "k_3 = e^{\\,\\log\\pi_{\\text{ref}} - \\log\\pi} - (\\log\\pi_{\\text{ref}} - \\log\\pi) - 1",
  symbol: "k_3",
  meaning: "estimate of the KL divergence from the base policy; never negative",
  source: SOURCES.k3,
  estimator: {
    value: (logProb, refLogProb) => {
      const x = bounded(refLogProb - logProb);
      return Math.expm1(x) - x;
    },
    derivative: (logProb, refLogProb) => (Math.abs(refLogProb - logProb) > LIMIT ? 0 : -Math.expm1(refLogProb - logProb)),
  },
});

/** k3 of a token, as `KL(π ‖ π_ref)` is estimated for display: e^d − d − 1 with d = log π_ref − log π. */
export const k3 = (logProb: number, refLogProb: number) => Math.expm1(refLogProb - logProb) - (refLogProb - logProb);
