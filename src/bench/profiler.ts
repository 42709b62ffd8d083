import { Recorder } from "../policy/webgpu/recorder.ts";
import { Patches } from "./patches.ts";

/** One dispatch of an engine's, with its time on the device. */
export interface TimedDispatch {
  readonly kernel: string;
  readonly params: Readonly<Record<string, number>>;
  readonly milliseconds: number;
}

/** How times were taken. */
export type TimingMethod = "timestamps" | "repeated dispatches";

/** Queries in one set. */
const SET = 512;

/** Timestamps of one command encoder's dispatches. */
interface Batch {
  readonly sets: GPUQuerySet[];
  readonly kernels: number[];
}

/** What a compute pass is asked for by the recorder. */
interface RecordedPass {
  setPipeline(pipeline: GPUComputePipeline): undefined;
  setBindGroup(index: number, group: GPUBindGroup, offsets?: readonly number[]): undefined;
  dispatchWorkgroups(x: number, y?: number, z?: number): undefined;
  end(): undefined;
}

/**
 * Times every dispatch of an engine that is made while the profiler is there. Where the adapter has timestamps, each dispatch gets a pass of
 * its own with one at both ends; elsewhere each kernel's dispatches are repeated and what the whole work takes longer is theirs.
 */
export class Profiler {
  /** The engine's device, once it was made. */
  device: GPUDevice | undefined;
  private readonly patches = new Patches();

  /** @param timestamps false: as on an adapter that has none */
  constructor(timestamps = true) {
    const profiler = this;
    this.patches.replace(
      GPUAdapter.prototype,
      "requestDevice",
      (original) =>
        async function (this: GPUAdapter, descriptor: GPUDeviceDescriptor = {}) {
          const features = [...(descriptor.requiredFeatures ?? [])];
          if (timestamps && this.features.has("timestamp-query")) features.push("timestamp-query");
          profiler.device = await original.call(this, { ...descriptor, requiredFeatures: features });
          return profiler.device;
        },
    );
  }

  get method(): TimingMethod {
    return this.device?.features.has("timestamp-query") ? "timestamps" : "repeated dispatches";
  }

  /** Times the dispatches of `work`, which is done once with timestamps, and often without. */
  async profile(work: () => Promise<unknown>, repeat: number): Promise<TimedDispatch[]> {
    const { device } = this;
    if (!device) throw new Error("the profiler was made after the engine");
    return this.method === "timestamps" ? this.withTimestamps(device, work) : this.withRepeats(device, work, repeat);
  }

  /** What the recorder is told while `work` runs, in order. */
  private async listening<T>(work: (heard: { kernel: string; params: Record<string, number> }[]) => Promise<T>): Promise<T> {
    const heard: { kernel: string; params: Record<string, number> }[] = [];
    const patches = new Patches();
    patches.replace(
      Recorder.prototype,
      "dispatch",
      (original) =>
        function (this: Recorder, p, buffers, params, groups) {
          original.call(this, p, buffers, params, groups);
          if (groups.every((n) => n > 0)) heard.push({ kernel: p.name, params });
        },
    );
    try {
      return await work(heard);
    } finally {
      patches.restore();
    }
  }

