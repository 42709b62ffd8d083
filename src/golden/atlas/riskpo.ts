import { riskAdvantage } from "../../algorithm/advantages/riskpo.ts";
import type { PluginState } from "../../algorithm/batch.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import type { Json } from "../read.ts";
import { NO_RANDOM, rewardBatch } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

export const riskpo: AtlasMethod = ({ params, input }) => {
  if (!input.has("rewardsPerStep")) return null;
  const upper = params.flag("riskSeekingUpperTail", false);
  const lower = params.flag("mixLowerTail", true);
  const bundleSize = params.count("bundleSize");
  const settings = withDefaults(riskAdvantage, {
    bundleSize,
    alpha: params.number("alpha", 0.2),
    beta: params.number("beta", 0.8),
    tail: upper ? "upper" : lower ? "lower" : "none",
    omega: upper ? params.number("upperWeight", 1.5) : params.number("omega", 1.5),
    naturalBaseline: params.flag("naturalBaseline", false),
    credit: params.text("credit", "sum-mean"),
    quantiles: params.text("qMode", "track"),
    eta: params.number("etaQ", 0.1),
    divideByStd: params.flag("normByStd", true),
    flat: 0,
  });
  const groupSize = input.count("groupSize");
  let state: PluginState | undefined = params.has("quantilesGiven") ? { quantiles: params.numbers("quantilesGiven", 2) } : undefined;
  const steps = input.table("rewardsPerStep").map((rewards): Json => {
    const batch = rewardBatch(rewards, groupSize);
    const before = state?.quantiles ?? null;
    const { advantage, terms, state: after } = riskAdvantage.estimate(batch, settings, state, NO_RANDOM);
    state = after;
    const bundles = batch.groups.filter((_, g) => g % bundleSize === 0);
    return {
      paperScores: bundles.map((first) => first.map((r) => terms.paperScore[r])),
      quantilesUsed: before,
      advantages: [...advantage],
      trackedAfter: after?.quantiles ?? null,
    };
  });
  return { steps };
};
