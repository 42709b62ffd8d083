import { groupRelative } from "../../algorithm/advantages/group.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { classWeights, heldScores, selfAdvantages, selfRewardError, selfRewards } from "../../algorithm/self-reward.ts";
import { GoldenError } from "../../policy/golden.ts";
import { consecutiveGroups, type Reader } from "../read.ts";
import type { AtlasMethod } from "./index.ts";

/** Numbers of which some are null, which stand as NaN. */
function numbersOrNull(from: Reader, key: string, length: number): number[] {
  const value = from.raw[key];
  if (!Array.isArray(value) || value.length !== length || !value.every((x) => x === null || typeof x === "number")) {
    throw new GoldenError(`${from.place}: ${key} must be an array of ${length} numbers or null`);
  }
  return value.map((x) => x ?? Number.NaN);
}

/** Responses of the greatest length are cut off; their own score is read, as the released code does, after their first token. */
export const laser: AtlasMethod = ({ params, input }) => {
  const labels = input.numbers("rewards");
  const rows = labels.length;
  const lengths = input.numbers("lengths", rows);
  const most = input.number("maxLen");
  const { group, groups } = consecutiveGroups(rows, input.count("groupSize"));
  const scale = { beta: params.number("betaV", 0.1), reference: params.number("cRef", -23) };
  const alpha = params.number("alpha", 0.1);
  const tau = params.number("tau", 0.1);
  const finished = lengths.map((length) => length < most);
  const read = (key: string) => numbersOrNull(input, key, rows).map((x, r) => (finished[r] ? x : Number.NaN));

  const weights = classWeights(
    labels,
    lengths.map((length) => length < most - 1),
  );
  const current = selfRewards(read("specialLogProbCurrent"), scale);
  const error = selfRewardError(current, labels, weights, scale.beta);
  const scores = heldScores(selfRewards(read("specialLogProbOld"), scale));
  const first = finished.every(Boolean) ? scores : heldScores(selfRewards(input.numbers("firstTokenLogProbOld", rows), scale));
  const self = selfAdvantages(
    scores,
    groups,
    params.number("stdThreshold", 0.1),
    scores.map((score, r) => (finished[r] ? score : first[r])),
  );
  const verifier = groupRelative.estimate(
    {
      rows,
      offsets: [...labels.keys(), rows],
      group,
      groups,
      reward: labels,
      parts: {},
      maxLength: most,
      scores: {},
      step: 1,
    },
    withDefaults(groupRelative, { eps: params.number("advEps", 1e-6), singleton: "raw" }),
    undefined,
    null!,
  ).advantage;
  const selfAdvantage = self.advantage.map((own, r) => (Number.isNaN(own) ? verifier[r] : own));
  return {
    finished,
    classWeights: weights,
    selfRewardCurrent: current.map((x) => (Number.isNaN(x) ? null : x)),
    mseTerm: error.value,
    lossTerm: alpha * error.value,
    dLoss_dSpecialLogProb: Array.from(error.derivative, (d) => alpha * d),
    clippedScoresUsedForGroupStats: scores,
    groupMean: self.means,
    groupStd: self.deviations,
    verifierAdvantages: Array.from(verifier),
    selfAdvantages: selfAdvantage,
    mixedAdvantages: selfAdvantage.map((own, r) => (1 - tau) * verifier[r] + tau * own),
  };
};
