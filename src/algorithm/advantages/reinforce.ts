import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, scorableRows } from "../statistics.ts";

/** REINFORCE: the reward itself, or its difference from a running mean of the rewards of earlier steps (plug-in state). */
export const reinforce: AdvantagePlugin = {
  id: "reinforce",
  name: "REINFORCE",
  scope: "run",
  parameters: {
    baseline: {
      kind: "choice",
      label: "Baseline",
      default: "runningMean",
      options: [
        { value: "none", label: "none" },
        { value: "runningMean", label: "mean of earlier steps" },
      ],
      effect: "Without one, every right answer is made more probable and no answer less; with one, rewards below the average push back.",
    },
    decay: {
      kind: "number",
      label: "Memory",
      default: 0.9,
      min: 0,
      max: 0.9999,
      slider: [0, 0.99, 0.01],
      symbol: "\\beta",
      effect: "How much of the running mean stays at each step; higher is slower and steadier.",
    },
  },
  explanation: {
    sentence: "An answer is as good as its reward, compared with what earlier steps earned.",
    latex: "A_i = r_i - b, \\qquad b \\leftarrow \\beta b + (1 - \\beta)\\,\\mathrm{mean}(r)",
    source: SOURCES.reinforce,
  },
  latexOf: ({ baseline }) =>
    baseline === "none" ? "A_i = r_i" : "A_i = r_i - b, \\qquad b \\leftarrow \\beta b + (1 - \\beta)\\,\\mathrm{mean}(r)",
  terms: { baselines: { symbol: "b", meaning: "the mean reward of earlier steps; 0 at the first" } },
  estimate(batch, params, state) {
    const counts = scorableRows(batch);
    const decay = params.decay as number;
    const running = (state as { sum: number; weight: number } | undefined) ?? { sum: 0, weight: 0 };
    // Σ of the weights (1 − β)β^age so far: dividing by it takes the first steps' pull to 0 away.
    const baseline = params.baseline === "none" || running.weight === 0 ? 0 : running.sum / running.weight;
    const advantage = Float64Array.from(counts, (counted, r) => (counted ? batch.reward[r] - baseline : 0));
    const rewards = counts.flatMap((counted, r) => (counted ? [batch.reward[r]] : []));
    const next =
      rewards.length === 0
        ? running
        : { sum: decay * running.sum + (1 - decay) * mean(rewards), weight: decay * running.weight + (1 - decay) };
    return {
      level: "rollout",
      advantage,
      terms: { baselines: Float64Array.from(counts, (counted) => (counted ? baseline : 0)) },
      state: next,
    };
  },
};
