import { EngineError } from "../engine.ts";

/** A storage buffer of the pool. Its size in bytes is at least what was asked for; contents are whatever was there before. */
export interface DeviceBuffer {
  readonly id: number;
  readonly buffer: GPUBuffer;
  readonly bytes: number;
}

/** Bytes to read back. */
export interface Range {
  readonly source: DeviceBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** What happened on the API since the device was made: the numbers that decide speed on a real GPU. */
export interface DeviceCounters {
  dispatches: number;
  submits: number;
  readBacks: number;
  /** Those that arrived when nothing else was submitted: meanwhile the device had no work. */
  blockingReadBacks: number;
  bytesReadBack: number;
  bytesUploaded: number;
  /** Storage and staging buffers; the pool's reuse makes none. */
  buffersCreated: number;
  bytesAllocated: number;
}

/** The adapter has no 16-bit numbers. */
export class NoHalfError extends EngineError {}

/** Buffers kept for reuse; beyond this many bytes they are destroyed instead. */
const POOL_BYTES = 512 * 2 ** 20;

/**
 * A GPU device with the bookkeeping that every kernel needs: errors that are counted and never lost, a pool of storage buffers, and
 * read-backs. An upload lands before all that is submitted later, so it must not go into a buffer that recorded work still uses: a
 * buffer that is released while work waits to be submitted is free for kernels at once, but for uploads only after the submit.
 */
export class Device {
  readonly gpu: GPUDevice;
  readonly label: string;
  /** True when the adapter runs on the processor: right answers, slowly. */
  readonly software: boolean;
  /** Among how many invocations, 8 or 4, kernels may share what they load; 0 if the adapter has no subgroups, or runs on hardware. */
  readonly sharers: number;
  readonly lost: Promise<{ reason: string }>;
  readonly counters: DeviceCounters = {
    dispatches: 0,
    submits: 0,
    readBacks: 0,
    blockingReadBacks: 0,
    bytesReadBack: 0,
    bytesUploaded: 0,
    buffersCreated: 0,
    bytesAllocated: 0,
  };
  /** Called with the id of each buffer that is destroyed, so that bind groups can be dropped. */
  onDestroy: (id: number) => void = () => {};

  /** What is recorded and not submitted yet; a recorder puts itself here. */
  recorder: { waiting(): boolean; submit(): void } = { waiting: () => false, submit() {} };

  private readonly errors: string[] = [];
  private readonly free = new Pool();
  /** Released, but perhaps used by recorded work. */
  private readonly used = new Pool();
  private readonly live = new Set<DeviceBuffer>();
  private readonly staging = new Map<number, GPUBuffer[]>();
  private nextId = 1;
  private allocations: Promise<GPUError | null>[] = [];
  /** The verdict on the last submit. */
  private accepted: Promise<void> = Promise.resolve();
  private refusal: string | undefined;
  private disposed = false;
  private goneBecause: string | undefined;

  private constructor(gpu: GPUDevice, label: string, software: boolean, sharers: number) {
    this.gpu = gpu;
    this.label = label;
    this.software = software;
    this.sharers = sharers;
    gpu.addEventListener("uncapturederror", (event) => this.fault((event as GPUUncapturedErrorEvent).error.message));
    this.lost = new Promise((resolve) => {
      gpu.lost.then((info) => {
        this.goneBecause = info.message || info.reason || "unknown";
        if (!this.disposed) resolve({ reason: this.goneBecause });
      });
    });
  }

  /**
   * Asks for an adapter and a device with default limits and no optional feature but 16-bit numbers, if `half` says so, and software adapters' subgroups.
   * @throws NoHalfError if the adapter has none, EngineError if there is no adapter or it gives no device.
   */
  static async create(gpu: GPU, half = false): Promise<Device> {
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) throw new EngineError("This browser or machine has no WebGPU adapter.");
    const info = adapter.info;
    const name = info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(" ") || "GPU";
    const software =
      Boolean(info.isFallbackAdapter) || /llvmpipe|lavapipe|swiftshader|software|basic render/i.test(`${name} ${info.architecture}`);
    if (half && !adapter.features.has("shader-f16"))
      throw new NoHalfError(`Weights of 16 bits cannot be used on ${name}: it has no 16-bit numbers (shader-f16).`);
    // Subgroups are for kernels of software adapters; their sizes are powers of two.
    const subgroup = software && adapter.features.has("subgroups") ? (info.subgroupMinSize ?? 0) : 0;
    const sharers = subgroup >= 8 ? 8 : subgroup === 4 ? 4 : 0;
    let device: GPUDevice;
    try {
      device = await adapter.requestDevice({
        requiredFeatures: [...(half ? ["shader-f16" as const] : []), ...(sharers ? ["subgroups" as const] : [])],
      });
    } catch (error) {
      throw new EngineError(`The WebGPU adapter ${name} gave no device: ${(error as Error).message}`);
    }
    return new Device(device, software ? `${name} (software)` : name, software, sharers);
  }

