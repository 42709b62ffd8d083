import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EngineError } from "../engine.ts";
import { Device, type DeviceBuffer } from "./device.ts";
import { nodeGpu } from "./node.ts";
import { program, Recorder } from "./recorder.ts";

const LENGTH = 64;

const add = program(
  "add",
  `struct Params { amount: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = x[id.x] + params.amount; }`,
);

let device: Device;
let recorder: Recorder;
beforeEach(async () => {
  device = await Device.create(await nodeGpu());
  recorder = new Recorder(device);
  await recorder.prepare([add]);
});
afterEach(() => device.dispose());

const filled = (value: number) => new Float32Array(LENGTH).fill(value);
/** Records y = x + amount. */
function sum(x: DeviceBuffer, amount: number): DeviceBuffer {
  const y = device.acquire(4 * LENGTH);
  recorder.dispatch(add, { x, y }, { amount }, [1]);
  return y;
}
const read = async (source: DeviceBuffer) => new Float32Array(await recorder.read({ source, offset: 0, bytes: 4 * LENGTH }));

describe("recorded work", () => {
  it("still sees what was uploaded for it, when that is released and something else is uploaded before the submit", async () => {
    const results: DeviceBuffer[] = [];
    for (const value of [1, 2, 3]) {
      const x = device.upload(filled(value));
      results.push(sum(x, 10));
      device.release(x);
    }
    expect(device.counters.submits).toBe(0);
    expect(await Promise.all(results.map(read))).toEqual([filled(11), filled(12), filled(13)]);
    expect(device.counters.submits).toBe(1);
    expect(device.errorMessages()).toEqual([]);
  });

  it("shares released buffers with kernels at once, and with uploads after the submit", async () => {
    const x = device.upload(filled(1));
    const y = sum(x, 1);
    device.release(x);
    const created = device.counters.buffersCreated;
    // A kernel may write over it: whatever was recorded before has read it by then.
    const again = device.acquire(4 * LENGTH);
    expect(again.id).toBe(x.id);
    device.release(again);
    expect(device.upload(filled(5)).id).not.toBe(x.id);
    expect(device.counters.buffersCreated).toBe(created + 1);
    recorder.submit();
    expect(device.upload(filled(6)).id).toBe(x.id);
    expect(await read(y)).toEqual(filled(2));
    expect(device.errorMessages()).toEqual([]);
  });

  it("is done before contents are replaced", async () => {
    const x = device.upload(filled(1));
    const y = sum(x, 1);
    device.overwrite(x, filled(7));
    expect(await Promise.all([read(y), read(sum(x, 1))])).toEqual([filled(2), filled(8)]);
  });

  it("stays as it was if a later recording fails half-way", async () => {
    const x = device.upload(filled(1));
    const y = sum(x, 1);
    expect(() =>
      recorder.record(() => {
        recorder.dispatch(add, { x, y }, { amount: 50 }, [1]);
        recorder.clear(x, 4 * LENGTH);
        throw new RangeError("no");
      }),
    ).toThrow("no");
    const z = sum(x, 3);
    expect(await Promise.all([read(y), read(z)])).toEqual([filled(2), filled(4)]);
    expect(device.counters.dispatches).toBe(2);
    expect(device.errorMessages()).toEqual([]);
  });

  it("that breaks off after a part of it was submitted counts as an error", () => {
    const x = device.upload(filled(1));
    expect(() =>
      recorder.record(() => {
        sum(x, 1);
        recorder.submit();
        sum(x, 2);
        throw new RangeError("no");
      }),
    ).toThrow("no");
    expect(recorder.waiting()).toBe(false);
    expect(device.errorMessages()).toEqual(["Work of the GPU broke off half-way: no"]);
  });

  it("beyond what one submit takes goes in several, with the same results", async () => {
    let x = device.upload(filled(0));
    for (let i = 0; i < 5000; i++) {
      const y = sum(x, 1);
      device.release(x);
      x = y;
    }
    expect(await read(x)).toEqual(filled(5000));
    expect(device.counters.submits).toBe(2);
    expect(device.errorMessages()).toEqual([]);
  });
});

describe("calls that recorded a lot", () => {
  it("are submitted without waiting for a read", async () => {
    const x = device.upload(filled(1));
    const call = (operations: number) =>
      recorder.record(() => {
        recorder.weigh(operations);
        return sum(x, 1);
      });
    for (let i = 0; i < 4; i++) call(12e9);
    expect(device.counters.submits).toBe(0);
    const y = call(12e9);
    expect([device.counters.submits, recorder.waiting()]).toEqual([1, false]);
    call(12e9);
    expect(device.counters.submits).toBe(1);
    for (let i = 0; i < 2047; i++) call(0);
    expect(device.counters.submits).toBe(2);
    expect(await read(y)).toEqual(filled(2));
  });
});

describe("work that the device refuses", () => {
  it("fails every read, and every call after it", async () => {
    const x = device.upload(filled(1));
    const y = sum(x, 1);
    // Beyond the buffer's end.
    recorder.copy(x, y, 4 * LENGTH, 0, 4 * LENGTH);
    const first = read(y);
    await expect(first).rejects.toThrow(EngineError);
    await expect(first).rejects.toThrow(/^The GPU refused work: /);
    expect(() => device.acquire(4)).toThrow("The GPU refused work");
    await expect(read(x)).rejects.toThrow("The GPU refused work");
    expect(device.errorMessages()).toHaveLength(1);
  });

  it("fails the reads of work that was sent after it, too", async () => {
    const x = device.upload(filled(1));
    const y = sum(x, 1);
    recorder.copy(x, y, 4 * LENGTH, 0, 4 * LENGTH);
    recorder.submit();
    await expect(read(sum(x, 2))).rejects.toThrow("The GPU refused work");
    expect(device.errorMessages()).toHaveLength(1);
  });
});
