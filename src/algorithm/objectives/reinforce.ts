import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { movedKl } from "./metrics.ts";
import { LOSS_TERM, RATIO_TERM } from "./parameters.ts";
import { importance, weighted } from "./ratio.ts";

/** REINFORCE: advantage times log-probability; with the importance weight it stays right on average when a batch is used more than once. */
export const reinforce: ObjectivePlugin = {
  id: "reinforce",
  name: "REINFORCE",
  scope: "token",
  parameters: {
    importance: {
      kind: "boolean",
      label: "Importance weight",
      default: false,
      effect: "Weighs each token by its ratio, as a constant, so that outdated batches do not mislead.",
    },
    cap: {
      kind: "number",
      label: "Weight cap",
      default: 2,
      min: 0.01,
      max: 1000,
      slider: [1, 10, 0.1],
      symbol: "c",
      effect: "The importance weight is at most this.",
    },
  },
  explanation: {
    sentence:
      "Raise the log-probability of what was better than expected and lower that of the rest. Everything else is a refinement of this.",
    latex: "\\ell_t = -\\mathrm{sg}[w_t]\\,A_t\\,\\log\\pi(o_t)",
    source: SOURCES.reinforce,
  },
  latexOf: ({ importance: weighed }) =>
    weighed === true ? "\\ell_t = -\\mathrm{sg}[\\min(\\rho_t, c)]\\,A_t\\,\\log\\pi(o_t)" : "\\ell_t = -A_t\\,\\log\\pi(o_t)",
  terms: { ratio: RATIO_TERM, loss: LOSS_TERM },
  lossAndCoefficients(batch, params) {
    const { ratio } = importance(batch, "token");
    const { value, loss, slope } = weighted(batch, (t) => {
      const push = -(params.importance === true ? Math.min(params.cap as number, ratio[t]) : 1) * batch.advantage[t];
      return [push * batch.logProb[t], push];
    });
    return { value, loss, coefficient: slope, terms: { ratio }, metrics: { "actor/ppo_kl": movedKl(batch) } };
  },
};

/** GPG's loss: REINFORCE without any ratio. */
export const gpgLoss: ObjectivePlugin = {
  id: "gpg",
  name: "Plain policy gradient (GPG)",
  scope: "token",
  parameters: {},
  explanation: {
    sentence: "No ratio, no clip, no reference: advantage times log-probability, and the advantage does the work.",
    latex: "\\ell_t = -A_t\\,\\log\\pi(o_t)",
    source: SOURCES.gpgLoss,
  },
  terms: { loss: LOSS_TERM },
  lossAndCoefficients(batch) {
    const { value, loss, slope } = weighted(batch, (t) => [-batch.advantage[t] * batch.logProb[t], -batch.advantage[t]]);
    return { value, loss, coefficient: slope, terms: {} };
  },
};
