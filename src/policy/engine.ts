import type { PolicyConfig } from "./config.ts";

/**
 * The engine contract. An engine runs policies; it knows nothing of reinforcement learning. Whatever the algorithm, its
 * gradient enters a network through the logits, as the coefficients of `backward`.
 *
 * Two engines implement it and check one another: `portable/` (ONNX Runtime) and `webgpu/` (the kernels in `shaders/`).
 */
export interface Engine {
  readonly kind: "portable" | "webgpu";
  /** What a person reads in the page's header: the GPU's name, or "portable" with its threads. */
  readonly label: string;
  /** The engine's plan (kernel variants, precision, threads): recorded with a run and reused on resume. */
  readonly plan: Readonly<Record<string, string | number | boolean>>;
  /**
   * A policy with weights θ (flat, in the order of `parameterLayout`) and fresh optimizer state.
   * @throws RangeError if θ has the wrong length, EngineError if the device has too little memory.
   */
  load(config: PolicyConfig, theta: Float32Array): Promise<Policy>;
  /** Runs one of the algorithm's own kernels (or its TypeScript twin, on the portable engine). */
  runKernel(kernel: Kernel, buffers: Record<string, Data>, params: Record<string, number>): Promise<Record<string, EngineBuffer>>;
  /**
   * Starts the work that was asked for so far, for a caller with other things to do before reading its results. Without it, an engine may wait
   * until something is read, so that one message carries the work of many calls.
   */
  start(): Promise<void>;
  /** Resolves once, when the device is gone (`portable`: never). Every policy of this engine is then unusable. */
  readonly lost: Promise<{ reason: string }>;
  /** Validation errors, out-of-memory errors and failed pipelines since creation. Anything but 0 is a failure. */
  errorCount(): number;
  /** Their messages, newest last. */
  errorMessages(): readonly string[];
  dispose(): void;
}

/** The device refused or failed: too little memory, a lost device, an invalid kernel. The message is one sentence for a person. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}

/** A float32 array that may still be on the device. */
export interface EngineBuffer {
  readonly length: number;
  /** Copies it to the host. On a GPU this waits for all work asked for before; results read in the same turn come together. */
  read(): Promise<Float32Array>;
  /** Gives its memory back, unread. */
  release(): void;
}

/** Stretches of a result, one after another, wherever it lies. */
export interface Stretches {
  readonly of: EngineBuffer;
  readonly stretches: readonly { readonly from: number; readonly length: number }[];
  /** Of all of them together. */
  readonly length: number;
}

export type Data = Float32Array | Int32Array | Uint32Array | EngineBuffer | Stretches;

/** Rows of tokens, one after another: row r is `tokens[offsets[r] .. offsets[r+1])`, its first `promptLengths[r]` ≥ 1 tokens are given, the rest is completion. */
export interface TokenBatch {
  readonly tokens: Int32Array;
  /** rows + 1 entries. */
  readonly offsets: Int32Array;
  /** One per row; at least 1, at most the row's length (a row may have an empty completion). */
  readonly promptLengths: Int32Array;
}

/**
 * Per-token outputs are packed like the batch, completion tokens only: row r's completion is
 * `values[completionOffsets[r] .. completionOffsets[r+1])`. Position j there is about the token at prompt length + j,
 * computed from the tokens before it.
 */
export function completionOffsets(batch: TokenBatch): Int32Array {
  const rows = batch.promptLengths.length;
  const offsets = new Int32Array(rows + 1);
  for (let r = 0; r < rows; r++) {
    offsets[r + 1] = offsets[r] + batch.offsets[r + 1] - batch.offsets[r] - batch.promptLengths[r];
  }
  return offsets;
}

/** Joins prompts and completions into a batch. */
export function tokenBatch(prompts: readonly ArrayLike<number>[], completions: readonly ArrayLike<number>[]): TokenBatch {
  const offsets = new Int32Array(prompts.length + 1);
  prompts.forEach((prompt, r) => {
    offsets[r + 1] = offsets[r] + prompt.length + completions[r].length;
  });
  const tokens = new Int32Array(offsets[prompts.length]);
  prompts.forEach((prompt, r) => {
    tokens.set(Array.from(prompt), offsets[r]);
    tokens.set(Array.from(completions[r]), offsets[r] + prompt.length);
  });
  return { tokens, offsets, promptLengths: Int32Array.from(prompts, (p) => p.length) };
}

