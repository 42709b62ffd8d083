import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { movedKl } from "./metrics.ts";
import { LOSS_TERM } from "./parameters.ts";
import { bounded, LIMIT, weighted } from "./ratio.ts";

/** DRO: policy gradient with a quadratic leash to the behaviour policy. The same formula as Kimi k1.5's mirror descent (ROLL's `kimi15`). */
export const dro: ObjectivePlugin = {
  id: "dro",
  name: "Quadratic leash (DRO, Kimi)",
  scope: "token",
  parameters: {
    beta: {
      kind: "number",
      label: "Leash",
      default: 0.1,
      min: 0,
      max: 100,
      slider: [0, 1, 0.01],
      symbol: "\\beta",
      effect: "How hard the policy is pulled back to where it was when the batch was drawn. There is no clip.",
    },
  },
  explanation: {
    sentence: "Follow the advantage, but pay the square of how far each token has moved: steps stay small without any clip.",
    latex: "\\ell_t = -A_t\\log\\pi(o_t) + \\frac{\\beta}{2}\\,d_t^2,\\quad d_t = \\log\\frac{\\pi(o_t)}{\\pi_{\\text{old}}(o_t)}",
    source: SOURCES.dro,
  },
  terms: { moved: { symbol: "d_t", meaning: "how far the token's log-probability has moved" }, loss: LOSS_TERM },
  lossAndCoefficients(batch, params) {
    const { logProb, oldLogProb, advantage } = batch;
    const beta = params.beta as number;
    const moved = Float64Array.from(logProb, (x, t) => bounded(x - oldLogProb[t]));
    const { value, loss, slope } = weighted(batch, (t) => [
      -advantage[t] * logProb[t] + (beta / 2) * moved[t] ** 2,
      -advantage[t] + (Math.abs(logProb[t] - oldLogProb[t]) > LIMIT ? 0 : beta * moved[t]),
    ]);
    return { value, loss, coefficient: slope, terms: { moved }, metrics: { "actor/ppo_kl": movedKl(batch) } };
  },
};
