import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { movedKl } from "./metrics.ts";
import { LOSS_TERM, RATIO_TERM } from "./parameters.ts";
import { importance, type Level, levelParameter, ratioLatex, weighted } from "./ratio.ts";

const temperature = (label: string, symbol: string, value: number, effect: string) =>
  ({ kind: "number", label, default: value, min: 0.01, max: 100, slider: [0.1, 5, 0.05], symbol, effect }) as const;

/** SAPO: a sigmoid gate in place of the clip. Its slope at ratio 1 is 1, and it fades smoothly on both sides. */
export const sapo: ObjectivePlugin = {
  id: "sapo",
  name: "Soft gate (SAPO)",
  scope: "token",
  aggregation: "sequence-mean-token-mean",
  parameters: {
    temperaturePositive: temperature(
      "Gate for good tokens",
      "\\tau_{+}",
      1,
      "How fast a good token's gradient fades as its ratio leaves 1; higher is faster.",
    ),
    temperatureNegative: temperature(
      "Gate for bad tokens",
      "\\tau_{-}",
      1.05,
      "How fast a bad token's gradient fades as its ratio leaves 1; higher is faster.",
    ),
    level: levelParameter,
  },
  explanation: {
    sentence:
      "Instead of cutting the gradient off at a bound, turn it down gradually the further a token has moved, a little faster for bad tokens.",
    latex:
      "\\ell_t = -\\frac{4}{\\tau}\\,\\sigma\\big(\\tau(\\rho_t - 1)\\big)\\,A_t,\\quad \\tau = \\begin{cases}\\tau_{+} & A_t > 0\\\\ \\tau_{-} & \\text{else}\\end{cases}",
    source: SOURCES.sapo,
  },
  latexOf({ level }) {
    const { symbol, where } = ratioLatex(level);
    return `\\ell_t = -\\frac{4}{\\tau}\\,\\sigma\\big(\\tau(${symbol} - 1)\\big)\\,A_t,\\quad \\tau = \\begin{cases}\\tau_{+} & A_t > 0\\\\ \\tau_{-} & \\text{else}\\end{cases}${where}`;
  },
  symbolsOf: ({ level }) => ({ ratio: ratioLatex(level).symbol }),
  terms: { ratio: RATIO_TERM, gate: { symbol: "\\sigma", meaning: "the gate: a half at ratio 1" }, loss: LOSS_TERM },
  lossAndCoefficients(batch, params) {
    const { advantage } = batch;
    const { ratio, toLogProbs } = importance(batch, (params.level as Level | undefined) ?? "token");
    const tau = (t: number) => (advantage[t] > 0 ? params.temperaturePositive : params.temperatureNegative) as number;
    const gate = ratio.map((x, t) => 1 / (1 + Math.exp(-tau(t) * (x - 1))));
    const { value, loss, slope } = weighted(batch, (t) => [
      -(4 / tau(t)) * gate[t] * advantage[t],
      -4 * gate[t] * (1 - gate[t]) * ratio[t] * advantage[t],
    ]);
    const metrics = { "actor/pg_clipfrac": 0, "actor/pg_clipfrac_lower": 0, "actor/ppo_kl": movedKl(batch) };
    return { value, loss, coefficient: toLogProbs(slope), terms: { ratio, gate }, metrics };
  },
};
