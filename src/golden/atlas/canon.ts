import { conditional, restartedCosine } from "../../algorithm/advantages/canon.ts";
import { spreadRows } from "../../algorithm/batch.ts";
import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { offsetsOf, pack } from "../read.ts";
import { lossBatch, NO_RANDOM, rewardBatch } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

export const canon: AtlasMethod = ({ params, input }) => {
  if (input.has("steps")) {
    const warmup = params.count("warmup");
    const period = (params.count("total") - warmup) / params.count("cycles");
    const at = (reversed: boolean) => input.numbers("steps").map((step) => restartedCosine(step, warmup, period, reversed));
    return { intraWeightCosine: at(false), intraWeightCosineReversed: at(true) };
  }
  if (!input.has("rewards") || !input.has("lengths")) return null;
  const rewards = input.numbers("rewards");
  const offsets = offsetsOf(input.numbers("lengths", rewards.length), input.place);
  const metric = params.text("metric");
  if (metric !== "entropy" && metric !== "length") return null;
  const entropy = metric === "entropy" ? pack(input.table("entropies", rewards.length), offsets, `${input.place}: entropies`) : undefined;
  const batch = { ...rewardBatch(rewards, input.count("groupSize"), offsets), scores: entropy ? { entropy } : {} };
  const settings = withDefaults(conditional, { metric, mu: params.number("mu", 1), alpha: params.number("alpha", 1) });
  const constant = params.number("lMax", 1);
  const advantage = conditional.estimate(batch, settings, undefined, NO_RANDOM).advantage.map((a) => a / constant);
  if (!input.has("logProbs")) return { advantages: [...advantage] };
  const summed = params.text("aggregation", "seq-mean-token-sum") === "seq-mean-token-sum";
  const loss = lossBatch(input, "token-mean");
  const weight = summed ? loss.batch.weight.map(() => 1 / rewards.length) : loss.batch.weight;
  const { value, coefficient, metrics } = clippedSurrogate.lossAndCoefficients(
    { ...loss.batch, weight, advantage: spreadRows(advantage, batch) },
    withDefaults(clippedSurrogate, {
      clipLow: params.number("epsLow", 0.2),
      clipHigh: params.number("epsHigh", 0.28),
      dualClip: params.number("dualClip", 3),
    }),
    undefined,
    NO_RANDOM,
  );
  return {
    advantages: [...advantage],
    loss: value,
    dLoss_dLogProb: loss.table(coefficient),
    clipFraction: metrics!["actor/pg_clipfrac"],
    meanLogRatioNeg: metrics!["actor/ppo_kl"],
  };
};
