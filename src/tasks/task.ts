import type { Random } from "../policy/random.ts";

/** A checkable question: what the policy is asked, and what its verifier needs to know. */
export interface Problem {
  readonly task: string;
  readonly level: string;
  /** The problem in canonical form (operands sorted where order does not matter…): equal problems have equal keys. Its hash decides the split. */
  readonly key: string;
  /** What the policy reads, without `<bos>`. Ends where the completion starts. */
  readonly prompt: string;
  /** A ground truth as a person or a log would show it (`gts` in rollout files). */
  readonly truth: string;
  /** What the verifier needs; plain data. */
  readonly data: unknown;
}

/** The verifier's judgement, before any shaping or noise. */
export interface Verdict {
  /** 1 only if right; in [0, 1]. */
  readonly score: number;
  /** Named parts in [0, 1], for reward shaping and display. Every task has `wellFormed` (the answer can be read) and `correct`. */
  readonly parts: Readonly<Record<string, number>> & { readonly wellFormed: number; readonly correct: number };
  /** One short sentence for a person: "12 ≠ 19", "7 was not given", "right". */
  readonly reason: string;
  /** The answer as it was read, if it could be. */
  readonly answer?: string;
}

export interface Level {
  readonly id: string;
  /** A few words: "3 numbers up to 10". */
  readonly label: string;
}

/** How a demonstration for pre-training is written; see `Task.demonstrate`. */
export type DemonstrationStyle = "right" | "slip";

/**
 * A task makes problems, writes prompts and judges completions. Everything is a pure function of its arguments.
 * `generate` draws from all problems of a level; `sampleProblem` below keeps to one split.
 */
export interface Task {
  readonly id: string;
  readonly name: string;
  /** One sentence for a newcomer: what is asked and how an answer is checked. */
  readonly description: string;
  /** Easiest first. */
  readonly levels: readonly Level[];
  /** The level a newcomer starts with: the shipped policies have pass@1 between 10 % and 50 % there. */
  readonly defaultLevel: string;
  /** Longest completion, end-of-text included, that a right answer needs at any level; the default `maxNewTokens`. */
  readonly maxNewTokens: number;
  generate(level: string, random: Random): Problem;
  /** `completion` is the text the policy wrote, end-of-text removed. Never throws, whatever the text. */
  verify(problem: Problem, completion: string): Verdict;
  /**
   * A completion for supervised pre-training: `right` verifies with score 1; `slip` is a plausible mistake or a clumsy way, so
   * that reinforcement learning has something to repair.
   */
  demonstrate(problem: Problem, random: Random, style: DemonstrationStyle): string;
  /**
   * The same question in other words, where a task knows any: its key, truth and right answers are the same, its prompt differs if the
   * question has a second form.
   */
  rephrase?(problem: Problem, random: Random): Problem;
}

/** The same things in another order, if there is one. */
export function reordered<T>(things: readonly T[], random: Random): T[] {
  const different = (order: readonly T[]) => order.some((thing, i) => thing !== things[i]);
  for (let attempt = 0; attempt < 100; attempt++) {
    const order = random.shuffle(things);
    if (different(order)) return order;
  }
  return [...things];
}

export type Split = "train" | "heldout";

/** One problem in eight is held out, by a hash (FNV-1a with a final mix) of its canonical key: the splits are disjoint whatever the seed. */
export function splitOf(problem: Pick<Problem, "task" | "key">): Split {
  let hash = 0x811c9dc5;
  for (const character of `${problem.task}:${problem.key}`) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x45d9f3b);
  hash ^= hash >>> 16;
  return (hash >>> 0) % 8 === 0 ? "heldout" : "train";
}

/**
 * A problem of one split.
 * @throws RangeError if 2,000 draws in a row fell into the other split (a level with too few problems).
 */
export function sampleProblem(task: Task, level: string, split: Split, random: Random): Problem {
  if (!task.levels.some((l) => l.id === level)) {
    throw new RangeError(`task ${task.id} has no level ${JSON.stringify(level)}; it has ${task.levels.map((l) => l.id).join(", ")}`);
  }
  for (let attempt = 0; attempt < 2000; attempt++) {
    const problem = task.generate(level, random);
    if (splitOf(problem) === split) return problem;
  }
  throw new RangeError(`task ${task.id} level ${level} has no ${split} problems`);
}
