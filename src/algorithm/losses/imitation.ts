import { weighted } from "../objectives/ratio.ts";
import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Supervised fine-tuning on the batch's demonstrations, beside the policy's loss. */
export const imitation: ObjectivePlugin = {
  id: "sft",
  name: "Imitation (SFT)",
  scope: "token",
  rowsOf: "expert",
  parameters: {
    coefficient: {
      kind: "number",
      label: "Coefficient",
      default: 0.1,
      min: 0,
      max: 100,
      slider: [0, 1, 0.01],
      symbol: "\\mu",
      effect: "How strongly demonstrations are imitated, beside learning from rewards.",
    },
  },
  explanation: {
    sentence: "Raises the probability of a demonstration's tokens, whatever the policy would have written itself.",
    latex: "-\\mu\\,\\overline{\\log\\pi(o^{\\text{expert}}_t)}",
    source: SOURCES.vapo,
  },
  terms: { nll: { symbol: "-\\log\\pi", meaning: "how surprised the policy is by the demonstration's token, in nats" } },
  lossAndCoefficients(batch, params) {
    const mu = params.coefficient as number;
    const { value, loss, slope } = weighted(batch, (t) => [-mu * batch.logProb[t], -mu]);
    const nll = Float64Array.from(batch.logProb, (x) => -x);
    return { value, loss, coefficient: slope, terms: { nll }, metrics: { sft_loss: mu === 0 ? 0 : value / mu } };
  },
};