/** What to compute beside log-probabilities. */
export interface Needs {
  /** Logits are divided by this before the log-softmax, for log-probs and entropies alike. Default 1. */
  readonly temperature?: number;
  /** Entropy of the next-token distribution, in nats. */
  readonly entropy?: boolean;
  /** Σ_v π(v)² (the optimal token baseline needs it). */
  readonly sumSquares?: boolean;
  /** The k most probable tokens and their log-probs. */
  readonly topK?: number;
  /** All logits, `[N, vocabSize]`, before temperature. */
  readonly logits?: boolean;
  /** The final hidden state (after the last norm) that predicts the token, `[N, hiddenSize]`. */
  readonly hidden?: boolean;
}

/** N is the number of completion tokens of the batch. */
export interface ForwardHandle {
  readonly batch: TokenBatch;
  readonly needs: Needs;
  /** log π(a_t), `[N]`. */
  readonly logProb: EngineBuffer;
  /** `[N]`, if asked for; so are the rest. */
  readonly entropy?: EngineBuffer;
  readonly sumSquares?: EngineBuffer;
  /** `[N·topK]` token ids (as float32), most probable first, ties to the lower id. */
  readonly topKTokens?: EngineBuffer;
  readonly topKLogProbs?: EngineBuffer;
  readonly logits?: EngineBuffer;
  readonly hidden?: EngineBuffer;
  /** Gives the activations back. A handle is used for at most one `backward`. */
  release(): void;
}

/**
 * ∂L/∂(…) for each completion token; the loss L is minimised. What is absent is zero. With p the softmax at the handle's temperature T,
 * H its entropy: ∂L/∂z = [ logProb·(onehot(a) − p) − entropy·p·(ln p + H) ] / T + logits, and for a target distribution q with
 * coefficient w: forward direction w·(p − q)/T (gradient of w·KL(q‖p)); reverse w·p·(ln(p/q) − KL(p‖q))/T.
 */
export interface Coefficients {
  /** ∂L/∂ log π(a_t), `[N]`. */
  readonly logProb?: Float32Array | EngineBuffer;
  /** ∂L/∂H_t, `[N]`. */
  readonly entropy?: Float32Array | EngineBuffer;
  /** The general form: dense ∂L/∂z, `[N, vocabSize]`, added to the others. */
  readonly logits?: Float32Array | EngineBuffer;
}

/** One AdamW update with decoupled weight decay (matrices and embedding only) after clipping the global gradient norm. */
export interface OptimizerStep {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Gradients are scaled by min(1, maxGradNorm / (norm + 1e-6)). 0 switches clipping off. */
  readonly maxGradNorm: number;
}

export interface UpdateResult {
  /** Global L2 norm before clipping. */
  readonly gradNorm: number;
  /** L2 norm per tensor, in the order of `parameterLayout`. */
  readonly tensorGradNorms: Float32Array;
  /** False if the norm was not finite: then neither weights nor moments changed. */
  readonly applied: boolean;
}

/** An update that was asked for; on a GPU it is perhaps still to come. */
export interface UpdateReport {
  read(): Promise<UpdateResult>;
}

