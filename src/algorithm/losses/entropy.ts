import type { PluginState } from "../batch.ts";
import { countedTokens } from "../objectives/ratio.ts";
import type { Parameters } from "../plugin.ts";
import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** A bonus for being unsure, with a coefficient that is fixed or steers the entropy to a target (TRL's controller, after Skywork-OR1). */
export const entropyBonus: ObjectivePlugin = {
  id: "entropy",
  name: "Entropy bonus",
  scope: "token",
  rowsOf: "policy",
  needs: ["currentEntropy"],
  parameters: {
    coefficient: {
      kind: "number",
      label: "Coefficient",
      default: 0.001,
      min: -10,
      max: 10,
      slider: [0, 0.1, 0.001],
      symbol: "c",
      effect: "Rewards the policy for keeping its options open. The adaptive controller starts from here.",
    },
    average: {
      kind: "choice",
      label: "Average over",
      default: "tokens",
      options: [
        { value: "tokens", label: "the mini-batch's tokens (TRL)" },
        { value: "aggregation", label: "what the policy's loss is averaged over (verl)" },
      ],
      effect: "How the tokens' entropies become one number.",
    },
    adaptive: {
      kind: "boolean",
      label: "Adaptive",
      default: false,
      effect: "Raises the coefficient while entropy is below its target, lowers it above, and gives no bonus while it is above.",
    },
    target: {
      kind: "number",
      label: "Target entropy",
      default: 0.2,
      min: 0,
      max: 100,
      slider: [0, 2, 0.05],
      unit: "nats",
      symbol: "H^{*}",
      effect: "The entropy per token below which the adaptive bonus works.",
    },
    delta: {
      kind: "number",
      label: "Change per update",
      default: 0.005,
      min: 0,
      max: 1,
      slider: [0, 0.05, 0.001],
      symbol: "\\delta",
      effect: "How much the adaptive coefficient changes at each update.",
    },
    lowest: {
      kind: "number",
      label: "Lowest coefficient",
      default: 0,
      min: -10,
      max: 10,
      slider: [0, 0.1, 0.001],
      symbol: "c_{\\min}",
      effect: "The adaptive coefficient does not fall below this.",
    },
    highest: {
      kind: "number",
      label: "Highest coefficient",
      default: 1,
      min: -10,
      max: 10,
      slider: [0, 1, 0.01],
      symbol: "c_{\\max}",
      effect: "The adaptive coefficient does not rise above this.",
    },
  },
  explanation: {
    sentence:
      "Lower loss for spread-out next-token probabilities, against the habit of reinforcement learning to settle on one way too early.",
    latex: "-c\\,\\overline{H},\\quad H_t = -\\sum_v \\pi(v)\\log\\pi(v)",
    source: SOURCES.skywork,
  },
  latexOf({ average, adaptive }) {
    const mean = average === "aggregation" ? "\\sum_t w_t H_t" : "\\overline{H}";
    const entropy = "H_t = -\\sum_v \\pi(v)\\log\\pi(v)";
    if (adaptive !== true) return `-c\\,${mean},\\quad ${entropy}`;
    const steps = "\\min(c_u+\\delta,\\,c_{\\max})&\\overline H\\le H^{*}\\\\\\max(c_u-\\delta,\\,c_{\\min})&\\text{else}";
    return `-c_u\\,[\\overline H\\le H^{*}]\\,${mean},\\quad c_1=c,\\ c_{u+1}=\\begin{cases}${steps}\\end{cases},\\quad ${entropy}`;
  },
  terms: { entropy: { symbol: "H_t", meaning: "entropy of the policy's next-token distribution, in nats" } },
  lossAndCoefficients(batch, params, state) {
    const { entropy, weight } = batch;
    if (!entropy) throw new RangeError("the entropy bonus needs the current entropies");
    const counted = countedTokens(batch);
    const count = counted.reduce((a, b) => a + b, 0);
    const mean = count === 0 ? 0 : counted.reduce((sum, c, t) => sum + (c ? entropy[t] : 0), 0) / count;
    const { applied, next } = controlled(params, state, mean, count);
    const n = weight.length;
    const [loss, entropyCoefficient] = [new Float64Array(n), new Float64Array(n)];
    let value = 0;
    for (let t = 0; t < n; t++) {
      if (!counted[t]) continue;
      const share = params.average === "aggregation" ? weight[t] : 1 / count;
      loss[t] = -applied * entropy[t];
      entropyCoefficient[t] = -applied * share;
      value += share * loss[t];
    }
    return {
      value,
      loss,
      coefficient: new Float64Array(n),
      entropyCoefficient,
      terms: { entropy: Float64Array.from(entropy) },
      metrics: { "actor/entropy": mean, entropy_coef: next ? (next.coefficient as number) : applied },
      ...(next ? { state: next } : {}),
    };
  },
};

/** The coefficient of this update, from what the last one measured (at the first: this one), and the controller's next state. */
function controlled(
  params: Parameters,
  state: PluginState | undefined,
  entropy: number,
  count: number,
): { applied: number; next?: PluginState } {
  const start = params.coefficient as number;
  if (params.adaptive !== true) return { applied: start };
  const [target, delta] = [params.target as number, params.delta as number];
  const now = typeof state?.coefficient === "number" ? state.coefficient : start;
  const last = typeof state?.entropy === "number" ? state.entropy : entropy;
  const applied = last <= target ? now : 0;
  if (count === 0 || !Number.isFinite(entropy)) return { applied, next: { coefficient: now, entropy: last } };
  const moved = entropy <= target ? Math.min(now + delta, params.highest as number) : Math.max(now - delta, params.lowest as number);
  return { applied, next: { coefficient: moved, entropy } };
}
