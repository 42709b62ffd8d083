import { rowSums } from "../objectives/ratio.ts";
import type { TokenWeightPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Bad answers that the policy has already moved far away from are left alone (DeepSeek-V3.2's off-policy sequence mask). */
export const offPolicyMask: TokenWeightPlugin = {
  id: "off-policy-mask",
  name: "Off-policy sequence mask",
  scope: "rollout",
  parameters: {
    threshold: {
      kind: "number",
      label: "Largest divergence",
      default: 0.05,
      min: 0,
      max: 100,
      slider: [0, 1, 0.01],
      unit: "nats per token",
      symbol: "\\delta",
      effect: "A bad answer whose log-probability has fallen by more than this per token, since it was drawn, is masked.",
    },
  },
  explanation: {
    sentence: "Pushing an answer down that the policy would hardly give any more teaches nothing and can do harm.",
    latex:
      "w_i = \\Big[A_i \\ge 0 \\ \\lor\\ \\tfrac1{|o_i|}\\sum_t \\big(\\log\\pi_{\\text{sampler}} - \\log\\pi\\big) \\le \\delta\\Big]",
    source: SOURCES.deepseekV32,
  },
  terms: { divergence: { symbol: "\\tfrac1{|o|}\\sum_t", meaning: "how far the answer's log-probability has fallen, per token" } },
  weigh(batch, params) {
    const { logProb, oldLogProb, advantage, scores, rows, offsets } = batch;
    const sampler = scores.samplerLogProb ?? oldLogProb;
    const n = logProb.length;
    const sums = rowSums(
      Float64Array.from(logProb, (x, t) => sampler[t] - x),
      batch.weight,
      batch,
    );
    const lengths = rowSums(new Float64Array(n).fill(1), batch.weight, batch);
    const [weight, divergence] = [new Float64Array(n), new Float64Array(n)];
    let [dropped, counted] = [0, 0];
    for (let r = 0; r < rows; r++) {
      const fallen = sums[r] / Math.max(1, lengths[r]);
      for (let t = offsets[r]; t < offsets[r + 1]; t++) {
        divergence[t] = fallen;
        if (batch.weight[t] === 0) continue;
        counted++;
        if (advantage[t] >= 0 || fallen <= (params.threshold as number)) weight[t] = 1;
        else dropped++;
      }
    }
    const metrics = { off_policy_masked: counted === 0 ? 0 : dropped / counted };
    return { weight, keepDenominator: true, terms: { divergence }, metrics };
  },
};