/** Weights and optimizer state: everything that a snapshot needs. */
export interface PolicyState {
  readonly theta: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** Updates applied so far (AdamW's bias correction counts them). */
  readonly updates: number;
}

export interface GenerateRequest {
  /** One prefix a row, `<bos>` first. Rows may share prefixes and may be of any mixture of lengths ≥ 1. */
  readonly prompts: readonly Int32Array[];
  /** A row ends at `maxNewTokens`, at the context's end, or with a stop token. */
  readonly maxNewTokens: number;
  /** One value, or one per new token; > 0. */
  readonly temperature: number | Float32Array;
  /** Take the most probable token (lowest id on a tie). */
  readonly greedy?: boolean;
  /** Keep the k most probable tokens (ties to the lower id); 0 keeps all. */
  readonly topK?: number;
  /** Then keep the smallest set whose probability reaches topP; 1 keeps all. */
  readonly topP?: number;
  /** Then keep tokens with at least minP times the largest probability; 0 keeps all. */
  readonly minP?: number;
  /** Tokens that end a row; the stop token is part of the completion. */
  readonly stopTokens: readonly number[];
  /** Tokens that are never drawn (such as `<pad>` and `<bos>`). They are removed before everything else. */
  readonly banned?: readonly number[];
  /** Two words a row, from `rowKeys`. Token at absolute position p is drawn with `uniform(k0, k1, p)`: continuing a row from a longer prefix draws the same numbers. */
  readonly keys: Uint32Array;
  /** How many alternatives to return for each token. Default 0. */
  readonly alternatives?: number;
}

/**
 * A batch of completions. Per-token arrays are packed by `offsets` (rows + 1 entries).
 * The drawn token is the smallest id v with Σ_{j≤v} p_j > u·Σp over the kept tokens.
 */
export interface Generation {
  readonly offsets: Int32Array;
  readonly tokens: Int32Array;
  /** 1 if the row ended with a stop token, 0 if it was cut off. */
  readonly finished: Uint8Array;
  /** Log-prob of the token in the distribution it was drawn from (temperature, truncation, bans). */
  readonly samplerLogProb: Float32Array;
  /** Log-prob and entropy of the policy itself: temperature 1, nothing removed. */
  readonly logProb: Float32Array;
  readonly entropy: Float32Array;
  /** `[N·alternatives]`: the policy's most probable tokens at temperature 1 and their log-probs. */
  readonly alternativeTokens: Int32Array;
  readonly alternativeLogProbs: Float32Array;
}

/** A network's weights, gradients and optimizer state on an engine. */
export interface Policy {
  readonly config: PolicyConfig;
  generate(request: GenerateRequest): Promise<Generation>;
  /** Scores a batch and keeps what `backward` needs, unless `inference` is set. */
  forward(batch: TokenBatch, needs: Needs, options?: { readonly inference?: boolean }): Promise<ForwardHandle>;
  /** Adds the batch's gradient to the accumulated one, and releases the handle. */
  backward(handle: ForwardHandle, coefficients: Coefficients): Promise<void>;
  /** The accumulated gradient, flat like θ. */
  gradients(): Promise<Float32Array>;
  /** One update with the accumulated gradient, which is then zero. Calls made after it see the new weights. */
  apply(step: OptimizerStep): Promise<UpdateReport>;
  save(): Promise<PolicyState>;
  /** Replaces weights and optimizer state, and clears gradients. */
  restore(state: PolicyState): Promise<void>;
  /** A second policy with the same weights and optimizer state. */
  clone(): Promise<Policy>;
  dispose(): void;
}

/** A small kernel of the algorithm's own: WGSL for the GPU and a TypeScript twin with the same meaning. */
export interface Kernel {
  readonly name: string;
  readonly wgsl: string;
  /**
   * Bindings in group 0, in order. Binding 0 is the uniform with `params`. `inputs` are read-only storage, `outputs` read-write storage.
   * Types name the host array that an input comes as.
   */
  readonly inputs: readonly { readonly name: string; readonly type: "f32" | "i32" | "u32" }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly length: (sizes: Record<string, number>, params: Record<string, number>) => number;
  }[];
  /** Fields of the uniform, in order, four bytes each. */
  readonly params: readonly { readonly name: string; readonly type: "f32" | "u32" }[];
  /** Workgroups to dispatch. `sizes` are the lengths of the inputs. */
  readonly workgroups: (sizes: Record<string, number>, params: Record<string, number>) => readonly [number, number, number];
  /** Computes the outputs on the host, in float64 where it matters. */
  readonly twin: (inputs: Record<string, ArrayLike<number>>, params: Record<string, number>) => Record<string, Float32Array>;
}
