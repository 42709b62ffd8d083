import type { Contender, Draw } from "./contender.ts";
import type { ApiCounter, ApiCounts } from "./counting.ts";
import { ADAM, NEW_TOKENS, type Workload } from "./workload.ts";

export const PARTS = ["train", "rollouts"] as const;
/** One step of training, or one batch of rollouts. */
export type Part = (typeof PARTS)[number];

/** What a contender's numbers may be away from the portable engine's before they count as another computation. */
export const TOLERANCE = {
  /** |ΔL| / max(1, |L|) of the first three steps. */
  loss: 1e-4,
  /** ‖Δg‖ / ‖g‖ of the first step's gradient, all parameters. */
  gradient: 1e-3,
  /** ‖Δ(θ₃ − θ₀)‖ / ‖θ₃ − θ₀‖ after three steps of Adam, which divides by small numbers. */
  update: 2e-2,
  /** Share of rows that may leave the common path: a uniform that lies within rounding of a token's edge. */
  rows: 0.05,
  /** Largest difference of log-probs in the rows that are the same. */
  logProb: 1e-3,
} as const;

/** How far a contender was from the portable engine. */
export type Agreement = Readonly<Record<string, number>>;

export interface ContenderResult {
  readonly name: string;
  readonly how: string;
  /** Median. Absent if it was not timed. */
  readonly milliseconds?: number;
  /** Processor time of all the process's threads, where it can be told; a median too. On a busy machine it says more than the clock. */
  readonly processorMilliseconds?: number;
  /** Of the first call, which compiles. */
  readonly firstMilliseconds?: number;
  readonly agreement?: Agreement;
  /** Of one step or batch, warm; absent where nothing asks the WebGPU API in this process. */
  readonly counts?: ApiCounts;
  /** Why there is no time: what it disagreed about, or its error. */
  readonly problem?: string;
}

export interface Comparison {
  readonly part: Part;
  readonly results: readonly ContenderResult[];
}

export interface CompareOptions {
  readonly repeat: number;
  readonly counter?: ApiCounter;
  /** Processor time of this process so far, in milliseconds. */
  readonly processorTime?: () => number;
  /** Told what is being done, for a person who waits. */
  readonly progress: (message: string) => void;
  /** True once the person has seen enough. */
  readonly cancelled: () => boolean;
}

/** The lower of the two middle values for an even number of them. @throws RangeError for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the median of no values");
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

/** ‖a − b‖ / ‖b‖; Infinity if anything is not a number. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  const error = Math.sqrt(difference / norm);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

/** What is beyond tolerance, in words; undefined if nothing is. */
export function disagreement(agreement: Agreement): string | undefined {
  const beyond = Object.entries(agreement).filter(([key, error]) => !(error <= TOLERANCE[key as keyof typeof TOLERANCE]));
  if (beyond.length === 0) return undefined;
  return beyond.map(([key, error]) => `${key} off by ${error.toExponential(1)}`).join(", ");
}

/** One contender's way through a comparison. */
interface Entry {
  readonly contender: Contender;
  readonly once: () => Promise<unknown>;
  readonly dispose: () => void;
  readonly times: number[];
  readonly processorTimes: number[];
  readonly agreement: Agreement;
  readonly firstMilliseconds: number;
  counts?: ApiCounts;
}

interface Learned {
  readonly losses: readonly number[];
  readonly gradient: Float32Array;
  readonly update: Float32Array;
  readonly firstMilliseconds: number;
}

async function timed<T>(work: () => Promise<T>): Promise<[milliseconds: number, result: T]> {
  const started = performance.now();
  const result = await work();
  return [performance.now() - started, result];
}

/** Three steps of a trainer from the workload's weights. */
async function learn(step: () => Promise<number>, state: () => Promise<{ theta: Float32Array; m: Float32Array }>, work: Workload) {
  const [firstMilliseconds, first] = await timed(step);
  // After one step from zero, the first moment is (1 − β₁)·g.
  const gradient = (await state()).m.map((value) => value / (1 - ADAM.beta1));
  const losses = [first, await step(), await step()];
  const update = (await state()).theta.map((value, i) => value - work.theta[i]);
  return { losses, gradient, update, firstMilliseconds } satisfies Learned;
}

function trainingAgreement(learned: Learned, truth: Learned): Agreement {
  const loss = Math.max(...learned.losses.map((l, i) => Math.abs(l - truth.losses[i]) / Math.max(1, Math.abs(truth.losses[i]))));
  return {
    loss: Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss,
    gradient: relativeError(learned.gradient, truth.gradient),
    update: relativeError(learned.update, truth.update),
  };
}

