import { type Data, type EngineBuffer, EngineError } from "../engine.ts";
import type { Device, DeviceBuffer } from "./device.ts";
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
  private readonly recorder: Recorder;
  private readonly holder: Holder;
  private host: Float32Array | undefined;
  private reading: Promise<Float32Array> | undefined;

  constructor(recorder: Recorder, storage: DeviceBuffer, length: number) {
    this.recorder = recorder;
    this.length = length;
    this.holder = { storage };
    forgotten.register(this, { device: recorder.device, holder: this.holder }, this.holder);
  }

  read(): Promise<Float32Array> {
    if (this.host) return Promise.resolve(this.host);
    this.reading ??= this.fetch();
    return this.reading;
  }

  private async fetch(): Promise<Float32Array> {
    const { storage } = this.holder;
    if (!storage) throw new EngineError("This result was released before it was read.");
    this.host = new Float32Array(await this.recorder.read({ source: storage, offset: 0, bytes: this.length * 4 }));
    this.release();
    return this.host;
  }

  /** The device's copy, for recording a dispatch now. One that must be uploaded for that is added to `temporary`. */
  storage(temporary: DeviceBuffer[]): DeviceBuffer {
    if (this.holder.storage) return this.holder.storage;
    if (!this.host) throw new EngineError("This result was released before it was used.");
    const uploaded = this.recorder.device.upload(this.host);
    temporary.push(uploaded);
    return uploaded;
  }

  /** Frees the device's copy. */
  release(): void {
    this.recorder.device.release(this.holder.storage);
    this.holder.storage = undefined;
  }
}

/**
 * Host or device data as a storage buffer, for recording now. What was uploaded or put together for this call is added to `temporary`.
 * @throws EngineError if the buffer belongs to another engine, RangeError if its length is not `length`.
 */
export function storageOf(recorder: Recorder, data: Data, name: string, temporary: DeviceBuffer[], length = data.length): DeviceBuffer {
  const { device } = recorder;
  if (data.length !== length) throw new RangeError(`${name} must have ${length} values, got ${data.length}`);
  if (data instanceof GpuBuffer) return data.storage(temporary);
  if (ArrayBuffer.isView(data)) {
    const buffer = device.upload(data as Float32Array);
    temporary.push(buffer);
    return buffer;
  }
  if (!("of" in data) || !(data.of instanceof GpuBuffer)) throw new EngineError(`${name} lies on another engine.`);
  const source = data.of.storage(temporary);
  const joined = device.acquire(4 * length);
  temporary.push(joined);
  let at = 0;
  for (const stretch of data.stretches) {
    recorder.copy(source, joined, 4 * stretch.length, 4 * stretch.from, 4 * at);
    at += stretch.length;
  }
  return joined;
}
