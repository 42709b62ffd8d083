import type { Generation, Policy } from "../policy/engine.ts";
import { randomSequence, rowKeys, STREAM } from "../policy/random.ts";
import { decode, EOS, encodePrompt, SPECIAL_TOKENS } from "../policy/tokenizer.ts";
import { type Problem, sampleProblem, type Task } from "../tasks/task.ts";
import type { CalibrationBin, EvaluationRecord } from "./record.ts";

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
  const answers: { probability: number; right: boolean }[] = [];
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
      answers.push({ probability: probabilityOf(generation, i), right: verdict.score === 1 });
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
    right,
    calibration: calibration(answers),
    wellFormed: wellFormed / rows,
    accuracyWhenWellFormed: wellFormed > 0 ? correct / wellFormed : 0,
    meanLength: tokens / rows,
    entropy: tokens > 0 ? entropy / tokens : 0,
  };
}

/** The probability of a row's whole completion at temperature 1. */
const probabilityOf = ({ logProb, offsets }: Generation, row: number): number =>
  Math.exp(logProb.subarray(offsets[row], offsets[row + 1]).reduce((sum, l) => sum + l, 0));

const BINS = 10;

/** Answers in tenths of probability; tenths without answers are left out. */
export function calibration(answers: readonly { readonly probability: number; readonly right: boolean }[]): CalibrationBin[] {
  return Array.from({ length: BINS }, (_, bin) => {
    const inside = answers.filter(({ probability }) => Math.min(BINS - 1, Math.floor(probability * BINS)) === bin);
    const count = inside.length;
    return {
      count,
      probability: inside.reduce((sum, a) => sum + a.probability, 0) / count,
      right: inside.filter((a) => a.right).length / count,
    };
  }).filter(({ count }) => count > 0);
}

/** One of the answers to a problem, and how often it was given. */
export interface Answer {
  readonly text: string;
  readonly count: number;
  readonly right: boolean;
  /** The verifier's word. */
  readonly reason: string;
}

/**
 * Samples answers to one problem at temperature 1 and counts the equal ones, most frequent first.
 * @param at the problem's place among the held-out ones; with `seed` it decides the draws.
 */
export async function sampleAnswers(
  policy: Policy,
  task: Task,
  problem: Problem,
  {
    samples,
    seed,
    at,
    maxNewTokens,
  }: { readonly samples: number; readonly seed: number; readonly at: number; readonly maxNewTokens: number },
): Promise<Answer[]> {
  const prompt = encodePrompt(problem.prompt);
  const generation = await policy.generate({
    prompts: new Array<Int32Array>(samples).fill(prompt),
    maxNewTokens,
    temperature: 1,
    stopTokens: [EOS],
    banned: BANNED_TOKENS,
    keys: rowKeys(
      { seed, stream: STREAM.evaluation, step: 2 },
      Array.from({ length: samples }, (_, i) => at * samples + i),
    ),
  });
  const counts = new Map<string, number>();
  for (let row = 0; row < samples; row++) {
    const text = decode(generation.tokens.subarray(generation.offsets[row], generation.offsets[row + 1]));
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts]
    .map(([text, count]) => {
      const { score, reason } = task.verify(problem, text);
      return { text, count, right: score === 1, reason };
    })
    .sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1));
}