/** How two draws of the same rows differ. */
export function drawAgreement(draw: Draw, truth: Draw): Agreement {
  const rows = truth.tokens.length / NEW_TOKENS;
  if (draw.tokens.length !== truth.tokens.length) return { rows: 1, logProb: Number.POSITIVE_INFINITY };
  let different = 0;
  let logProb = 0;
  for (let r = 0; r < rows; r++) {
    for (let i = r * NEW_TOKENS; i < (r + 1) * NEW_TOKENS; i++) {
      if (draw.tokens[i] !== truth.tokens[i]) {
        different++;
        break;
      }
      const error = Math.abs(draw.logProbs[i] - truth.logProbs[i]);
      if (!(error <= logProb)) logProb = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  return { rows: different / rows, logProb };
}

/** Starts a contender and holds its numbers against the arbiter's. @throws Error if it disagrees. */
async function enter(contender: Contender, part: Part, work: Workload, truth: Learned | Draw): Promise<Entry> {
  const lists = { times: [], processorTimes: [] };
  if (part === "train") {
    const trainer = await contender.train!(work);
    const learned = await learn(trainer.step, trainer.state, work);
    const agreement = trainingAgreement(learned, truth as Learned);
    return {
      contender,
      once: trainer.step,
      dispose: trainer.dispose,
      ...lists,
      agreement,
      firstMilliseconds: learned.firstMilliseconds,
    };
  }
  const sampler = await contender.sample!(work);
  const [firstMilliseconds, draw] = await timed(() => sampler.draw(0));
  let step = 1;
  const once = () => sampler.draw(step++);
  return { contender, once, dispose: sampler.dispose, ...lists, agreement: drawAgreement(draw, truth as Draw), firstMilliseconds };
}

/**
 * Holds every contender's numbers against the arbiter's, then times those that agree, one after the other in each round, so that a busy
 * spell of the machine touches all of them.
 * @param arbiter whose numbers are taken as right: the portable engine
 */
export async function compare(
  part: Part,
  work: Workload,
  arbiter: Contender,
  contenders: readonly Contender[],
  { repeat, counter, processorTime, progress, cancelled }: CompareOptions,
): Promise<Comparison> {
  const able = contenders.filter((contender) => (part === "train" ? contender.train : contender.sample));
  let truth: Learned | Draw;
  if (part === "train") {
    const trainer = await arbiter.train!(work);
    truth = await learn(trainer.step, trainer.state, work);
    trainer.dispose();
  } else {
    const sampler = await arbiter.sample!(work);
    truth = await sampler.draw(0);
    sampler.dispose();
  }
  const entries: Entry[] = [];
  const problems = new Map<string, ContenderResult>();
  const failed = ({ name, how }: Contender, problem: string, rest: Partial<ContenderResult> = {}) =>
    problems.set(name, { name, how, problem, ...rest });
  for (const contender of able) {
    if (cancelled()) {
      failed(contender, "not started");
      continue;
    }
    progress(`${part}: ${contender.name}, first call (compiles) and check`);
    try {
      const entry = await enter(contender, part, work, truth);
      const problem = disagreement(entry.agreement);
      if (problem === undefined) entries.push(entry);
      else {
        const { agreement, firstMilliseconds } = entry;
        failed(contender, `disagrees: ${problem}`, { agreement, firstMilliseconds });
        entry.dispose();
      }
    } catch (error) {
      failed(contender, `failed: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
    }
  }
  // The first round warms up, and is where calls are counted.
  for (let round = -1; round < repeat && !cancelled(); round++) {
    progress(round < 0 ? `${part}: warming up` : `${part}: round ${round + 1} of ${repeat}`);
    for (const entry of entries) {
      if (round < 0) {
        await entry.once();
        const { counts } = counter ? await counter.during(entry.once) : {};
        if (counts && counts.submits > 0) entry.counts = counts;
      } else {
        const before = processorTime?.();
        entry.times.push((await timed(entry.once))[0]);
        if (processorTime) entry.processorTimes.push(processorTime() - before!);
      }
    }
  }
  for (const entry of entries) entry.dispose();
  const results = able.map(({ name, how }): ContenderResult => {
    const entry = entries.find(({ contender }) => contender.name === name);
    if (!entry) return problems.get(name)!;
    const { agreement, counts, times, processorTimes, firstMilliseconds } = entry;
    return {
      name,
      how,
      agreement,
      firstMilliseconds,
      ...(counts ? { counts } : {}),
      ...(processorTimes.length > 0 ? { processorMilliseconds: median(processorTimes) } : {}),
      ...(times.length > 0 ? { milliseconds: median(times) } : { problem: "cancelled before it was timed" }),
    };
  });
  return { part, results };
}

/** A comparison as lines for a person: ratios first, then milliseconds, then counts, then how each does it. */
export function comparisonLines({ part, results }: Comparison): string[] {
  const what = part === "train" ? "one step of training" : `rollouts, ${NEW_TOKENS} tokens a row`;
  const lines = [`  ${what}`];
  for (const base of results.filter(({ name }) => name === "webgpu" || name === "portable")) {
    for (const [what, key] of [
      ["time", "milliseconds"],
      ["processor time", "processorMilliseconds"],
    ] as const) {
      const others = results.filter((r) => r !== base && r[key] !== undefined);
      if (!base[key] || others.length === 0) continue;
      lines.push(`    ${what} ÷ ours (${base.name}):  ${others.map((r) => `${r.name} ${(r[key]! / base[key]!).toFixed(2)}`).join("  ")}`);
    }
  }
  const width = Math.max(...results.map(({ name }) => name.length));
  for (const { name, milliseconds, processorMilliseconds, firstMilliseconds, problem } of results) {
    const processor = processorMilliseconds === undefined ? "" : `  ${processorMilliseconds.toFixed(1)} ms of processor time`;
    const first = firstMilliseconds === undefined ? "" : `${processor}  (first call ${(firstMilliseconds / 1000).toFixed(1)} s)`;
    lines.push(
      `    ${name.padEnd(width)}  ${milliseconds === undefined ? `not timed: ${problem}` : `${milliseconds.toFixed(1)} ms${first}`}`,
    );
  }
  for (const { name, counts: c } of results) {
    if (!c) continue;
    lines.push(
      `    ${name.padEnd(width)}  ${c.dispatches} dispatches  ${c.submits} submits  ${c.readBacks} read-backs of ${c.bytesReadBack} bytes  ` +
        `${c.bytesUploaded} bytes up  ${c.buffersCreated} new buffers of ${c.bytesAllocated} bytes  ${c.bindGroupsCreated} bind groups  ${c.pipelinesCreated} pipelines`,
    );
  }
  return lines;
}
