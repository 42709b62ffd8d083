import { RecipeError } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { returnsToGo, scorableRows, scorableTokenRewards } from "../statistics.ts";

/** ReMax: return-to-go minus the reward of one greedy answer to the same prompt. verl's `remax`. */
export const reMax: AdvantagePlugin = {
  id: "remax",
  name: "ReMax",
  scope: "group",
  needs: ["greedyRollout"],
  parameters: {},
  explanation: {
    sentence: "An answer is as good as it is better than the answer that the policy finds most probable.",
    latex: "A_{i,t} = \\sum_{s \\ge t} r_{i,s} - r(\\text{greedy answer})",
    source: SOURCES.remax,
  },
  terms: { baselines: { symbol: "r(\\text{greedy})", meaning: "the greedy answer's reward" } },
  estimate(batch) {
    const { rows, offsets, group, greedyReward } = batch;
    if (!greedyReward) throw new RecipeError("advantage remax needs the reward of a greedy rollout for each prompt");
    const returns = returnsToGo(scorableTokenRewards(batch), batch, 1);
    const advantage = new Float64Array(offsets[rows]);
    const baselines = new Float64Array(rows);
    scorableRows(batch).forEach((counts, r) => {
      const baseline = greedyReward[group[r]];
      // A prompt whose greedy answer cannot be scored has nothing to compare with.
      if (!counts || !Number.isFinite(baseline)) return;
      baselines[r] = baseline;
      for (let t = offsets[r]; t < offsets[r + 1]; t++) advantage[t] = returns[t] - baseline;
    });
    return { level: "token", advantage, terms: { baselines } };
  },
};
