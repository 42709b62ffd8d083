import type { Data, Kernel } from "../policy/engine.ts";
import type { Random } from "../policy/random.ts";
import type { Numbers, PluginState, RolloutBatch, UpdateBatch } from "./batch.ts";
import type { Parameters, PluginDeclaration } from "./plugin.ts";
import type { Tree } from "./tree.ts";

/**
 * What the plug-ins of each slot compute. All are pure functions of their arguments: what must last from step to step goes in and out
 * as `state` (undefined at a run's first step), and chance comes in as `random`.
 */

/** How one segment of rollouts is drawn. */
export interface Drawing {
  /** One value, or one per new token (`[maxNewTokens]`); > 0. */
  readonly temperature: number | Float32Array;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
}

/** How rollouts are drawn: data that the loop reads. */
export interface SamplerPlugin extends PluginDeclaration {
  drawing(params: Parameters, step: number, maxNewTokens: number): Drawing;
  /** Rollouts that share beginnings, segment by segment; absent: each rollout is drawn on its own. */
  readonly tree?: {
    /** Longest segment, in tokens. */
    segmentLength(params: Parameters): number;
    /**
     * Which nodes go on for one more segment: indices of `tree.nodes` (−1 is the prompt), one entry for each continuation. Only open nodes
     * and the prompt may be named. Empty: the tree is done, and its paths to nodes that nothing continues are the rollouts.
     */
    grow(tree: Tree, params: Parameters, random: Random): readonly number[];
  };
}

/** Decides which groups a step trains on. */
export interface GroupFilterPlugin extends PluginDeclaration {
  /** Rounds of sampling before the step goes on with what it has; 1 means that nothing is replaced. */
  rounds(params: Parameters): number;
  /** Why a group with these verdict scores is rejected, or null to keep it. */
  reject(scores: readonly number[], params: Parameters): string | null;
}

/** Named numbers that a plug-in made its output from, `[rows]` or `[N]`, under the names of its declared `terms`. */
export type Terms = Readonly<Record<string, Numbers>>;

/** From the verdicts (the truth) to what is trained on. The slot `reward` has one, the slot `rewards` adds more. */
export interface RewardPlugin extends PluginDeclaration {
  /** Named parts, `[rows]` each; the reward is the sum of all parts of all reward plug-ins. `batch.reward` holds verdict scores here. */
  parts(
    batch: RolloutBatch,
    params: Parameters,
    state: PluginState | undefined,
    random: Random,
  ): { readonly parts: Readonly<Record<string, Numbers>>; readonly state?: PluginState };
}

/** Between the verifier and the reward: noise. */
export interface RewardChannelPlugin extends PluginDeclaration {
  /** Verdict scores `[rows]` → scores as the reward sees them. */
  transmit(scores: Numbers, params: Parameters, random: Random): Numbers;
}

export interface AdvantageResult {
  /** Whether `advantage` has one number per rollout (`[rows]`) or per token (`[N]`). */
  readonly level: "rollout" | "token";
  readonly advantage: Float64Array;
  readonly terms: Terms;
  readonly state?: PluginState;
}

/** From the rewards of all rollouts to advantages. Unscorable rows (NaN rewards) get 0 and count nowhere. */
export interface AdvantagePlugin extends PluginDeclaration {
  estimate(batch: RolloutBatch, params: Parameters, state: PluginState | undefined, random: Random): AdvantageResult;
  /** The same on the GPU, for the parameters that the kernel knows (null for others): from `rewards`, `groups` and `offsets` to `advantages`, `[tokens]`. */
  readonly device?: { readonly kernel: Kernel; uniforms(params: Parameters, rows: number): Record<string, number> | null };
}

/** Changes advantages, in the recipe's order. */
export interface ShaperPlugin extends PluginDeclaration {
  /** @param advantage `[N]`, per token. */
  shape(
    batch: RolloutBatch,
    advantage: Float64Array,
    params: Parameters,
    state: PluginState | undefined,
    random: Random,
  ): { readonly advantage: Float64Array; readonly terms: Terms; readonly state?: PluginState };
}

/** Multiplies the policy's token losses (not the KL penalty's). */
export interface TokenWeightPlugin extends PluginDeclaration {
  /** `batch.weight` holds 1 for tokens that count here. */
  weigh(
    batch: UpdateBatch,
    params: Parameters,
    state: PluginState | undefined,
    random: Random,
  ): {
    readonly weight: Float64Array;
    /** Whether tokens of weight 0 still count in the aggregation's denominator. */
    readonly keepDenominator: boolean;
    readonly terms: Terms;
    readonly metrics?: Readonly<Record<string, number>>;
    readonly state?: PluginState;
  };
}

