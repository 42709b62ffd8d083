import { implicitCritic } from "../../algorithm/objectives/pacs.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { lossBatch, NO_RANDOM } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

const SCORES = ["leave-one-out", "group-normalised", "raw"];

export const pacs: AtlasMethod = ({ params, input }) => {
  const named = params.text("score", "leave-one-out");
  const mode = params.text("weightMode", "question");
  if (!input.has("logProbs") || !SCORES.includes(named) || !["question", "only_positive", "only_negative"].includes(mode)) return null;
  const { batch, table } = lossBatch(input, "token-mean");
  const settings = withDefaults(implicitCritic, {
    beta: params.number("beta", 1),
    score: named === "group-normalised" && !params.flag("dividesByStd", true) ? "group-centred" : named,
    classWeight: params.flag("useWeight", true) ? mode : "none",
    eps: params.number("eps", 1e-6),
  });
  const { value, coefficient, terms } = implicitCritic.lossAndCoefficients(batch, settings, undefined, NO_RANDOM);
  return {
    implicitReward: Array.from(terms.implicitReward),
    score: Array.from(terms.score),
    classWeight: Array.from(terms.classWeight),
    loss: value,
    dLoss_dLogProb: table(coefficient),
  };
};
