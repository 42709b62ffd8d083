import { BANNED_TOKENS } from "../loop/evaluate.ts";
import type { PolicyConfig } from "../policy/config.ts";
import { type TokenBatch, tokenBatch } from "../policy/engine.ts";
import { initialWeights } from "../policy/initialise.ts";
import { packedShapes } from "../policy/portable/network.ts";
import { randomSequence, rowKeys, STREAM, uniform } from "../policy/random.ts";
import { encodePrompt } from "../policy/tokenizer.ts";
import { taskById } from "../tasks/index.ts";
import { sampleProblem } from "../tasks/task.ts";

/** A batch of rollouts: so many prompts, each answered so many times. */
export interface BatchShape {
  readonly prompts: number;
  readonly group: number;
}

/** Longest rollout. */
export const NEW_TOKENS = 32;

/** A task whose prompts are all equally long. */
export const TASK = { id: "sort", level: "4" } as const;

/** The seed of everything that is drawn. */
export const SEED = 1;

/** Adam as every contender can do it: no decay of the weights (decoupled decay is not in every library), no clipping. */
export const ADAM = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, maxGradNorm: 0 } as const;

/**
 * What all contenders do with the same numbers. Rows are equally long, so that nobody pays for padding:
 *   training: one step of Adam on L = −Σ_{r,t} weight[r,t]·log π(token[r,t]) over the completions;
 *   sampling: `NEW_TOKENS` tokens a row at temperature 1 with the policy's log-prob of each, by inverse cumulative probability from
 *   uniforms that are the same for everybody, so that the tokens must be the same. `banned` tokens are left out of the draw.
 */
export interface Workload {
  readonly config: PolicyConfig;
  readonly theta: Float32Array;
  readonly shape: BatchShape;
  readonly rows: number;
  readonly promptLength: number;
  /** `[rows, promptLength]`. */
  readonly prompts: Int32Array;
  /** `[rows, promptLength + NEW_TOKENS]`. */
  readonly tokens: Int32Array;
  /** The same rows for our engines. */
  readonly batch: TokenBatch;
  readonly banned: readonly number[];
  /** `[rows, NEW_TOKENS]`: a rollout's advantage divided by the number of completion tokens. */
  readonly weights: Float32Array;
  /** The keys of the rows' uniforms in draw number `step`. */
  keys(step: number): Uint32Array;
  /** The uniforms of draw number `step`, `[NEW_TOKENS, rows]`. */
  uniforms(step: number): Float32Array;
}

export function workload(config: PolicyConfig, shape: BatchShape): Workload {
  const { prompts, group } = shape;
  const rows = prompts * group;
  const problems = Array.from({ length: prompts }, (_, p) =>
    sampleProblem(taskById(TASK.id), TASK.level, "train", randomSequence({ seed: SEED, stream: STREAM.prompts, step: 0 }, p)),
  );
  const given = Array.from({ length: rows }, (_, r) => encodePrompt(problems[Math.floor(r / group)].prompt));
  const { length } = given[0];
  const completions = given.map((_, r) => Int32Array.from({ length: NEW_TOKENS }, (_, t) => 4 + ((31 * r + 7 * t + r * t) % 100)));
  const weights = new Float32Array(rows * NEW_TOKENS);
  for (let r = 0; r < rows; r++) weights.fill((((5 * r) % 7) - 3) / (2 * rows * NEW_TOKENS), r * NEW_TOKENS, (r + 1) * NEW_TOKENS);
  const batch = tokenBatch(given, completions);
  const keys = (step: number) => rowKeys({ seed: SEED, stream: STREAM.rollouts, step }, [...given.keys()]);
  return {
    config,
    theta: initialWeights(config, 1),
    shape,
    rows,
    promptLength: length,
    prompts: Int32Array.from(given.flatMap((row) => [...row])),
    tokens: batch.tokens,
    batch,
    banned: BANNED_TOKENS,
    weights,
    keys,
    uniforms(step) {
      const k = keys(step);
      const values = new Float32Array(NEW_TOKENS * rows);
      for (let t = 0; t < NEW_TOKENS; t++)
        for (let r = 0; r < rows; r++) values[t * rows + r] = uniform(k[2 * r], k[2 * r + 1], length + t);
      return values;
    },
  };
}

/** What a network reads, `[rows, length − 1]`, and what it should say at the completions, `[rows, NEW_TOKENS]`, of whole rows `[rows, length]`. */
export function inputsAndTargets(tokens: Int32Array, promptLength: number): { readonly inputs: Int32Array; readonly targets: Int32Array } {
  const length = promptLength + NEW_TOKENS;
  const rows = tokens.length / length;
  const inputs = new Int32Array(rows * (length - 1));
  const targets = new Int32Array(rows * NEW_TOKENS);
  for (let r = 0; r < rows; r++) {
    inputs.set(tokens.subarray(r * length, (r + 1) * length - 1), r * (length - 1));
    targets.set(tokens.subarray(r * length + promptLength, (r + 1) * length), r * NEW_TOKENS);
  }
  return { inputs, targets };
}

/** Cosines and sines of the rotary angles at positions from, from + 1, …: `[count, headDim/2]`. */
export function rotaryAngles({ headDim, ropeTheta }: PolicyConfig, from: number, count: number) {
  const half = headDim / 2;
  const of = (f: (x: number) => number) =>
    Float32Array.from({ length: count * half }, (_, i) => f((from + Math.floor(i / half)) * ropeTheta ** ((-2 * (i % half)) / headDim)));
  return { cos: of(Math.cos), sin: of(Math.sin) };
}

/** A flat θ (or moments) cut into its packed tensors, in order. */
export function cutFlat(config: PolicyConfig, flat: Float32Array): { readonly values: Float32Array; readonly shape: readonly number[] }[] {
  let at = 0;
  return packedShapes(config).map((shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    at += size;
    return { values: flat.slice(at - size, at), shape };
  });
}
