import { Iteration, type IterationCounts } from "../cli/bench-iteration.ts";
import type { Base } from "../loop/run.ts";
import type { PolicyConfig } from "../policy/config.ts";
import type { Engine, Policy, TokenBatch } from "../policy/engine.ts";
import { median } from "./compare.ts";
import { type BatchShape, NEW_TOKENS, type Workload, workload } from "./workload.ts";

/** What an engine is timed at. */
export const ENGINE_PARTS = ["decode", "score", "update", "iteration"] as const;
export type EnginePart = (typeof ENGINE_PARTS)[number];

export interface EngineMeasurement {
  readonly engine: string;
  readonly label: string;
  readonly milliseconds: Record<EnginePart, number>;
  /** Processor time of all the process's threads, where it can be told; an iteration's includes putting the weights back. */
  readonly processorMilliseconds?: Record<EnginePart, number>;
  readonly decodedTokensPerSecond: number;
  /** Of one iteration after warm-up, where the engine has a device. */
  readonly counts?: IterationCounts;
}

export interface MeasureOptions {
  readonly progress: (message: string) => void;
  readonly cancelled: () => boolean;
  /** Processor time of this process so far, in milliseconds. */
  readonly processorTime?: () => number;
}

const lists = (): Record<EnginePart, number[]> => ({ decode: [], score: [], update: [], iteration: [] });
const medians = (times: Record<EnginePart, number[]>) =>
  Object.fromEntries(ENGINE_PARTS.map((part) => [part, median(times[part])])) as Record<EnginePart, number>;

interface Entry {
  readonly name: string;
  readonly engine: Engine;
  readonly policy: Policy;
  readonly iteration: Iteration;
  readonly times: Record<EnginePart, number[]>;
  readonly processorTimes: Record<EnginePart, number[]>;
  counts?: IterationCounts;
}

/** Times decoding, scoring and updating of rows that are all equally long. */
async function timeParts(
  { policy }: Entry,
  { rows, promptLength, tokens, keys }: Workload,
  batch: TokenBatch,
  step: number,
  time: (part: EnginePart, work: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const length = promptLength + NEW_TOKENS;
  const prompts = Array.from({ length: rows }, (_, r) => tokens.slice(r * length, r * length + promptLength));
  const coefficients = new Float32Array(rows * NEW_TOKENS).fill(-1 / (rows * NEW_TOKENS));
  await time("decode", () => policy.generate({ prompts, maxNewTokens: NEW_TOKENS, temperature: 1, stopTokens: [], keys: keys(step) }));
  await time("score", async () => {
    const handle = await policy.forward(batch, {}, { inference: true });
    await handle.logProb.read();
    handle.release();
  });
  await time("update", async () => {
    await policy.backward(await policy.forward(batch, {}), { logProb: coefficients });
    const update = await policy.apply({ learningRate: 1e-5, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, maxGradNorm: 1 });
    await update.read();
  });
}

/** Measures one policy and batch on all engines, interleaved, so that a busy spell of the machine touches all of them. */
export async function measureEngines(
  engines: ReadonlyMap<string, Engine>,
  config: PolicyConfig,
  shape: BatchShape,
  repeat: number,
  { progress, cancelled, processorTime }: MeasureOptions,
): Promise<EngineMeasurement[]> {
  const work = workload(config, shape);
  const base: Base = { config, theta: work.theta };
  const entries: Entry[] = [];
  for (const [name, engine] of engines) {
    const policy = await engine.load(config, base.theta);
    const iteration = await Iteration.open(engine, shape, base);
    entries.push({ name, engine, policy, iteration, times: lists(), processorTimes: lists() });
  }
  // The first round compiles and allocates, and is not counted.
  for (let round = -1; round < repeat && !(round > 0 && cancelled()); round++) {
    progress(round < 0 ? "warming up" : `round ${round + 1} of ${repeat}`);
    for (const entry of entries) {
      const keep = async (part: EnginePart, work: () => Promise<number>) => {
        const before = processorTime?.();
        const milliseconds = await work();
        if (round < 0) return;
        entry.times[part].push(milliseconds);
        if (processorTime) entry.processorTimes[part].push(processorTime() - before!);
      };
      await timeParts(entry, work, work.batch, round + 1, (part, work) =>
        keep(part, async () => {
          const started = performance.now();
          await work();
          return performance.now() - started;
        }),
      );
      let counts: IterationCounts | undefined;
      await keep("iteration", async () => {
        const once = await entry.iteration.once();
        counts = once.counts;
        return once.milliseconds;
      });
      if (counts) entry.counts = counts;
    }
  }
  for (const { policy, iteration } of entries) {
    policy.dispose();
    iteration.dispose();
  }
  return entries.map(({ name, engine, times, processorTimes, counts }) => ({
    engine: name,
    label: engine.label,
    milliseconds: medians(times),
    ...(processorTime ? { processorMilliseconds: medians(processorTimes) } : {}),
    decodedTokensPerSecond: (work.rows * NEW_TOKENS * 1000) / median(times.decode),
    ...(counts ? { counts } : {}),
  }));
}

/** Our engines as lines for a person: the ratio of the engines, then milliseconds, then counts. */
export function engineLines(results: readonly EngineMeasurement[]): string[] {
  const lines: string[] = [];
  const [first, ...others] = results;
  for (const [what, key] of [
    ["time", "milliseconds"],
    ["processor time", "processorMilliseconds"],
  ] as const) {
    for (const other of others) {
      const [a, b] = [first[key], other[key]];
      if (!a || !b) continue;
      const ratios = ENGINE_PARTS.map((part) => `${part} ${(b[part] / a[part]).toFixed(2)}`).join("  ");
      lines.push(`  ${other.engine} ${what} ÷ ${first.engine} ${what}:  ${ratios}`);
    }
  }
  for (const { engine, milliseconds, decodedTokensPerSecond } of results) {
    const parts = ENGINE_PARTS.map((part) => `${part} ${milliseconds[part].toFixed(1)} ms`).join("  ");
    lines.push(`  ${engine.padEnd(10)}  ${parts}  ${decodedTokensPerSecond.toFixed(0)} decoded tokens/s`);
  }
  for (const { engine, counts } of results) {
    if (!counts) continue;
    lines.push(
      `  ${engine} per iteration of ${counts.tokens} tokens:  ${counts.dispatches} dispatches  ${counts.submits} submits  ` +
        `${counts.readBacks} read-backs, ${counts.blockingReadBacks} blocking  ${counts.bytesReadBack} bytes back  ${counts.bytesUploaded} bytes up  ${counts.buffersCreated} new buffers`,
    );
  }
  return lines;
}
