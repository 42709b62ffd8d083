import type { PolicyConfig } from "../policy/config.ts";
import { type TokenBatch, tokenBatch } from "../policy/engine.ts";
import { initialWeights } from "../policy/initialise.ts";
import { rowKeys, STREAM, uniform } from "../policy/random.ts";
import { encodePrompt } from "../policy/tokenizer.ts";

/** A batch of rollouts: so many prompts, each answered so many times. */
export interface BatchShape {
  readonly prompts: number;
  readonly group: number;
}

/** Longest rollout. */
export const NEW_TOKENS = 32;

/** Adam as every contender can do it: no decay of the weights (decoupled decay is not in every library), no clipping. */
export const ADAM = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8 } as const;

/**
 * What all contenders do with the same numbers. Rows are equally long, so that nobody pays for padding:
 *   training: one step of Adam on L = −Σ_{r,t} weight[r,t]·log π(token[r,t]) over the completions;
 *   sampling: `NEW_TOKENS` tokens a row at temperature 1 with the policy's log-prob of each, by inverse cumulative probability from
 *   uniforms that are the same for everybody, so that the tokens must be the same.
 */
export interface Workload {
  readonly config: PolicyConfig;
  readonly theta: Float32Array;
  readonly rows: number;
  readonly promptLength: number;
  /** `[rows, promptLength + NEW_TOKENS]`. */
  readonly tokens: Int32Array;
  /** The same rows for our engines. */
  readonly batch: TokenBatch;
  /** `[rows, NEW_TOKENS]`: a rollout's advantage divided by the number of completion tokens. */
  readonly weights: Float32Array;
  /** The keys of the rows' uniforms in draw number `step`. */
  keys(step: number): Uint32Array;
  /** The uniforms of draw number `step`, `[NEW_TOKENS, rows]`. */
  uniforms(step: number): Float32Array;
}

export function workload(config: PolicyConfig, { prompts, group }: BatchShape): Workload {
  const rows = prompts * group;
  const length = encodePrompt("1 2 3 10=").length;
  // Different problems, equally long.
  const given = Array.from({ length: rows }, (_, r) => {
    const p = Math.floor(r / group);
    return encodePrompt(`${1 + (p % 9)} ${1 + (Math.floor(p / 9) % 9)} ${1 + ((p + 4) % 9)} ${10 + (p % 90)}=`);
  });
  const completions = given.map((_, r) => Int32Array.from({ length: NEW_TOKENS }, (_, t) => 4 + ((31 * r + 7 * t + r * t) % 100)));
  const weights = new Float32Array(rows * NEW_TOKENS);
  for (let r = 0; r < rows; r++) weights.fill((((5 * r) % 7) - 3) / (2 * rows * NEW_TOKENS), r * NEW_TOKENS, (r + 1) * NEW_TOKENS);
  const batch = tokenBatch(given, completions);
  const keys = (step: number) => rowKeys({ seed: 1, stream: STREAM.rollouts, step }, [...given.keys()]);
  return {
    config,
    theta: initialWeights(config, 1),
    rows,
    promptLength: length,
    tokens: batch.tokens,
    batch,
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
