import { groupRelative } from "../../algorithm/advantages/group.ts";
import { spreadRows } from "../../algorithm/batch.ts";
import { lowVariancePenalty } from "../../algorithm/kl/estimators.ts";
import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { likelihoodRanks, meanLogProbs, unlikelyReward } from "../../algorithm/rewards/unlikely.ts";
import { consecutiveGroups, pack } from "../read.ts";
import { lossBatch, NO_RANDOM } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

export const unlikeliness: AtlasMethod = ({ params, input }) => {
  if (!input.has("logProbs") || !input.has("rewards")) return null;
  const { batch: raw, table } = lossBatch(input, "token-mean");
  const { rows, offsets, reward } = raw;
  const reference = input.has("refLogProbs") ? pack(input.table("refLogProbs", rows), offsets, `${input.place}: refLogProbs`) : undefined;
  const scores = { oldLogProb: raw.oldLogProb, ...(reference ? { refLogProb: reference } : {}) };
  const batch = { ...raw, ...consecutiveGroups(rows, params.count("groupSize")), scores };
  const likelihood = meanLogProbs(batch);
  const { parts } = unlikelyReward.parts(
    batch,
    withDefaults(unlikelyReward, { beta: params.number("betaRank", 0.25) }),
    undefined,
    NO_RANDOM,
  );
  const shaped = Array.from(reward, (r, i) => r + parts.unlikely[i]);
  const { advantage } = groupRelative.estimate({ ...batch, reward: shaped }, withDefaults(groupRelative), undefined, NO_RANDOM);
  const clip = params.number("clip", 0.2);
  const policy = clippedSurrogate.lossAndCoefficients(
    { ...batch, advantage: spreadRows(advantage, batch) },
    withDefaults(clippedSurrogate, { clipLow: clip, clipHigh: clip }),
    undefined,
    NO_RANDOM,
  );
  const coefficient = params.number("klCoef", 0);
  const kl = (by: number) =>
    lowVariancePenalty.lossAndCoefficients(batch, withDefaults(lowVariancePenalty, { coefficient: by }), undefined);
  const own = reference ? kl(coefficient) : undefined;
  return {
    meanLogProbs: [...likelihood],
    ranks: [...likelihoodRanks(likelihood, batch.groups)],
    shapedRewards: shaped,
    advantages: [...advantage],
    policyLoss: policy.value,
    ...(reference ? { klLoss: kl(1).value } : {}),
    loss: policy.value + (own?.value ?? 0),
    dLoss_dLogProb: table(policy.coefficient.map((c, t) => c + (own?.coefficient[t] ?? 0))),
  };
};
