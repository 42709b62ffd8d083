import type { GrpoStep, Outcome } from "./grpo.ts";
import type { Workload } from "./workload.ts";

/** Something that trains the workload's policy. */
export interface Trainer {
  /** One step of Adam from the rows to the new weights. Resolves with the loss, when the device has finished. */
  step(): Promise<number>;
  /** Weights and Adam's first moments, flat in θ's order. */
  state(): Promise<{ readonly theta: Float32Array; readonly m: Float32Array }>;
  dispose(): void;
}

/** Tokens drawn and the policy's log-prob of each, `[rows, NEW_TOKENS]`. */
export interface Draw {
  readonly tokens: Int32Array;
  readonly logProbs: Float32Array;
}

/** Something that draws rollouts from the workload's policy. */
export interface Sampler {
  /** Draw number `step`: the same `step` draws the same tokens. Resolves when tokens and log-probs are on the host. */
  draw(step: number): Promise<Draw>;
  dispose(): void;
}

/** Something that makes whole iterations, always the same one. */
export interface Iterator {
  /** Goes back to where the iteration starts. */
  prepare(): Promise<void>;
  /** From the prompts to the last update. Resolves when the device has finished and the losses are on the host. */
  once(): Promise<Outcome>;
  /** The weights after it. */
  theta(): Promise<Float32Array>;
  dispose(): void;
}

/** One of our engines, or another library doing the same. */
export interface Contender {
  readonly name: string;
  /** How it does it, in a few words. */
  readonly how: string;
  train?(work: Workload): Promise<Trainer>;
  sample?(work: Workload): Promise<Sampler>;
  iterate?(work: Workload, step: GrpoStep): Promise<Iterator>;
}
