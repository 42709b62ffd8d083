import type { Engine } from "../policy/engine.ts";
import type { WebgpuEngine } from "../policy/webgpu/engine.ts";
import { median } from "./compare.ts";
import { byKernel, costContext, type KernelShare, type Peaks, shares } from "./costs.ts";
import { ours } from "./ours.ts";
import { peakMeter } from "./peaks.ts";
import { Profiler, type TimedDispatch, type TimingMethod } from "./profiler.ts";
import type { Workload } from "./workload.ts";

export interface Roofline {
  /** How the kernels' weights are stored. */
  readonly weights: string;
  readonly peaks: Peaks;
  readonly method: TimingMethod;
  readonly train: readonly KernelShare[];
  readonly rollouts: readonly KernelShare[];
}

export interface RooflineOptions {
  readonly repeat: number;
  readonly progress: (message: string) => void;
  /** False: as on an adapter that has none. */
  readonly timestamps?: boolean;
  /** Of the matrices whose product sets the peak. */
  readonly side?: number;
}

/** Dispatch by dispatch, the median of several profiles of the same work. */
function middle(profiles: readonly (readonly TimedDispatch[])[]): TimedDispatch[] {
  return profiles[0].map((dispatch, i) => ({ ...dispatch, milliseconds: median(profiles.map((profile) => profile[i].milliseconds)) }));
}

/**
 * The share of the adapter's peaks that each kernel reaches, in one step of training and one batch of rollouts.
 * @param open Makes the engine that is measured; it gets a device of its own.
 */
export async function measureRoofline(
  open: () => Promise<Engine>,
  work: Workload,
  { repeat, progress, timestamps = true, side }: RooflineOptions,
): Promise<Roofline> {
  const profiler = new Profiler(timestamps);
  try {
    const engine = (await open()) as WebgpuEngine;
    const { method } = profiler;
    const contender = ours("webgpu", engine);
    progress("roofline: compiling");
    const meter = await peakMeter(profiler.device!, engine.software, side);
    const trainer = await contender.train!(work);
    const sampler = await contender.sample!(work);
    const draw = () => sampler.draw(0);
    await trainer.step();
    await draw();
    const peaks: Peaks[] = [];
    const train: TimedDispatch[][] = [];
    const rollouts: TimedDispatch[][] = [];
    const rounds = method === "timestamps" ? repeat : 1;
    for (let round = 0; round < rounds; round++) {
      progress(`roofline: round ${round + 1} of ${rounds}`);
      peaks.push(await meter.measure());
      train.push(await profiler.profile(trainer.step, repeat));
      rollouts.push(await profiler.profile(draw, repeat));
    }
    const peak = { flops: median(peaks.map(({ flops }) => flops)), bytes: median(peaks.map(({ bytes }) => bytes)) };
    const kernels = (part: "train" | "rollouts", profiles: TimedDispatch[][]) =>
      shares(byKernel(middle(profiles), costContext(work, part, engine.plan.weights === "f16" ? 2 : 4)), peak);
    const result = {
      weights: String(engine.plan.weights),
      peaks: peak,
      method,
      train: kernels("train", train),
      rollouts: kernels("rollouts", rollouts),
    };
    trainer.dispose();
    sampler.dispose();
    meter.dispose();
    engine.dispose();
    return result;
  } finally {
    profiler.restore();
  }
}

const giga = (n: number) => (n / 1e9).toFixed(1);
const percent = (n: number | undefined) => (n === undefined ? "?" : `${(100 * n).toFixed(n < 0.1 ? 1 : 0)} %`);

/** A roofline as lines for a person. */
export function rooflineLines({ weights, peaks, method, train, rollouts }: Roofline): string[] {
  const lines = [
    `  roofline, ${weights} weights: peaks ${giga(peaks.flops)} GFLOP/s (product), ${giga(peaks.bytes)} GB/s (copy); kernels timed by ${method}`,
  ];
  for (const [title, kernels] of [
    ["one step of training", train],
    ["rollouts", rollouts],
  ] as const) {
    lines.push(`    ${title.padEnd(26)} dispatches       ms   of time   of product peak   of copy peak`);
    for (const { kernel, dispatches, milliseconds, timeShare, flopsShare, bytesShare } of kernels)
      lines.push(
        `      ${kernel.padEnd(24)} ${String(dispatches).padStart(10)} ${milliseconds.toFixed(2).padStart(8)} ${percent(timeShare).padStart(9)} ` +
          `${percent(flopsShare).padStart(17)} ${percent(bytesShare).padStart(14)}`,
      );
  }
  return lines;
}
