import { groupRelative } from "../../algorithm/advantages/group.ts";
import { virtualBest } from "../../algorithm/advantages/ngrpo.ts";
import { spreadRows } from "../../algorithm/batch.ts";
import { notAllRight } from "../../algorithm/filters/not-all-right.ts";
import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { lossBatch, NO_RANDOM, rewardBatch } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

export const ngrpo: AtlasMethod = ({ params, input }) => {
  if (!input.has("rewards")) return null;
  const rewards = input.numbers("rewards");
  const batch = rewardBatch(rewards, input.count("groupSize"));
  const best = params.number("rMax", 1);
  const eps = params.number("eps", 1e-6);
  const settings = withDefaults(virtualBest, { best, count: params.has("nVirtual") ? params.count("nVirtual", 0) : 1, eps });
  const { advantage } = virtualBest.estimate(batch, settings, undefined, NO_RANDOM);
  const plain = groupRelative.estimate(batch, withDefaults(groupRelative, { eps }), undefined, NO_RANDOM);
  const rejected = batch.groups.map((members) =>
    notAllRight.reject(
      members.map((r) => (rewards[r] >= best ? 1 : 0)),
      withDefaults(notAllRight),
    ),
  );
  const outputs = {
    advantages: [...advantage],
    grpoAdvantages: [...plain.advantage],
    keepAfterFilterAllCorrect: rewards.map((_, r) => rejected[batch.group[r]] === null),
  };
  if (!input.has("logProbs")) return outputs;
  const perRow = params.text("aggregation", "token-mean") !== "token-mean";
  const loss = lossBatch(input, perRow ? "sequence-mean-token-mean" : "token-mean");
  const { value, coefficient, metrics } = clippedSurrogate.lossAndCoefficients(
    { ...loss.batch, advantage: spreadRows(advantage, loss.batch) },
    withDefaults(clippedSurrogate, { clipLow: params.number("epsLow", 0.16), clipHigh: params.number("epsHigh", 0.24) }),
    undefined,
    NO_RANDOM,
  );
  return { ...outputs, loss: value, dLoss_dLogProb: loss.table(coefficient), clipFraction: metrics!["actor/pg_clipfrac"] };
};
