import type { Policy } from "../policy/engine.ts";
import { randomSequence, rowKeys, STREAM } from "../policy/random.ts";
import { decode, EOS, encodePrompt, SPECIAL_TOKENS } from "../policy/tokenizer.ts";
import { type Problem, sampleProblem, type Task } from "../tasks/task.ts";
import type { EvaluationRecord } from "./record.ts";

/** Specials that a rollout never contains: all but end-of-text. */
export const BANNED_TOKENS: readonly number[] = SPECIAL_TOKENS.map((_, id) => id).filter((id) => id !== EOS);

/** Rows generated at a time. */
const ROWS = 256;

export interface EvaluationRequest {
  /** Held-out problems. */
  readonly problems: number;
  /** Completions a problem. */
  readonly samples: number;
  /** Default 1. */
  readonly temperature?: number;
  /** Decides problems and draws. Default 0. */
  readonly seed?: number;
  /** For which k to estimate pass@k; each at most `samples`. Default [1]. */
  readonly ks?: readonly number[];
  /** Default: the task's. */
  readonly maxNewTokens?: number;
  /** Called with the share done, in [0, 1]. */
  readonly onProgress?: (share: number) => void;
  /** Aborting rejects with the signal's reason at the next chunk. */
  readonly signal?: AbortSignal;
}

/**
 * Unbiased estimate of pass@k from n samples of which c are right: 1 − C(n−c, k)/C(n, k), as a product
 * (Chen et al., "Evaluating Large Language Models Trained on Code", 2021, https://arxiv.org/abs/2107.03374).
 * @throws RangeError unless 1 ≤ k ≤ n and 0 ≤ c ≤ n.
 */
export function passAtK(n: number, c: number, k: number): number {
  if (!(k >= 1 && k <= n && c >= 0 && c <= n)) throw new RangeError(`pass@${k} cannot be estimated from ${n} samples with ${c} right`);
  if (n - c < k) return 1;
  let allWrong = 1;
  for (let i = n - c + 1; i <= n; i++) allWrong *= 1 - k / i;
  return 1 - allWrong;
}

/** The first `count` held-out problems of a level under a seed; a longer list begins with the shorter one. A small level repeats problems. */
export function heldOutProblems(task: Task, level: string, count: number, seed: number): Problem[] {
  return Array.from({ length: count }, (_, row) =>
    sampleProblem(task, level, "heldout", randomSequence({ seed, stream: STREAM.evaluation, step: 0 }, row)),
  );
}

/**
 * Samples completions to held-out problems and judges them.
 * @throws RangeError if a count or k is out of range, or the level is unknown.
 */
export async function evaluatePolicy(policy: Policy, task: Task, level: string, request: EvaluationRequest): Promise<EvaluationRecord> {
  const { problems: count, samples, temperature = 1, seed = 0, ks = [1], maxNewTokens = task.maxNewTokens } = request;
  for (const [name, value] of Object.entries({ problems: count, samples })) {
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a positive integer, got ${value}`);
  }
  for (const k of ks) {
    if (!Number.isInteger(k) || k < 1 || k > samples)
      throw new RangeError(`k must be an integer from 1 to ${samples} (the samples), got ${k}`);
  }
  const problems = heldOutProblems(task, level, count, seed);
  const prompts = problems.map(({ prompt }) => encodePrompt(prompt));
  const right = new Array<number>(count).fill(0);
  let wellFormed = 0;
  let tokens = 0;
  let entropy = 0;
  const rows = count * samples;
  for (let start = 0; start < rows; start += ROWS) {
    request.signal?.throwIfAborted();
    const chunk = Array.from({ length: Math.min(ROWS, rows - start) }, (_, i) => start + i);
    const generation = await policy.generate({
      prompts: chunk.map((row) => prompts[Math.floor(row / samples)]),
      maxNewTokens,
      temperature,
      stopTokens: [EOS],
      banned: BANNED_TOKENS,
      keys: rowKeys({ seed, stream: STREAM.evaluation, step: 1 }, chunk),
    });
    chunk.forEach((row, i) => {
      const problem = Math.floor(row / samples);
      const verdict = task.verify(problems[problem], decode(generation.tokens.subarray(generation.offsets[i], generation.offsets[i + 1])));
      if (verdict.score === 1) right[problem]++;
      wellFormed += verdict.parts.wellFormed;
    });
    tokens += generation.tokens.length;
    entropy += generation.entropy.reduce((sum, x) => sum + x, 0);
    request.onProgress?.(Math.min(1, (start + ROWS) / rows));
  }
  const mean = (k: number) => right.reduce((sum, c) => sum + passAtK(samples, c, k), 0) / count;
  const correct = right.reduce((sum, c) => sum + c, 0);
  return {
    problems: count,
    samples,
    passAtK: Object.fromEntries(ks.map((k) => [k, mean(k)])),
    wellFormed: wellFormed / rows,
    accuracyWhenWellFormed: wellFormed > 0 ? correct / wellFormed : 0,
    meanLength: tokens / rows,
    entropy: tokens > 0 ? entropy / tokens : 0,
  };
}
