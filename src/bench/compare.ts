import type { Engine } from "../policy/engine.ts";
import { type Agreement, disagreement } from "./agreement.ts";
import type { Contender } from "./contender.ts";
import type { ApiCounter, ApiCounts } from "./counting.ts";
import { type Entry, PART_NAMES, type Part, trialOf } from "./trials.ts";
import type { Workload } from "./workload.ts";

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
  /** Of one step, batch or iteration, warm; absent where nothing asks the WebGPU API in this process. */
  readonly counts?: ApiCounts;
  /** Why there is no time: what it disagreed about, its error, or that a person stopped. */
  readonly problem?: string;
}

export interface Comparison {
  readonly part: Part;
  /** How many rounds the medians are over. */
  readonly rounds: number;
  /** True if it was stopped before all rounds were done. */
  readonly stopped: boolean;
  readonly results: readonly ContenderResult[];
}

export interface CompareOptions {
  readonly repeat: number;
  readonly counter?: ApiCounter;
  /** Processor time of this process so far, in milliseconds. */
  readonly processorTime?: () => number;
  /** Told what is being done, for a person who waits. */
  readonly progress: (message: string) => void;
  /** True once the person has seen enough, or the time is up. */
  readonly cancelled: () => boolean;
}

/** The lower of the two middle values for an even number of them. @throws RangeError for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the median of no values");
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

/** What became of a contender. */
interface Result extends Entry {
  readonly times: number[];
  readonly processorTimes: number[];
  counts?: ApiCounts;
}

/** Timed alone, without what comes before. */
async function time(result: Result, processorTime?: () => number): Promise<{ milliseconds: number; processorMilliseconds?: number }> {
  await result.prepare?.();
  const before = processorTime?.();
  const started = performance.now();
  await result.once();
  const milliseconds = performance.now() - started;
  return processorTime ? { milliseconds, processorMilliseconds: processorTime() - before! } : { milliseconds };
}

/**
 * Holds every contender's numbers against the portable engine's, then times those that agree, one after the other in each round, so that a
 * busy spell of the machine touches all of them. Stopped early, it says what was not done; a round that was not finished does not count.
 */
export async function compare(
  part: Part,
  work: Workload,
  judge: Engine,
  contenders: readonly Contender[],
  { repeat, counter, processorTime, progress, cancelled }: CompareOptions,
): Promise<Comparison> {
  const trial = await trialOf(part, work, judge);
  const able = contenders.filter(trial.does);
  const entered = new Map<string, Result>();
  const problems = new Map<string, ContenderResult>();
  for (const contender of able) {
    const { name, how } = contender;
    const failed = (problem: string, rest: Partial<ContenderResult> = {}) => problems.set(name, { name, how, problem, ...rest });
    if (cancelled()) {
      failed("not started");
      continue;
    }
    progress(`${part}: ${name}, first call (compiles) and check`);
    try {
      const entry = await trial.enter(contender);
      const { agreement, firstMilliseconds } = entry;
      const problem = disagreement(agreement);
      if (problem === undefined) entered.set(name, { ...entry, times: [], processorTimes: [] });
      else {
        failed(`disagrees: ${problem}`, { agreement, firstMilliseconds });
        entry.dispose();
      }
    } catch (error) {
      failed(`failed: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
    }
  }

  const all = [...entered.values()];
  // The first round warms up, and is where calls are counted.
  for (const [name, result] of entered) {
    if (cancelled()) break;
    progress(`${part}: ${name}, warming up`);
    await time(result);
    await result.prepare?.();
    const { counts } = counter ? await counter.during(result.once) : {};
    if (counts && counts.submits > 0) result.counts = counts;
  }
  let rounds = 0;
  for (; rounds < repeat && !cancelled(); rounds++) {
    progress(`${part}: round ${rounds + 1} of ${repeat}`);
    const round: Awaited<ReturnType<typeof time>>[] = [];
    for (const result of all) if (!cancelled()) round.push(await time(result, processorTime));
    if (round.length < all.length) break;
    all.forEach(({ times, processorTimes }, i) => {
      const { milliseconds, processorMilliseconds } = round[i];
      times.push(milliseconds);
      if (processorMilliseconds !== undefined) processorTimes.push(processorMilliseconds);
    });
  }
  for (const { dispose } of all) dispose();

  const results = able.map(({ name, how }): ContenderResult => {
    const result = entered.get(name);
    if (!result) return problems.get(name)!;
    const { agreement, counts, times, processorTimes, firstMilliseconds } = result;
    return {
      name,
      how,
      agreement,
      firstMilliseconds,
      ...(counts ? { counts } : {}),
      ...(processorTimes.length > 0 ? { processorMilliseconds: median(processorTimes) } : {}),
      ...(times.length > 0 ? { milliseconds: median(times) } : { problem: "stopped before it was timed" }),
    };
  });
  return { part, rounds, stopped: rounds < repeat, results };
}

/** A comparison as lines for a person: ratios first, then milliseconds, then counts. */
export function comparisonLines({ part, rounds, stopped, results }: Comparison): string[] {
  const extent =
    rounds === 0 ? "stopped before anything was timed" : `stopped early: medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}`;
  const lines = [`  ${PART_NAMES[part]}${stopped ? ` (${extent})` : ""}`];
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
    const first = firstMilliseconds === undefined ? "" : `  (first call ${(firstMilliseconds / 1000).toFixed(1)} s)`;
    const time = milliseconds === undefined ? `not timed: ${problem}` : `${milliseconds.toFixed(1)} ms`;
    lines.push(`    ${name.padEnd(width)}  ${time}${processor}${first}`);
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
