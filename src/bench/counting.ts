import { Patches } from "./patches.ts";

/** What was asked of the WebGPU API: the same on every machine, and what decides speed on a GPU. */
export interface ApiCounts {
  /** Kernels started. */
  dispatches: number;
  /** Command buffers sent, in so many calls. */
  submits: number;
  /** Buffers mapped for reading, and their bytes. */
  readBacks: number;
  bytesReadBack: number;
  /** Written by `writeBuffer` or into buffers that are created mapped. */
  bytesUploaded: number;
  buffersCreated: number;
  bytesAllocated: number;
  bindGroupsCreated: number;
  pipelinesCreated: number;
}

const ZERO: ApiCounts = {
  dispatches: 0,
  submits: 0,
  readBacks: 0,
  bytesReadBack: 0,
  bytesUploaded: 0,
  buffersCreated: 0,
  bytesAllocated: 0,
  bindGroupsCreated: 0,
  pipelinesCreated: 0,
};

/** The classes of the API, as they are in a global scope; absent where nobody has loaded it. */
export type ApiClasses = Readonly<
  Partial<Record<"GPUDevice" | "GPUQueue" | "GPUBuffer" | "GPUComputePassEncoder", { readonly prototype: object }>>
>;

const MAP_READ = 1;

/**
 * Counts every call of every library in this process, until `restore` puts the API's own methods back. Counting adds well under a
 * microsecond to a call, the same to everybody's.
 */
export class ApiCounter {
  private readonly counts: ApiCounts = { ...ZERO };
  private readonly patches = new Patches();

  constructor(api: ApiClasses) {
    const { counts, patches } = this;
    for (const method of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"] as const)
      patches.before<GPUComputePassEncoder, typeof method>(api.GPUComputePassEncoder?.prototype, method, () => {
        counts.dispatches++;
      });
    patches.before<GPUQueue, "submit">(api.GPUQueue?.prototype, "submit", () => {
      counts.submits++;
    });
    patches.before<GPUQueue, "writeBuffer">(api.GPUQueue?.prototype, "writeBuffer", (_, [, , data, offset = 0, size]) => {
      // Offset and size count elements of a typed array, bytes of a buffer.
      const width = ArrayBuffer.isView(data) && "BYTES_PER_ELEMENT" in data ? Number(data.BYTES_PER_ELEMENT) : 1;
      counts.bytesUploaded += size === undefined ? (data?.byteLength ?? 0) - offset * width : size * width;
    });
    patches.before<GPUDevice, "createBuffer">(api.GPUDevice?.prototype, "createBuffer", (_, [descriptor]) => {
      const { size = 0, mappedAtCreation } = descriptor ?? {};
      counts.buffersCreated++;
      counts.bytesAllocated += size;
      if (mappedAtCreation) counts.bytesUploaded += size;
    });
    patches.before<GPUDevice, "createBindGroup">(api.GPUDevice?.prototype, "createBindGroup", () => {
      counts.bindGroupsCreated++;
    });
    for (const method of ["createComputePipeline", "createComputePipelineAsync"] as const)
      patches.before<GPUDevice, typeof method>(api.GPUDevice?.prototype, method, () => {
        counts.pipelinesCreated++;
      });
    patches.before<GPUBuffer, "mapAsync">(
      api.GPUBuffer?.prototype,
      "mapAsync",
      (self, [mode = 0, offset = 0, size = self.size - offset]) => {
        if ((mode & MAP_READ) === 0) return;
        counts.readBacks++;
        counts.bytesReadBack += size;
      },
    );
  }

  /** What `work` asked of the API, and its result. */
  async during<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly counts: ApiCounts }> {
    const before = { ...this.counts };
    const result = await work();
    const counts = { ...ZERO };
    for (const key of Object.keys(counts) as (keyof ApiCounts)[]) counts[key] = this.counts[key] - before[key];
    return { result, counts };
  }

  restore(): void {
    this.patches.restore();
  }
}