export interface AggregationInputs {
  /** Completion tokens that count, of each rollout in the mini-batch. */
  readonly lengths: readonly number[];
  /** False for rollouts that are masked out. */
  readonly kept: readonly boolean[];
  readonly maxLength: number;
  /** What answers are padded to. Absent: the longest of `lengths`. */
  readonly width?: number;
  /** Tokens that count in the whole batch, all mini-batches together, and how many mini-batches share them. Absent: this is the whole batch. */
  readonly batchTokens?: number;
  readonly miniBatches?: number;
}

/** How token losses become one number: a weight for each rollout's tokens. */
export interface AggregationPlugin extends PluginDeclaration {
  /** `[rollouts]`: the weight of each of that rollout's tokens. Masked rollouts get 0. */
  weights(inputs: AggregationInputs, params: Parameters): number[];
}

/** The value of a loss and where it enters the network (`Coefficients` of the engine contract). */
export interface LossResult {
  /** Σ weight·loss, or what the objective averages in its own way. */
  readonly value: number;
  /** `[N]`: each token's loss before its weight. */
  readonly loss: Float64Array;
  /** `[N]`: ∂value/∂ log π(a_t), weights included. */
  readonly coefficient: Float64Array;
  /** `[N]`: ∂value/∂H_t. */
  readonly entropyCoefficient?: Float64Array;
  /** `[N·vocabSize]`: ∂value/∂z beyond the above. */
  readonly logitCoefficient?: Float64Array;
  /** `[rows]`: ∂value/∂ log π of the reserved token after each row's end (need `verdictToken`). */
  readonly verdictCoefficient?: Float64Array;
  /** `[N]`: −1 held below, +1 held above, −2 held by the dual clip, 0 free. */
  readonly clipped?: Int8Array;
  readonly terms: Terms;
  /** By the frameworks' names; docs/metrics.md. */
  readonly metrics?: Readonly<Record<string, number>>;
  readonly state?: PluginState;
}

/** A loss over a mini-batch: the policy's in the slot `objective`, further ones (entropy, demonstrations) in `losses`. */
export interface ObjectivePlugin extends PluginDeclaration {
  lossAndCoefficients(batch: UpdateBatch, params: Parameters, state: PluginState | undefined, random: Random): LossResult;
  /** Id of the aggregation that it is defined with; any other is allowed. */
  readonly aggregation?: string;
  /** Rows that it is about; default "policy". */
  readonly rowsOf?: "policy" | "expert" | "all";
  /** A further loss may take its share out of the policy's: what the policy's loss is multiplied with beside it. Default 1. */
  policyShare?(params: Parameters, step: number): number;
  /** The same on the GPU, with the k3 penalty in it, for the parameters that the kernel knows (null for others). */
  readonly device?: {
    readonly kernel: Kernel;
    uniforms(params: Parameters, beta: number, count: number): Record<string, number> | null;
    /** The kernel's inputs, by name, from what the loop has. */
    inputs(tokens: ObjectiveTokens): Record<string, Data>;
  };
}

export interface ObjectiveTokens {
  readonly logProb: Data;
  readonly oldLogProb: Data;
  readonly advantage: Data;
  readonly weight: Data;
  readonly reference: Data;
}

/** A divergence from the reference, as a loss or in the reward (parameter `place`). */
export interface KlPlugin extends PluginDeclaration {
  /** The divergence estimated token by token, `[N]` (before β), as it enters a reward or a chart. */
  estimate(
    batch: Pick<UpdateBatch, "logProb" | "rows" | "offsets" | "logits" | "refLogits" | "vocabSize" | "temperature">,
    refLogProb: Numbers,
    params: Parameters,
  ): Float64Array;
  /** β in force, from the parameters and the controller's state. */
  coefficient(params: Parameters, state: PluginState | undefined): number;
  /** β·KL as a loss; `batch.scores.refLogProb` is there. */
  lossAndCoefficients(batch: UpdateBatch, params: Parameters, state: PluginState | undefined): LossResult;
  /** After a step: the controller's next state, from the mean KL measured over the batch's tokens and its number of rollouts. */
  control(
    measured: { readonly kl: number; readonly rollouts: number },
    params: Parameters,
    state: PluginState | undefined,
  ): PluginState | undefined;
}

/** How the reference policy follows the trained one. */
export interface ReferencePlugin extends PluginDeclaration {
  /** After step `step` (from 1): θ_ref ← mix·θ + (1 − mix)·θ_ref; 0 leaves it alone, 1 replaces it. */
  mix(step: number, params: Parameters): number;
}

/** Demonstrations and hints: rows beside the policy's own. */
export interface GuidancePlugin extends PluginDeclaration {
  /** Expert completions (text) for each problem of the step; empty for none. They are rows of source "expert". */
  demonstrations(
    problems: RolloutBatch["problems"] & object,
    params: Parameters,
    step: number,
    random: Random,
  ): readonly (readonly string[])[];
}
