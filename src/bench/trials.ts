import type { Engine } from "../policy/engine.ts";
import { type Agreement, drawAgreement, iterationAgreement, type Learned, trainingAgreement } from "./agreement.ts";
import type { Contender, Iterator, Sampler, Trainer } from "./contender.ts";
import { grpoStep } from "./grpo.ts";
import { ours } from "./ours.ts";
import { ADAM, NEW_TOKENS, type Workload } from "./workload.ts";

export const PARTS = ["train", "rollouts", "iteration"] as const;
/** One step of training, one batch of rollouts, or both and all that is between. */
export type Part = (typeof PARTS)[number];

/** What a person calls a part. */
export const PART_NAMES: Readonly<Record<Part, string>> = {
  train: "one step of training",
  rollouts: `rollouts, ${NEW_TOKENS} tokens a row`,
  iteration: `one iteration of GRPO, rollouts of at most ${NEW_TOKENS} tokens`,
};

/** A contender that has done its part for the first time. */
export interface Entry {
  readonly agreement: Agreement;
  /** Of the first call, which compiles. */
  readonly firstMilliseconds: number;
  /** Whatever must be done before `once` and is not timed. */
  prepare?(): Promise<void>;
  once(): Promise<unknown>;
  dispose(): void;
}

/** A part of the work, with what must come of it. */
export interface Trial {
  does(contender: Contender): boolean;
  enter(contender: Contender): Promise<Entry>;
}

async function timed<T>(work: () => Promise<T>): Promise<[milliseconds: number, result: T]> {
  const started = performance.now();
  const result = await work();
  return [performance.now() - started, result];
}

/** Three steps of a trainer from the workload's weights. */
async function learn({ step, state }: Trainer, work: Workload): Promise<[milliseconds: number, learned: Learned]> {
  const [milliseconds, first] = await timed(step);
  // After one step from zero, the first moment is (1 − β₁)·g.
  const gradient = (await state()).m.map((value) => value / (1 - ADAM.beta1));
  const losses = [first, await step(), await step()];
  const update = (await state()).theta.map((value, i) => value - work.theta[i]);
  return [milliseconds, { losses, gradient, update }];
}

async function training(work: Workload, arbiter: Contender): Promise<Trial> {
  const trainer = await arbiter.train!(work);
  const [, truth] = await learn(trainer, work);
  trainer.dispose();
  return {
    does: ({ train }) => train !== undefined,
    async enter(contender) {
      const trainer = await contender.train!(work);
      const [firstMilliseconds, learned] = await learn(trainer, work);
      return { agreement: trainingAgreement(learned, truth), firstMilliseconds, once: trainer.step, dispose: trainer.dispose };
    },
  };
}

async function sampling(work: Workload, arbiter: Contender): Promise<Trial> {
  const sampler: Sampler = await arbiter.sample!(work);
  const truth = await sampler.draw(0);
  sampler.dispose();
  return {
    does: ({ sample }) => sample !== undefined,
    async enter(contender) {
      const sampler = await contender.sample!(work);
      const [firstMilliseconds, draw] = await timed(() => sampler.draw(0));
      let step = 1;
      return { agreement: drawAgreement(draw, truth), firstMilliseconds, once: () => sampler.draw(step++), dispose: sampler.dispose };
    },
  };
}

async function iterating(work: Workload, judge: Engine): Promise<Trial> {
  const { step, outcome, theta } = await grpoStep(judge, work);
  const added = (weights: Float32Array) => weights.map((value, i) => value - step.start.state.theta[i]);
  const truth = { outcome, update: added(theta) };
  return {
    does: ({ iterate }) => iterate !== undefined,
    async enter(contender) {
      const iterator: Iterator = await contender.iterate!(work, step);
      await iterator.prepare();
      const [firstMilliseconds, outcome] = await timed(() => iterator.once());
      const agreement = iterationAgreement({ outcome, update: added(await iterator.theta()) }, truth);
      const { prepare, once, dispose } = iterator;
      return { agreement, firstMilliseconds, prepare, once, dispose };
    },
  };
}

/** @param judge whose numbers are taken as right: the portable engine */
export async function trialOf(part: Part, work: Workload, judge: Engine): Promise<Trial> {
  const arbiter = ours("portable", judge);
  if (part === "train") return training(work, arbiter);
  if (part === "rollouts") return sampling(work, arbiter);
  return iterating(work, judge);
}