  private async withTimestamps(device: GPUDevice, work: () => Promise<unknown>): Promise<TimedDispatch[]> {
    const patches = new Patches();
    const batches = new Map<GPUCommandEncoder, Batch>();
    const results: { buffer: GPUBuffer; kernels: readonly number[] }[] = [];
    let count = 0;
    patches.replace(
      GPUCommandEncoder.prototype,
      "beginComputePass",
      (original) =>
        function (this: GPUCommandEncoder) {
          const encoder = this;
          const batch: Batch = batches.get(encoder) ?? { sets: [], kernels: [] };
          batches.set(encoder, batch);
          let pipeline: GPUComputePipeline;
          let group: [GPUBindGroup, readonly number[]];
          // Stands for one pass with what the recorder calls of it, and makes one for each dispatch.
          const standIn: RecordedPass = {
            setPipeline(p) {
              pipeline = p;
            },
            setBindGroup(_, g, offsets = []) {
              group = [g, offsets];
            },
            dispatchWorkgroups(...groups) {
              const at = (2 * batch.kernels.length) % SET;
              if (at === 0) batch.sets.push(device.createQuerySet({ type: "timestamp", count: SET }));
              const timestampWrites = { querySet: batch.sets.at(-1)!, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
              const pass = original.call(encoder, { timestampWrites });
              pass.setPipeline(pipeline);
              pass.setBindGroup(0, group[0], group[1]);
              pass.dispatchWorkgroups(...groups);
              pass.end();
              batch.kernels.push(count++);
            },
            end() {},
          };
          return standIn as GPUComputePassEncoder;
        },
    );
    patches.replace(
      GPUCommandEncoder.prototype,
      "finish",
      (original) =>
        function (this: GPUCommandEncoder, ...args) {
          const { sets, kernels } = batches.get(this) ?? { sets: [], kernels: [] };
          sets.forEach((set, i) => {
            const inSet = kernels.slice((i * SET) / 2, ((i + 1) * SET) / 2);
            const size = 16 * inSet.length;
            const resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
            const buffer = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
            this.resolveQuerySet(set, 0, 2 * inSet.length, resolved, 0);
            this.copyBufferToBuffer(resolved, 0, buffer, 0, size);
            results.push({ buffer, kernels: inSet });
          });
          return original.call(this, ...args);
        },
    );
    try {
      return await this.listening(async (heard) => {
        await work();
        const nanoseconds: number[] = [];
        for (const { buffer, kernels } of results) {
          await buffer.mapAsync(GPUMapMode.READ);
          const times = new BigUint64Array(buffer.getMappedRange());
          kernels.forEach((k, i) => {
            // A clock may be set back between two of its readings.
            nanoseconds[k] = Math.max(0, Number(times[2 * i + 1] - times[2 * i]));
          });
          buffer.destroy();
        }
        if (nanoseconds.length !== heard.length) throw new Error("a dispatch went past the recorder");
        return heard.map((dispatch, i) => ({ ...dispatch, milliseconds: nanoseconds[i] / 1e6 }));
      });
    } finally {
      patches.restore();
      for (const { sets } of batches.values()) for (const set of sets) set.destroy();
    }
  }

  private async withRepeats(device: GPUDevice, work: () => Promise<unknown>, repeat: number): Promise<TimedDispatch[]> {
    const EXTRA = 8;
    const heard = await this.listening(async (list) => {
      await work();
      return list;
    });
    const kernels = [...new Set(heard.map(({ kernel }) => kernel))];
    let repeated: string | undefined;
    const patches = new Patches();
    const current = new WeakMap<GPUComputePassEncoder, string>();
    patches.replace(
      GPUComputePassEncoder.prototype,
      "setPipeline",
      (original) =>
        function (this: GPUComputePassEncoder, pipeline: GPUComputePipeline) {
          current.set(this, pipeline.label);
          return original.call(this, pipeline);
        },
    );
    patches.replace(
      GPUComputePassEncoder.prototype,
      "dispatchWorkgroups",
      (original) =>
        function (this: GPUComputePassEncoder, ...groups) {
          if (current.get(this) === repeated) for (let i = 0; i < EXTRA; i++) original.call(this, ...groups);
          return original.call(this, ...groups);
        },
    );
    const fastest = async () => {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i < repeat; i++) {
        const started = performance.now();
        await work();
        await device.queue.onSubmittedWorkDone();
        best = Math.min(best, performance.now() - started);
      }
      return best;
    };
    try {
      const each = new Map<string, number>();
      for (const kernel of kernels) {
        repeated = undefined;
        const alone = await fastest();
        repeated = kernel;
        const more = await fastest();
        const dispatches = heard.filter((d) => d.kernel === kernel).length;
        each.set(kernel, Math.max(0, more - alone) / EXTRA / dispatches);
      }
      return heard.map((dispatch) => ({ ...dispatch, milliseconds: each.get(dispatch.kernel)! }));
    } finally {
      patches.restore();
    }
  }

  restore(): void {
    this.patches.restore();
  }
}