  /** Records an error for `errorCount`. */
  fault(message: string): void {
    this.errors.push(message);
  }

  errorMessages(): readonly string[] {
    return this.errors;
  }

  /** @throws EngineError if the device is gone, or refused work that was submitted: what depends on that work would be wrong. */
  checkAlive(): void {
    if (this.disposed) throw new EngineError("The GPU engine was closed.");
    if (this.refusal !== undefined) throw new EngineError(`The GPU refused work: ${this.refusal}`);
    if (this.goneBecause !== undefined) throw new EngineError(`The GPU device was lost: ${this.goneBecause}`);
  }

  /**
   * A storage buffer of at least `bytes` for kernels to write, from the pool if one is free. A new one may turn out not to exist:
   * `settle` says so.
   * @throws EngineError if one binding cannot hold it.
   */
  acquire(bytes: number): DeviceBuffer {
    const size = this.sizeFor(bytes);
    return this.lend(this.used.take(size) ?? this.free.take(size) ?? this.create(size));
  }

  /**
   * A storage buffer that holds `data` for all work submitted from now on.
   * @throws EngineError if one binding cannot hold it.
   */
  upload(data: Float32Array | Int32Array | Uint32Array | Uint16Array): DeviceBuffer {
    const size = this.sizeFor(data.byteLength);
    const buffer = this.lend(this.free.take(size) ?? this.create(size));
    this.write(buffer, data);
    return buffer;
  }

  /** Replaces a buffer's contents, after all that is recorded. */
  overwrite(target: DeviceBuffer, data: Float32Array | Int32Array | Uint32Array | Uint16Array): void {
    this.recorder.submit();
    this.write(target, data);
  }

