import type { KlPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** A penalty in the loss for leaving the base policy, by Schulman's k3 estimator. */
export const k3Penalty: KlPlugin = {
  id: "k3",
  name: "k3 penalty",
  scope: "token",
  needs: ["reference"],
  parameters: {
    coefficient: {
      kind: "number",
      label: "KL coefficient β",
      default: 0,
      min: 0,
      max: 10,
      slider: [0, 0.5, 0.005],
      effect: "Pulls the policy back towards the base policy. 0 lets it go where reward leads.",
    },
  },
  explanation: {
    sentence: "Each token pays for how much less (or more) probable the base policy finds it.",
    latex: "k_3 = e^{\\,\\log\\pi_{\\text{ref}} - \\log\\pi} - (\\log\\pi_{\\text{ref}} - \\log\\pi) - 1",
    source: SOURCES.k3,
  },
  terms: { kl: { symbol: "k_3", meaning: "estimate of the KL divergence from the base policy; never negative" } },
  estimate: ({ logProb }, reference) => Float64Array.from(logProb, (l, t) => k3(l, reference[t])),
  coefficient: (params) => params.coefficient as number,
  control: () => undefined,
  lossAndCoefficients({ logProb, weight, scores }, params) {
    const beta = params.coefficient as number;
    const n = logProb.length;
    const loss = new Float64Array(n);
    const coefficient = new Float64Array(n);
    const kl = new Float64Array(n);
    let value = 0;
    for (let t = 0; t < n; t++) {
      if (weight[t] === 0 || beta === 0) continue;
      const gap = scores.refLogProb![t] - logProb[t];
      const x = Math.min(20, Math.max(-20, gap));
      kl[t] = Math.expm1(x) - x;
      loss[t] = beta * kl[t];
      if (x === gap) coefficient[t] = -weight[t] * beta * Math.expm1(x);
      value += weight[t] * loss[t];
    }
    return { value, loss, coefficient, terms: { kl } };
  },
};

/** k3 of a token, as `KL(π ‖ π_ref)` is estimated for display: e^d − d − 1 with d = log π_ref − log π. */
export const k3 = (logProb: number, refLogProb: number) => Math.expm1(refLogProb - logProb) - (refLogProb - logProb);
