import { clippedObjective } from "../kernels/clippedObjective.ts";
import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** The clipped surrogate of PPO and GRPO, with a bound of its own on each side (DAPO's clip-higher) and verl's dual clip. */
export const clippedSurrogate: ObjectivePlugin = {
  id: "clipped",
  name: "Clipped surrogate",
  scope: "token",
  parameters: {
    clipLow: {
      kind: "number",
      label: "Clip low",
      default: 0.2,
      min: 0,
      max: 1,
      slider: [0, 0.5, 0.01],
      effect: "How far a bad answer's tokens may fall in one step before their gradient stops.",
    },
    clipHigh: {
      kind: "number",
      label: "Clip high",
      default: 0.2,
      min: 0,
      max: 10,
      slider: [0, 1, 0.01],
      effect: "How far a good answer's tokens may rise in one step before their gradient stops. Higher keeps more exploration.",
    },
    dualClip: {
      kind: "number",
      label: "Dual clip",
      default: 0,
      min: 0,
      max: 100,
      slider: [0, 10, 0.5],
      effect: "Bounds the loss of a bad token whose ratio has grown large; 0 switches it off.",
    },
  },
  explanation: {
    sentence:
      "Raise the probability of tokens with positive advantage and lower the others, but no further than the clip bounds within one batch.",
    latex:
      "\\ell_t = -\\min\\!\\big(\\rho_t A_t,\\ \\mathrm{clip}(\\rho_t, 1-\\epsilon_{\\text{low}}, 1+\\epsilon_{\\text{high}})\\,A_t\\big) + \\beta\\,k_3",
    source: SOURCES.grpo,
  },
  terms: {
    ratio: { symbol: "\\rho_t", meaning: "importance ratio: probability now over probability when the batch was drawn" },
    clipped: { symbol: "\\mathrm{clip}", meaning: "whether a bound holds the token" },
    kl: { symbol: "k_3", meaning: "this token's estimate of the KL divergence from the base policy" },
    loss: { symbol: "\\ell_t", meaning: "this token's share of the loss" },
  },
  lossAndCoefficients({ logProb, oldLogProb, advantage, weight }, params) {
    const n = logProb.length;
    const loss = new Float64Array(n);
    const coefficient = new Float64Array(n);
    const ratio = new Float64Array(n);
    const clipped = new Int8Array(n);
    const [low, high, dual] = [params.clipLow as number, params.clipHigh as number, params.dualClip as number];
    let value = 0;
    for (let t = 0; t < n; t++) {
      const difference = logProb[t] - oldLogProb[t];
      ratio[t] = Math.exp(Math.min(LIMIT, Math.max(-LIMIT, difference)));
      if (weight[t] === 0) continue;
      const a = advantage[t];
      const free = -ratio[t] * a;
      const held = -Math.min(1 + high, Math.max(1 - low, ratio[t])) * a;
      loss[t] = Math.max(free, held);
      if (held > free) clipped[t] = a > 0 ? 1 : -1;
      if (a < 0 && dual > 0 && loss[t] > -dual * a) {
        loss[t] = -dual * a;
        clipped[t] = -2;
      }
      coefficient[t] = clipped[t] !== 0 || Math.abs(difference) > LIMIT ? 0 : weight[t] * free;
      value += weight[t] * loss[t];
    }
    return { value, loss, coefficient, clipped, terms: { ratio } };
  },
  device: {
    kernel: clippedObjective,
    uniforms: (params, beta, count) => ({
      clipLow: params.clipLow as number,
      clipHigh: params.clipHigh as number,
      dualClip: params.dualClip as number,
      beta,
      count,
    }),
    inputs: ({ logProb, oldLogProb, advantage, weight, reference }) => ({ logProb, oldLogProb, advantage, weight, reference }),
  },
};

/** Differences of log-probs are bounded before they are exponentiated, as verl does. */
const LIMIT = 20;
