import type { Budget, Changes, Condition, Measure } from "./claim.ts";

/**
 * Where most claims are checked: Countdown with three numbers, from `nano`, which finds one answer in eight there and learns within minutes on
 * one core. Claims that share these settings share their baselines' runs.
 */
export const TOY: Changes = {
  task: "countdown",
  "task.level": "3",
  "sampler.promptsPerStep": 8,
  "sampler.groupSize": 8,
  "optimizer.learningRate": 1e-4,
  "evaluation.every": 10,
  "evaluation.problems": 128,
  "evaluation.passAtKProblems": 128,
  "evaluation.passAtKSamples": 16,
};

/** About seventy steps of GRPO. */
export const TOY_BUDGET: Budget = { policy: "nano", tokens: 30_000, seeds: 10 };

/** On held-out problems after the last step. */
export const afterTraining = (metric: string): Measure => ({ metric, reduce: "end" });

/** Over the last twenty steps. */
export const late = (metric: string): Measure => ({ metric, reduce: "mean", steps: 20 });

/** Over all steps. */
export const throughout = (metric: string): Measure => ({ metric, reduce: "mean" });

/** "No loss": with ten pairs of runs a difference of three points can just be told from noise. */
export const NO_LOSS: Condition = {
  sentence: "pass@1 after training is at most three points lower.",
  measure: afterTraining("pass@1"),
  direction: "higher",
  margin: -0.03,
};
