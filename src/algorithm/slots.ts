import type { Data, Kernel } from "../policy/engine.ts";
import type { Problem, Verdict } from "../tasks/task.ts";
import type { Parameters, PluginDeclaration } from "./plugin.ts";

/** What the plug-ins of each slot compute. All are pure functions of their arguments. */

/** How rollouts are drawn: pure data, read by the loop. */
export type SamplerPlugin = PluginDeclaration;

/** Decides which groups a step trains on. */
export interface GroupFilterPlugin extends PluginDeclaration {
  /** Rounds of sampling before the step goes on with what it has; 1 means that nothing is replaced. */
  rounds(params: Parameters): number;
  /** Why a group with these verdict scores is rejected, or null to keep it. */
  reject(scores: readonly number[], params: Parameters): string | null;
}

export interface RewardInputs {
  readonly problem: Problem;
  readonly verdict: Verdict;
  /** Completion tokens, end-of-text included. */
  readonly length: number;
  /** False if the completion was cut off at `maxLength`. */
  readonly finished: boolean;
  readonly maxLength: number;
}

/** From the verdict (the truth) to the reward (what is trained on). */
export interface RewardPlugin extends PluginDeclaration {
  /** Named parts; the reward is their sum. */
  parts(inputs: RewardInputs, params: Parameters): Record<string, number>;
}

/** From the rewards of all rollouts, `[rows]`, with their group numbers, to one advantage each. */
export interface AdvantagePlugin extends PluginDeclaration {
  readonly kernel: Kernel;
  uniforms(params: Parameters, rows: number): Record<string, number>;
}

export interface AggregationInputs {
  /** Completion tokens of each rollout in the mini-batch. */
  readonly lengths: readonly number[];
  /** False for rollouts that are masked out. */
  readonly kept: readonly boolean[];
  readonly maxLength: number;
}

/** How token losses become one number: a weight for each rollout's tokens. */
export interface AggregationPlugin extends PluginDeclaration {
  /** `[rollouts]`: the weight of each of that rollout's tokens. Masked rollouts get 0. */
  weights(inputs: AggregationInputs, params: Parameters): number[];
}

/** Per-token loss and its derivative with respect to log π. */
export interface ObjectivePlugin extends PluginDeclaration {
  readonly kernel: Kernel;
  uniforms(params: Parameters, kl: Parameters, count: number): Record<string, number>;
  /** The kernel's inputs, by name, from what the loop has. */
  inputs(tokens: ObjectiveTokens): Record<string, Data>;
}

export interface ObjectiveTokens {
  readonly logProb: Data;
  readonly oldLogProb: Data;
  readonly advantage: Data;
  readonly weight: Data;
  readonly reference: Data;
}
