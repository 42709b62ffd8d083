import { gdpo as decoupled } from "../../algorithm/advantages/gdpo.ts";
import { groupRelative } from "../../algorithm/advantages/group.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { GoldenError } from "../../policy/golden.ts";
import { offsetsOf, unpack } from "../read.ts";
import { NO_RANDOM, rewardBatch } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

export const gdpo: AtlasMethod = ({ name, params, input }) => {
  if (!input.has("rewardsPerFunction")) return null;
  const raw = input.raw.rewardsPerFunction;
  // A reward that is missing counts as 0.
  const rewards = Array.isArray(raw) ? raw.map((row) => (Array.isArray(row) ? row.map((x: unknown) => x ?? 0) : row)) : raw;
  if (
    !Array.isArray(rewards) ||
    !rewards.every((row) => Array.isArray(row) && row.length === rewards[0].length && row.every(Number.isFinite))
  )
    throw new GoldenError(`case ${JSON.stringify(name)}: rewardsPerFunction must be rows of as many numbers each`);
  const rows = rewards.length;
  const functions: number = rewards[0]?.length ?? 0;
  const version = params.text("version", "rollout statistics");
  const tokens = version === "token statistics";
  if (!tokens && version !== "rollout statistics") return null;
  const weights = params.has("weights") ? params.numbers("weights", functions) : new Array<number>(functions).fill(1);
  const offsets = input.has("lengths") ? offsetsOf(input.numbers("lengths", rows), input.place) : undefined;
  const epsGroup = params.number("epsGroup", tokens ? 1e-6 : 1e-4);

  const part = (k: number) => rewards.map((row) => row[k] as number);
  const sum = rewards.map((row) => weights.reduce((total, weight, k) => total + weight * row[k], 0));
  const batch = rewardBatch(sum, input.count("groupSize"), offsets);
  const settings = withDefaults(decoupled, {
    statistics: tokens ? "tokens" : "rollouts",
    eps: epsGroup,
    epsBatch: tokens ? params.number("epsVar", 1e-8) : params.number("epsBatch", 1e-4),
  });
  const parts = Object.fromEntries(weights.map((_, k) => [`reward${k}`, part(k)]));
  const together = decoupled.estimate(
    { ...batch, parts },
    { ...settings, weights: weights.map((weight, k) => `reward${k}=${weight}`).join(", ") },
    undefined,
    NO_RANDOM,
  );
  const single = weights.map(
    (_, k) => decoupled.estimate({ ...batch, parts: { only: part(k) } }, settings, undefined, NO_RANDOM).terms.sums,
  );
  const grpo = groupRelative.estimate(batch, withDefaults(groupRelative, { eps: epsGroup }), undefined, NO_RANDOM);
  const widest = Math.max(0, ...Array.from({ length: rows }, (_, r) => batch.offsets[r + 1] - batch.offsets[r]));
  return {
    perRewardAdvantages: rewards.map((_, r) => single.map((standardised) => standardised[r])),
    summedAdvantages: Array.from(together.terms.sums),
    advantages: tokens ? unpack(together.advantage, batch.offsets, new Array<number>(rows).fill(widest)) : [...together.advantage],
    grpoAdvantages: [...grpo.advantage],
  };
};
