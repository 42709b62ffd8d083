import { decoupledReward } from "../../algorithm/objectives/drpo.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { pack } from "../read.ts";
import { lossBatch, NO_RANDOM } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

export const drpo: AtlasMethod = ({ params, input }) => {
  if (!input.has("logProbs") || !input.has("rewards")) return null;
  const { batch, table } = lossBatch(input, "token-mean");
  const mask = input.has("mask") ? pack(input.table("mask", batch.rows), batch.offsets, `${input.place}: mask`) : batch.weight;
  const maxLength = params.has("maxLen") ? params.count("maxLen") : Math.max(1, ...input.table("logProbs").map((row) => row.length));
  const settings = withDefaults(decoupledReward, {
    lambda: params.number("lambda", 0.1),
    tau: params.number("tau", 10),
    delta: params.number("delta", 1e-4),
    penalty: params.number("betaPenalty", 1000),
    divergence: params.text("klType", "kl"),
  });
  const { value, coefficient, terms, metrics } = decoupledReward.lossAndCoefficients(
    { ...batch, weight: mask, maxLength },
    settings,
    undefined,
    NO_RANDOM,
  );
  return {
    loss: metrics!["drpo/loss_with_stand_in"],
    lossWithTrueLogMeanExp: value,
    scores: Array.from(terms.score),
    positiveWeights: Array.from(terms.positiveWeight),
    klGuard: metrics!["drpo/guard"],
    penalty: metrics!["drpo/penalty"],
    guardActive: metrics!["drpo/guard_active"] === 1,
    dLoss_dLogProb: table(coefficient),
  };
};
