import type { PolicySize } from "../policy/config.ts";
import { completionOffsets, type Policy, tokenBatch } from "../policy/engine.ts";
import { type LearningRateSchedule, learningRate } from "../policy/optimizer.ts";
import { type Random, randomSequence, STREAM } from "../policy/random.ts";
import { EOS, encode, encodePrompt } from "../policy/tokenizer.ts";
import { taskById } from "../tasks/index.ts";
import { sampleProblem } from "../tasks/task.ts";

/** A share of the demonstrations that a base policy is pre-trained on. */
export interface MixturePart {
  readonly task: string;
  readonly level: string;
  /** Relative weight. */
  readonly weight: number;
  /** Share of slips among the demonstrations, in [0, 1]: what reinforcement learning can repair. */
  readonly slips: number;
}

export type Mixture = readonly MixturePart[];

const part = (task: string, level: string, weight: number, slips: number): MixturePart => ({ task, level, weight, slips });

/**
 * What the shipped policies learn from. More than half of the demonstrations are slips, so that a policy can do more than it does:
 * pass@1 stays below one half however well it has learnt, and pass@64 is far above it.
 */
export const MIXTURES: Readonly<Record<PolicySize, Mixture>> = {
  nano: [
    part("countdown", "2", 18, 0.5),
    part("countdown", "3", 18, 0.5),
    part("addition", "1", 6, 0.5),
    part("addition", "2", 16, 0.5),
    part("sort", "4", 8, 0.55),
    part("sort", "6", 8, 0.55),
    part("reverse", "4", 8, 0.55),
    part("reverse", "6", 8, 0.55),
    part("compose", "1", 6, 0.5),
    part("compose", "2", 8, 0.5),
  ],
  tiny: [
    part("countdown", "2", 4, 0.55),
    part("countdown", "3", 26, 0.55),
    part("countdown", "3-large", 22, 0.55),
    part("countdown", "4", 3, 0.5),
    part("addition", "1", 2, 0.55),
    part("addition", "2", 9, 0.55),
    part("addition", "3", 6, 0.5),
    part("sort", "4", 2, 0.6),
    part("sort", "6", 5, 0.6),
    part("sort", "8", 2, 0.6),
    part("reverse", "4", 2, 0.6),
    part("reverse", "6", 5, 0.6),
    part("reverse", "8", 2, 0.6),
    part("compose", "1", 2, 0.6),
    part("compose", "2", 6, 0.6),
    part("compose", "2-long", 3, 0.6),
    part("compose", "3", 2, 0.6),
  ],
  small: [
    part("countdown", "2", 4, 0.55),
    part("countdown", "3", 30, 0.5),
    part("countdown", "3-large", 12, 0.5),
    part("countdown", "4", 10, 0.5),
    part("addition", "1", 2, 0.55),
    part("addition", "2", 6, 0.55),
    part("addition", "3", 8, 0.5),
    part("sort", "4", 2, 0.6),
    part("sort", "6", 3, 0.6),
    part("sort", "8", 3, 0.6),
    part("reverse", "4", 2, 0.6),
    part("reverse", "6", 3, 0.6),
    part("reverse", "8", 3, 0.6),
    part("compose", "1", 2, 0.6),
    part("compose", "2", 4, 0.6),
    part("compose", "2-long", 3, 0.6),
    part("compose", "3", 3, 0.6),
  ],
};

export interface PretrainSettings {
  readonly seed: number;
  /** Demonstrations a step. */
  readonly batch: number;
  readonly schedule: LearningRateSchedule;
  readonly weightDecay: number;
}

export interface PretrainStep {
  /** Mean negative log-prob of a completion token before the update, in nats. */
  readonly loss: number;
  /** Completion tokens, end-of-text included. */
  readonly tokens: number;
  readonly learningRate: number;
  readonly gradNorm: number;
  readonly applied: boolean;
}

/** Slips come late, when the policy knows how a task goes: before this share of the run it sees few of them. Skill takes long to learn, slips do not. */
const SLIPS_FROM = 0.7;
const EARLY_SLIPS = 0.15;

/** What the mixture's shares of slips are multiplied with at step `step` of `total`. */
export const slipScale = (step: number, total: number): number => (step < SLIPS_FROM * total ? EARLY_SLIPS : 1);

/** One demonstration from the training split: what the policy reads and what it should write. */
export function drawDemonstration(mixture: Mixture, random: Random, slips = 1): { prompt: string; completion: string } {
  let left = random.next() * mixture.reduce((sum, { weight }) => sum + weight, 0);
  const chosen = mixture.find(({ weight }) => (left -= weight) < 0) ?? mixture[mixture.length - 1];
  const task = taskById(chosen.task);
  const problem = sampleProblem(task, chosen.level, "train", random);
  const style = random.next() < chosen.slips * slips ? "slip" : "right";
  return { prompt: problem.prompt, completion: task.demonstrate(problem, random, style) };
}

/**
 * One supervised update: the mean cross-entropy of the completions' tokens, end-of-text included. Step `step` (from 0) draws
 * the same demonstrations whatever was before, so a run can stop and go on anywhere.
 */
export async function pretrainStep(policy: Policy, mixture: Mixture, settings: PretrainSettings, step: number): Promise<PretrainStep> {
  const { seed, batch: rows, schedule, weightDecay } = settings;
  const demonstrations = Array.from({ length: rows }, (_, row) =>
    drawDemonstration(mixture, randomSequence({ seed, stream: STREAM.pretrain, step }, row), slipScale(step, schedule.total)),
  );
  const batch = tokenBatch(
    demonstrations.map(({ prompt }) => encodePrompt(prompt)),
    demonstrations.map(({ completion }) => [...encode(completion), EOS]),
  );
  const tokens = completionOffsets(batch)[rows];
  const handle = await policy.forward(batch, {});
  await policy.backward(handle, { logProb: new Float32Array(tokens).fill(-1 / tokens) });
  const rate = learningRate(schedule, step);
  const update = await policy.apply({ learningRate: rate, beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay, maxGradNorm: 1 });
  // Read last: an engine that has run the backward pass has the log-probs already.
  const [{ gradNorm, applied }, logProb] = await Promise.all([update.read(), handle.logProb.read()]);
  return { loss: -logProb.reduce((sum, x) => sum + x, 0) / tokens, tokens, learningRate: rate, gradNorm, applied };
}