  private write(target: DeviceBuffer, data: Float32Array | Int32Array | Uint32Array | Uint16Array): void {
    if (data.byteLength === 0) return;
    this.gpu.queue.writeBuffer(target.buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    this.counters.bytesUploaded += data.byteLength;
  }

  private sizeFor(bytes: number): number {
    this.checkAlive();
    const limit = this.gpu.limits.maxStorageBufferBindingSize;
    const size = bucket(bytes, limit);
    if (size > limit) {
      throw new EngineError(
        `The GPU ${this.label} holds at most ${Math.floor(limit / 2 ** 20)} MiB in one buffer, and ${Math.ceil(bytes / 2 ** 20)} MiB are needed.`,
      );
    }
    return size;
  }

  private create(size: number): DeviceBuffer {
    this.gpu.pushErrorScope("out-of-memory");
    const buffer = this.gpu.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
    this.allocations.push(this.gpu.popErrorScope());
    this.counters.buffersCreated++;
    this.counters.bytesAllocated += size;
    return { id: this.nextId++, buffer, bytes: size };
  }

  private lend(buffer: DeviceBuffer): DeviceBuffer {
    this.live.add(buffer);
    return buffer;
  }

  /** Gives buffers back. Work that is recorded or submitted already still sees their contents. */
  release(...buffers: (DeviceBuffer | undefined)[]): void {
    const pool = this.recorder.waiting() ? this.used : this.free;
    for (const b of buffers) if (b && this.live.delete(b)) pool.put(b);
    this.shrink();
  }

  /** Nothing waits to be submitted any more: what was released meanwhile is free. */
  submitted(): void {
    for (const b of this.used.takeAll()) this.free.put(b);
    this.shrink();
  }

  private shrink(): void {
    while (this.free.bytes > POOL_BYTES) {
      const b = this.free.takeLargest();
      this.onDestroy(b.id);
      b.buffer.destroy();
    }
  }

  /**
   * Waits until every allocation made so far is known to exist. Costs nothing when none is new.
   * @throws EngineError if the device ran out of memory.
   */
  async settle(): Promise<void> {
    if (this.allocations.length === 0) return;
    const pending = this.allocations;
    this.allocations = [];
    const failed = (await Promise.all(pending)).filter((e) => e !== null);
    if (failed.length === 0) return;
    for (const e of failed) this.fault(e.message);
    throw new EngineError(
      `The GPU ${this.label} has too little memory for this policy and batch (${Math.round(this.counters.bytesAllocated / 2 ** 20)} MiB asked for).`,
    );
  }

  /** Submits a finished recording. If the device refuses it, this and every later read fails, and so does whatever comes after. */
  submit(encoder: GPUCommandEncoder): void {
    this.gpu.pushErrorScope("validation");
    this.gpu.queue.submit([encoder.finish()]);
    this.counters.submits++;
    this.accepted = Promise.all([this.gpu.popErrorScope().catch(() => null), this.accepted]).then(([error]) => {
      if (!error) return;
      this.refusal ??= error.message;
      this.fault(error.message);
    });
  }

  /** Records copies for a read-back; what it returns waits for them, and must be called after the encoder's work was submitted. */
  stage(encoder: GPUCommandEncoder, ranges: readonly Range[]): () => Promise<ArrayBuffer[]> {
    const total = ranges.reduce((sum, r) => sum + align(r.bytes, 8), 0);
    const size = bucket(total, Number.POSITIVE_INFINITY);
    let staging = this.staging.get(size)?.pop();
    if (!staging) {
      staging = this.gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
      this.counters.buffersCreated++;
      this.counters.bytesAllocated += size;
    }
    const target = staging;
    let at = 0;
    for (const r of ranges) {
      encoder.copyBufferToBuffer(r.source.buffer, r.offset, target, at, align(r.bytes, 4));
      at += align(r.bytes, 8);
    }
    this.counters.readBacks++;
    this.counters.bytesReadBack += total;
    return async () => {
      const { submits } = this.counters;
      try {
        await Promise.all([target.mapAsync(GPUMapMode.READ, 0, align(total, 8)), this.accepted]);
      } catch (error) {
        throw new EngineError(`The GPU gave no answer: ${this.goneBecause ?? (error as Error).message}`);
      }
      this.checkAlive();
      if (this.counters.submits === submits) this.counters.blockingReadBacks++;
      const mapped = target.getMappedRange(0, align(total, 8));
      let from = 0;
      const copies = ranges.map((r) => {
        const copy = mapped.slice(from, from + r.bytes);
        from += align(r.bytes, 8);
        return copy;
      });
      target.unmap();
      const list = this.staging.get(size);
      if (list) list.push(target);
      else this.staging.set(size, [target]);
      return copies;
    };
  }

  /** Bytes in use by buffers that were acquired and not released. */
  liveBytes(): number {
    let sum = 0;
    for (const b of this.live) sum += b.bytes;
    return sum;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.gpu.destroy();
  }
}

/** Buffers by size. The oldest goes first, so that the same work gets the same buffers each time, and bind groups can be kept. */
class Pool {
  bytes = 0;
  private readonly bySize = new Map<number, DeviceBuffer[]>();

  put(buffer: DeviceBuffer): void {
    this.bytes += buffer.bytes;
    const list = this.bySize.get(buffer.bytes);
    if (!list) {
      this.bySize.set(buffer.bytes, [buffer]);
      return;
    }
    let at = list.length;
    while (at > 0 && list[at - 1].id < buffer.id) at--;
    list.splice(at, 0, buffer);
  }

  take(size: number): DeviceBuffer | undefined {
    const buffer = this.bySize.get(size)?.pop();
    if (buffer) this.bytes -= size;
    return buffer;
  }

  takeLargest(): DeviceBuffer {
    const sizes = [...this.bySize].filter(([, list]) => list.length > 0).map(([size]) => size);
    return this.take(Math.max(...sizes))!;
  }

  takeAll(): DeviceBuffer[] {
    const all = [...this.bySize.values()].flat();
    this.bySize.clear();
    this.bytes = 0;
    return all;
  }
}

function align(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}

/** Sizes come in steps of 2ⁿ and 1.5·2ⁿ, so that batches of similar size share buffers; above the limit, exactly. */
function bucket(bytes: number, limit: number): number {
  const wanted = Math.max(256, align(bytes, 16));
  let size = 256;
  while (size < wanted) size = Number.isInteger(Math.log2(size)) ? size * 1.5 : (size / 3) * 4;
  return size <= limit ? size : wanted;
}
