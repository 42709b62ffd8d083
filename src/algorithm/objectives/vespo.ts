import type { NumberParameter } from "../plugin.ts";
import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { LOSS_TERM } from "./parameters.ts";
import { bounded, countedTokens, LIMIT, rowSums, weighted } from "./ratio.ts";

const shape = (label: string, symbol: string, value: number, effect: string): NumberParameter => ({
  kind: "number",
  label,
  default: value,
  min: 0,
  max: 100,
  slider: [0, 10, 0.1],
  symbol,
  effect,
});

/** VESPO: the answer's whole ratio, reshaped by a Gamma-like bell, is a constant weight of its tokens. */
export const vespo: ObjectivePlugin = {
  id: "vespo",
  name: "Reshaped sequence weight (VESPO)",
  scope: "rollout",
  aggregation: "token-mean",
  parameters: {
    kPositive: shape("Rise for good answers", "k_{+}", 2, "How strongly good answers that have become improbable are turned down."),
    lambdaPositive: shape(
      "Fall for good answers",
      "\\lambda_{+}",
      3,
      "How strongly good answers that have become probable are turned down.",
    ),
    kNegative: shape("Rise for bad answers", "k_{-}", 3, "How strongly bad answers that have become improbable are turned down."),
    lambdaNegative: shape("Fall for bad answers", "\\lambda_{-}", 2, "How strongly bad answers that have become probable are turned down."),
  },
  explanation: {
    sentence:
      "An answer counts fully while its probability is what it was, and ever less the further the policy has moved, in either direction.",
    latex:
      "\\ell_t = -\\mathrm{sg}[\\varphi]\\,A_t\\,\\log\\pi(o_t),\\quad \\ln\\varphi = \\lambda + k\\ln w - \\lambda w,\\quad w = \\frac{\\pi(o)}{\\pi_{\\text{old}}(o)},\\quad (k,\\lambda)=\\begin{cases}(k_{+},\\lambda_{+})&A_t\\ge0\\\\(k_{-},\\lambda_{-})&\\text{else}\\end{cases}",
    source: SOURCES.vespo,
  },
  terms: {
    ratio: { symbol: "w", meaning: "importance ratio of the whole answer" },
    phi: { symbol: "\\varphi", meaning: "the weight that the answer's tokens get; 1 at ratio 1" },
    loss: LOSS_TERM,
  },
  lossAndCoefficients(batch, params) {
    const { logProb, oldLogProb, advantage, rows, offsets } = batch;
    const counted = countedTokens(batch);
    const sums = rowSums(
      Float64Array.from(logProb, (x, t) => bounded(x - oldLogProb[t])),
      counted,
      batch,
    );
    const ratio = new Float64Array(logProb.length);
    const phi = new Float64Array(logProb.length);
    const phiOf = (log: number, a: number) => {
      const [k, lambda] = (a >= 0 ? [params.kPositive, params.lambdaPositive] : [params.kNegative, params.lambdaNegative]) as number[];
      return Math.exp(lambda + k * log - lambda * Math.exp(log));
    };
    let rowTotal = 0;
    for (let r = 0; r < rows; r++) {
      const log = Math.min(LIMIT, Math.max(SMALLEST, sums[r]));
      for (let t = offsets[r]; t < offsets[r + 1]; t++) {
        ratio[t] = Math.exp(log);
        phi[t] = phiOf(log, advantage[t]);
      }
      rowTotal += phiOf(log, offsets[r] < offsets[r + 1] ? advantage[offsets[r]] : 0);
    }
    const { value, loss, slope } = weighted(batch, (t) => {
      const push = -phi[t] * advantage[t];
      return [push * logProb[t], push];
    });
    return { value, loss, coefficient: slope, terms: { ratio, phi }, metrics: { "vespo/phi_seq_mean": rows === 0 ? 0 : rowTotal / rows } };
  },
};

/** Below this the logarithm of an answer's ratio is not followed. */
const SMALLEST = Math.log(1e-8);
