import { type PromptMemory, smoothStandardisation } from "../../algorithm/advantages/dcpo.ts";
import type { PluginState } from "../../algorithm/batch.ts";
import { dynamicBounds, dynamicClip } from "../../algorithm/objectives/dynamic-clip.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { lossBatch, NO_RANDOM, rewardBatch } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

export const dcpo: AtlasMethod = ({ params, input }) => {
  const clip = () =>
    withDefaults(dynamicClip, {
      clipLow: params.number("epsLow", 0.16),
      clipHigh: params.number("epsHigh", 0.2),
      ratioCap: params.number("ratioCap", 10),
      dualClip: params.number("dualClip", 10),
    });
  if (input.has("oldProbs")) {
    const { clipLow, clipHigh, ratioCap } = clip();
    const bounds = input.numbers("oldProbs").map((q) => dynamicBounds(q, clipLow as number, clipHigh as number, ratioCap as number));
    return { ratioMin: bounds.map(([low]) => low), ratioMax: bounds.map(([, high]) => high) };
  }
  if (input.has("rewardsPerVisit")) {
    const settings = withDefaults(smoothStandardisation, { divideByStd: params.flag("divideByStd", true) });
    const groupSize = input.count("groupSize");
    let state: PluginState | undefined;
    const visits = input.table("rewardsPerVisit").map((rewards) => {
      const batch = rewardBatch(rewards, groupSize);
      const result = smoothStandardisation.estimate(batch, settings, state, NO_RANDOM);
      state = result.state;
      const memory = state?.memory as Record<string, PromptMemory>;
      const prompts = batch.groups.map((_, g) => memory[String(g)]);
      return {
        visits: Math.max(...prompts.map((prompt) => prompt.visits)),
        mean: prompts.map((prompt) => prompt.mean),
        std: prompts.map((prompt) => prompt.std),
        advantages: [...result.advantage],
      };
    });
    return { visits };
  }
  if (!input.has("logProbs")) return null;
  const perResponse = /per response/.test(params.text("averaging", ""));
  const { batch, table } = lossBatch(input, perResponse ? "sequence-mean-token-mean" : "token-mean");
  const { value, coefficient } = dynamicClip.lossAndCoefficients(batch, clip(), undefined, NO_RANDOM);
  return { loss: value, dLoss_dLogProb: table(coefficient) };
};
