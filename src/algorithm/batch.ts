import type { Problem, Verdict } from "../tasks/task.ts";

/**
 * What plug-ins see of a step: plain arrays, over rollouts (`[rows]`) or over completion tokens packed by `offsets` (`[N]`,
 * N = offsets[rows]; row r owns `offsets[r] .. offsets[r+1]`). Plug-ins only read them.
 */

export type Numbers = ArrayLike<number>;

/** Plain data that a plug-in carries from step to step: part of every snapshot, so it must survive a structured clone. */
export type PluginState = Readonly<Record<string, unknown>>;

/** Who wrote a row's completion. */
export type RowSource = "policy" | "expert";

/** Facts about each token of the whole batch, before the update. Those that a recipe's plug-ins do not need are absent. */
export interface Scores {
  /** `[N]`: what the token was drawn with. */
  readonly samplerLogProb?: Numbers;
  /** `[N]`: the policy's own, at the temperature of the objective. */
  readonly oldLogProb?: Numbers;
  readonly refLogProb?: Numbers;
  /** `[N]`: in nats. */
  readonly entropy?: Numbers;
  /** `[N]`: Σ_v π(v)². */
  readonly sumSquares?: Numbers;
  /** `[N·vocabSize]`: raw logits, temperature 1. */
  readonly logits?: Numbers;
  /** `[N·vocabSize]`: the reference's raw logits (need `refLogits`). */
  readonly refLogits?: Numbers;
  /** `[N·hiddenSize]`: the final hidden state (after the last norm) that predicts the token. */
  readonly hidden?: Numbers;
  /**
   * `[rows]`, need `verdictToken`: what the policy and the reference give the reserved token `VERDICT` (log-prob, temperature 1) at the
   * position after the row's end-of-text; NaN where a row was cut off.
   */
  readonly verdictLogProb?: Numbers;
  readonly refVerdictLogProb?: Numbers;
}

/** One segment of a rollout that grew in a tree. */
export interface PathStep {
  /** Equal within a group where rollouts share the segment. */
  readonly node: string;
  /** How many of the row's completion tokens it holds. */
  readonly tokens: number;
}

/** The rollouts of a step (or of a golden fixture) and all that is known of them before the update. */
export interface RolloutBatch {
  readonly rows: number;
  /** `[rows + 1]`. */
  readonly offsets: Numbers;
  /** `[rows]`: index into `groups`. */
  readonly group: Numbers;
  /** Members of each group, as row numbers. */
  readonly groups: readonly (readonly number[])[];
  /** `[rows]`: what is trained on; NaN is unscorable and counts nowhere. A KL penalty placed in the reward is included. */
  readonly reward: Numbers;
  /** `[rows]` each: the weighted parts whose sum is the reward. */
  readonly parts: Readonly<Record<string, Numbers>>;
  /** `[N]`: the reward token by token, where it is given so; otherwise the reward sits on a row's last token (`tokenRewards`). */
  readonly tokenReward?: Numbers;
  /** `[rows]`: false where the completion was cut off. Absent: all finished. */
  readonly finished?: readonly boolean[];
  /** `[rows]`. Absent: the policy's own. */
  readonly source?: readonly RowSource[];
  /** Longest possible completion, in tokens. */
  readonly maxLength: number;
  readonly scores: Scores;
  /** `[N]`: completion tokens. */
  readonly tokens?: Numbers;
  readonly vocabSize?: number;
  readonly hiddenSize?: number;
  /** `[groups]`: the reward of one greedy rollout for each prompt (need `greedyRollout`). */
  readonly greedyReward?: Numbers;
  /** `[groups]`, need `twins`: the group whose prompt asks the same in other words; −1 where there is none. */
  readonly twins?: Numbers;
  /** `[rows]`: the segments of each completion, in order, where the sampler grew trees. */
  readonly paths?: readonly (readonly PathStep[])[];
  /** `[groups]`: the problem, whose `key` identifies it over visits. */
  readonly problems?: readonly Problem[];
  /** `[rows]`. */
  readonly verdicts?: readonly Verdict[];
  /** `[rows]`. */
  readonly texts?: readonly string[];
  /** From 1. */
  readonly step: number;
}

/** One mini-batch at the moment of an update: the rows it holds, with the current policy's scores beside the old ones. */
export interface UpdateBatch extends RolloutBatch {
  /** `[N]`: the current policy's. */
  readonly logProb: Numbers;
  /** `[N]`: the behaviour policy's, which the importance ratio divides by. */
  readonly oldLogProb: Numbers;
  /** `[N]`. */
  readonly advantage: Numbers;
  /** `[N]`: current entropy, in nats (need `entropy`). */
  readonly entropy?: Numbers;
  /** `[N·vocabSize]`: current raw logits (need `logits`). */
  readonly logits?: Numbers;
  /** `[N·vocabSize]`: the reference's raw logits (need `refLogits`). */
  readonly refLogits?: Numbers;
  /** `[rows]`: the current policy's log-prob of the reserved token after each row's end (need `verdictToken`); NaN where a row was cut off. */
  readonly verdictLogProb?: Numbers;
  /** Logits are divided by this in `logProb` and `entropy`. */
  readonly temperature: number;
  /**
   * `[N]`: what each token's loss is multiplied with, constant in the gradient: aggregation, times token weights for the policy's loss.
   * 0 masks the token.
   */
  readonly weight: Numbers;
  /**
   * `[N]`: 1 for tokens that count in sequence ratios, statistics and metrics, 0 for those of masked answers. Absent: tokens whose weight
   * is not 0. Token weights may drop tokens that still count here.
   */
  readonly mask?: Numbers;
}

/** Completion tokens of each row. */
export const lengthsOf = ({ rows, offsets }: Pick<RolloutBatch, "rows" | "offsets">): number[] =>
  Array.from({ length: rows }, (_, r) => offsets[r + 1] - offsets[r]);

/** One value per row, repeated for each of its tokens: `[rows]` → `[N]`. */
export function spreadRows(values: Numbers, { rows, offsets }: Pick<RolloutBatch, "rows" | "offsets">): Float64Array {
  const packed = new Float64Array(offsets[rows]);
  for (let r = 0; r < rows; r++) packed.fill(values[r], offsets[r], offsets[r + 1]);
  return packed;
}

/** `[N]`: the reward token by token; a scalar reward sits on its row's last token. Unscorable rows have 0. */
export function tokenRewards(batch: RolloutBatch): Float64Array {
  if (batch.tokenReward) return Float64Array.from(batch.tokenReward);
  const { rows, offsets, reward } = batch;
  const packed = new Float64Array(offsets[rows]);
  for (let r = 0; r < rows; r++) if (offsets[r + 1] > offsets[r] && !Number.isNaN(reward[r])) packed[offsets[r + 1] - 1] = reward[r];
  return packed;
}
