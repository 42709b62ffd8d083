import type { PathStep } from "../algorithm/batch.ts";
import type { Problem, Verdict } from "../tasks/task.ts";

/**
 * The step record: what a person could ask about one iteration. Phases add to it in order; views only read it.
 * Rows are rollouts; per-token arrays are packed by `tokens.offsets`, completion tokens only.
 */

/** The phases of one step, in the order in which they run. `update` is visited once for each optimizer step. */
export const PHASES = ["prompts", "rollouts", "verdicts", "rewards", "advantages", "update", "evaluation"] as const;
export type Phase = (typeof PHASES)[number];

/** One rollout. */
export interface Rollout {
  /** Index into `groups`. */
  readonly group: number;
  /** Dynamic sampling: the round in which it was drawn, from 0. */
  readonly round: number;
  /** The completion's text, specials removed. */
  readonly text: string;
  /** True if it ended with end-of-text, false if it was cut off. */
  readonly finished: boolean;
  /** Set by `verdicts`. */
  verdict?: Verdict;
  /** Set by `rewards`: the score as the reward saw it, where noise stood between. */
  seenScore?: number;
  /** Set by `rewards`: weighted parts and their sum; a NaN reward is unscorable. */
  rewardParts?: Readonly<Record<string, number>>;
  reward?: number;
  /** Set by `advantages`: the advantage (where tokens have their own, their mean), and the baseline and scale that it was made from, if any. */
  advantage?: number;
  baseline?: number;
  scale?: number;
}

/** A prompt and its rollouts. */
export interface Group {
  readonly problem: Problem;
  /** `<bos>` and the prompt's characters. */
  readonly promptTokens: Int32Array;
  /** Rows in `rollouts`. */
  readonly members: readonly number[];
  /** Set by `rewards`: mean and sample standard deviation of the group's rewards, and whether they differ at all. */
  statistics?: { readonly mean: number; readonly std: number; readonly signal: boolean };
}

/** A solution that was shown to the policy: a row of its own in the updates, in no group's statistics. */
export interface Demonstration {
  /** Index into `groups`: the problem that it solves. */
  readonly group: number;
  readonly text: string;
  readonly tokens: Int32Array;
}

/** A group that the filter rejected; its cost still counts. */
export interface DiscardedGroup {
  readonly round: number;
  readonly problem: Problem;
  readonly texts: readonly string[];
  readonly scores: readonly number[];
  readonly reason: string;
}

/** Per-token facts of the whole batch; N = offsets[rows]. */
export interface TokenRecord {
  readonly offsets: Int32Array;
  readonly tokens: Int32Array;
  /** What each token was drawn with (temperature, truncation). */
  readonly samplerLogProb: Float32Array;
  /** The policy's own log-prob before the update, at the temperature of the objective. */
  readonly oldLogProb: Float32Array;
  /** At temperature 1, before the update, in nats. */
  readonly entropy: Float32Array;
  /** `[N·alternatives]`: most probable tokens at temperature 1 before the update. */
  readonly alternatives: number;
  readonly alternativeTokens: Int32Array;
  readonly alternativeLogProbs: Float32Array;
  /** `[N]`, set by `advantages`: what each token was trained with, after all shapers. */
  advantage?: Float32Array;
  /**
   * Named numbers behind the advantages, `[rows]` or `[N]`, under `slot.plugin.term`. Where there are shapers, the term `advantage` is what
   * the estimator, and each shaper after it, gave the tokens.
   */
  advantageTerms?: Readonly<Record<string, Float32Array>>;
  /** The base policy's log-prob: present when the recipe has a KL term or on steps that measure KL. */
  refLogProb?: Float32Array;
  /** After the last update, when the run keeps it (`inspect`): the same quantities under the new policy. */
  after?: {
    readonly logProb: Float32Array;
    readonly entropy: Float32Array;
    readonly alternativeTokens: Int32Array;
    readonly alternativeLogProbs: Float32Array;
  };
}

/** One optimizer step: a mini-batch in an epoch. */
export interface UpdateRecord {
  readonly epoch: number;
  readonly miniBatch: number;
  /** Rollouts used; the arrays below are packed over them, in this order. */
  readonly rows: Int32Array;
  /** Demonstrations used, as indices into `demonstrations`; the arrays go on with their tokens. */
  readonly demonstrations: Int32Array;
  readonly offsets: Int32Array;
  readonly logProb: Float32Array;
  readonly ratio: Float32Array;
  /** −1 clipped below, +1 clipped above, −2 held by the dual clip, 0 not clipped. */
  readonly clipped: Float32Array;
  /** What each token's policy loss was multiplied with in this mini-batch: aggregation times token weights. */
  readonly weight: Float32Array;
  /** ∂L/∂ log π of each token: what enters the backward pass. */
  readonly coefficient: Float32Array;
  /** Each token's share of the policy's loss and the KL penalty. */
  readonly tokenLoss: Float32Array;
  readonly loss: number;
  /** The loss by its parts: `policy`, `kl`, and further losses by their plug-in's id. */
  readonly lossParts: Readonly<Record<string, number>>;
  /** Named numbers behind it, `[N]` or `[rows]`, under `slot.plugin.term`. */
  readonly terms: Readonly<Record<string, Float32Array>>;
  /** What the plug-ins measured, by the frameworks' names. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  readonly gradNorm: number;
  /** In the order of `parameterLayout`. */
  readonly tensorGradNorms: Float32Array;
  /** False if a coefficient or the gradient was not finite and the step was skipped. */
  readonly applied: boolean;
}

/** Answers of about the same probability: how probable they were, and how often right. */
export interface CalibrationBin {
  readonly count: number;
  /** Their mean probability. */
  readonly probability: number;
  /** The share of them that was right. */
  readonly right: number;
}

export interface EvaluationRecord {
  readonly problems: number;
  readonly samples: number;
  /** k → unbiased pass@k on held-out problems. */
  readonly passAtK: Readonly<Record<string, number>>;
  /** `[problems]`: how many of a problem's samples were right. Absent in records of older programs. */
  readonly right?: readonly number[];
  /** Answers by the probability of the whole answer at temperature 1, from the least probable; tenths that hold any. Absent likewise. */
  readonly calibration?: readonly CalibrationBin[];
  readonly wellFormed: number;
  /** pass@1 among well-formed answers. */
  readonly accuracyWhenWellFormed: number;
  readonly meanLength: number;
  readonly entropy: number;
}

/** Scalars of one step, by the frameworks' names (docs/metrics.md maps them to TRL's and verl's). NaN is never stored: a metric that was not measured is absent. */
export type Metrics = Readonly<Record<string, number>>;

export interface StepRecord {
  /** From 1: the step's metrics are those after this many steps. */
  readonly step: number;
  /** The last phase that has run. */
  phase: Phase;
  /** The resolved recipe's parameters in force, `slot.param` → value. */
  readonly settings: Readonly<Record<string, number | boolean | string>>;
  readonly groups: Group[];
  readonly rollouts: Rollout[];
  readonly discarded: DiscardedGroup[];
  readonly demonstrations: Demonstration[];
  /** For each group the one that asks the same in other words, where the recipe asks twice; −1 for none. */
  twins?: number[];
  /** The segments of each rollout, where they grew in trees. */
  paths?: (readonly PathStep[])[];
  /** For each group the greedy rollout's text and score, where the recipe compares with it. */
  greedy?: { readonly text: string; readonly score: number; readonly reward: number }[];
  tokens?: TokenRecord;
  readonly updates: UpdateRecord[];
  evaluation?: EvaluationRecord;
  metrics?: Metrics;
}
