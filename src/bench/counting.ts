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

/** The classes of the API, as they are in a global scope. */
export interface ApiClasses {
  readonly GPUDevice: { readonly prototype: object };
  readonly GPUQueue: { readonly prototype: object };
  readonly GPUBuffer: { readonly prototype: object };
  readonly GPUComputePassEncoder: { readonly prototype: object };
}

const MAP_READ = 1;

/**
 * Counts every call of every library in this process, until `restore` puts the API's own methods back. Counting adds well under a
 * microsecond to a call, the same to everybody's.
 */
export class ApiCounter {
  private readonly counts: ApiCounts = { ...ZERO };
  private readonly undo: (() => void)[] = [];

  constructor(api: ApiClasses) {
    const { counts } = this;
    // biome-ignore lint/suspicious/noExplicitAny: the arguments are the API's, whichever method it is.
    const before = (target: { readonly prototype: object }, method: string, note: (self: any, args: any[]) => void) => {
      const { prototype } = target;
      const own = Object.getOwnPropertyDescriptor(prototype, method);
      // biome-ignore lint/suspicious/noExplicitAny: as above.
      const original = (prototype as any)[method];
      if (typeof original !== "function") return;
      Object.defineProperty(prototype, method, {
        configurable: true,
        writable: true,
        value(this: unknown, ...args: unknown[]) {
          note(this, args);
          return original.apply(this, args);
        },
      });
      this.undo.push(() => {
        if (own) Object.defineProperty(prototype, method, own);
        // biome-ignore lint/suspicious/noExplicitAny: as above.
        else delete (prototype as any)[method];
      });
    };
    for (const method of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"])
      before(api.GPUComputePassEncoder, method, () => {
        counts.dispatches++;
      });
    before(api.GPUQueue, "submit", () => {
      counts.submits++;
    });
    before(api.GPUQueue, "writeBuffer", (_, [, , data, offset = 0, size]) => {
      // Offset and size count elements of a typed array, bytes of a buffer.
      const width = ArrayBuffer.isView(data) && "BYTES_PER_ELEMENT" in data ? (data as Uint8Array).BYTES_PER_ELEMENT : 1;
      counts.bytesUploaded += size === undefined ? data.byteLength - offset * width : size * width;
    });
    before(api.GPUDevice, "createBuffer", (_, [{ size, mappedAtCreation }]) => {
      counts.buffersCreated++;
      counts.bytesAllocated += size;
      if (mappedAtCreation) counts.bytesUploaded += size;
    });
    before(api.GPUDevice, "createBindGroup", () => {
      counts.bindGroupsCreated++;
    });
    for (const method of ["createComputePipeline", "createComputePipelineAsync"])
      before(api.GPUDevice, method, () => {
        counts.pipelinesCreated++;
      });
    before(api.GPUBuffer, "mapAsync", (self, [mode, offset = 0, size = self.size - offset]) => {
      if ((mode & MAP_READ) === 0) return;
      counts.readBacks++;
      counts.bytesReadBack += size;
    });
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
    for (const undo of this.undo.splice(0).reverse()) undo();
  }
}
