import { type Data, type EngineBuffer, EngineError } from "../engine.ts";
import type { Device, DeviceBuffer, Range } from "./device.ts";
import type { Recorder } from "./recorder.ts";

interface Holder {
  storage: DeviceBuffer | undefined;
}

// Results that nobody reads go back to the pool when nobody can reach them any more.
const forgotten = new FinalizationRegistry<{ device: Device; holder: Holder }>(({ device, holder }) => {
  if (holder.storage) device.release(holder.storage);
});

/**
 * A float32 result on the device. Once read, it lives on the host and its device memory is free; a kernel that wants it
 * later gets it uploaded again.
 */
export class GpuBuffer implements EngineBuffer {
  readonly length: number;
  private readonly device: Device;
  private readonly holder: Holder;
  private host: Float32Array | undefined;
  private reading: Promise<Float32Array> | undefined;

  constructor(device: Device, storage: DeviceBuffer, length: number) {
    this.device = device;
    this.length = length;
    this.holder = { storage };
    forgotten.register(this, { device, holder: this.holder }, this.holder);
  }

  read(): Promise<Float32Array> {
    if (this.host) return Promise.resolve(this.host);
    this.reading ??= this.fetch();
    return this.reading;
  }

  private async fetch(): Promise<Float32Array> {
    const { storage } = this.holder;
    if (!storage) throw new EngineError("This result was released before it was read.");
    return this.arrived(await this.device.read(storage, 0, this.length * 4));
  }

  private arrived(bytes: ArrayBuffer): Float32Array {
    this.host = new Float32Array(bytes);
    this.release();
    return this.host;
  }

  /** What a read-back has to copy; undefined if nothing is left to copy, or somebody is reading already. */
  range(): Range | undefined {
    const { storage } = this.holder;
    if (!storage || this.host || this.reading || this.length === 0) return undefined;
    return { source: storage, offset: 0, bytes: this.length * 4 };
  }

  /** Takes the copy of `range` that is under way: reads wait for it. */
  expect(copy: Promise<ArrayBuffer>): void {
    this.reading = copy.then((bytes) => this.arrived(bytes));
    // Whoever reads gets the error; if nobody does, it is no unhandled one.
    this.reading.catch(() => {});
  }

  /** The device's copy, for recording a dispatch now. Call it before anything is recorded: it may upload. */
  storage(): DeviceBuffer {
    if (!this.holder.storage) {
      if (!this.host) throw new EngineError("This result was released before it was used.");
      this.holder.storage = this.device.acquire(this.length * 4);
      this.device.write(this.holder.storage, this.host);
    }
    return this.holder.storage;
  }

  /** Frees the device's copy. */
  release(): void {
    this.device.release(this.holder.storage);
    this.holder.storage = undefined;
  }
}

/**
 * Submits what is recorded, and brings `results` to the host in the same submit and map as `ranges`. Call it after all that is recorded
 * uses them.
 * @returns the bytes of `ranges`.
 */
export function submitAndBring(
  recorder: Recorder,
  results: readonly EngineBuffer[],
  ranges: readonly Range[] = [],
): Promise<ArrayBuffer[]> {
  const wanted: GpuBuffer[] = [];
  const all = [...ranges];
  for (const result of results) {
    const range = result instanceof GpuBuffer && !wanted.includes(result) ? result.range() : undefined;
    if (!range) continue;
    wanted.push(result as GpuBuffer);
    all.push(range);
  }
  if (all.length === 0) {
    recorder.submit();
    return Promise.resolve([]);
  }
  const copies = recorder.submitAndRead(all);
  wanted.forEach((result, i) => {
    result.expect(copies.then((bytes) => bytes[ranges.length + i]));
  });
  return copies;
}

/**
 * Host or device data as a storage buffer, for recording now. What was uploaded for this call is added to `temporary`.
 * @throws EngineError if the buffer belongs to another engine, or its length is not `length`.
 */
export function storageOf(device: Device, data: Data, name: string, temporary: DeviceBuffer[], length = data.length): DeviceBuffer {
  if (data.length !== length) throw new RangeError(`${name} must have ${length} values, got ${data.length}`);
  if (data instanceof GpuBuffer) return data.storage();
  if (!ArrayBuffer.isView(data)) throw new EngineError(`${name} lies on another engine.`);
  const buffer = device.acquire(data.byteLength);
  device.write(buffer, data as Float32Array);
  temporary.push(buffer);
  return buffer;
}
