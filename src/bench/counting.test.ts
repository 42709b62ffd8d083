import { expect, it } from "vitest";
import { ApiCounter } from "./counting.ts";

/** Stand-ins with the API's methods; they answer what they were given, so that a swallowed argument or result shows. */
class Queue {
  submit(list: unknown[]) {
    return ["submit", list.length];
  }
  writeBuffer(...args: unknown[]) {
    return args.length;
  }
}
class Device {
  createBuffer(descriptor: { size: number }) {
    return descriptor;
  }
  createBindGroup() {
    return "group";
  }
  createComputePipeline() {
    return "pipeline";
  }
  async createComputePipelineAsync() {
    return "pipeline";
  }
}
class Buffer {
  readonly size = 64;
  async mapAsync() {
    return "mapped";
  }
}
class Pass {
  dispatchWorkgroups(...groups: number[]) {
    return groups;
  }
}
const api = { GPUDevice: Device, GPUQueue: Queue, GPUBuffer: Buffer, GPUComputePassEncoder: Pass };
const methods = () =>
  [Queue, Device, Buffer, Pass].flatMap(({ prototype }) =>
    Object.getOwnPropertyNames(prototype).map((name) => Object.getOwnPropertyDescriptor(prototype, name)!.value),
  );

it("counts what each call asks for, hands arguments and results through, and puts the methods back", async () => {
  const before = methods();
  const counter = new ApiCounter(api);
  new Pass().dispatchWorkgroups(9);
  const { result, counts } = await counter.during(async () => {
    const [device, queue, buffer, pass] = [new Device(), new Queue(), new Buffer(), new Pass()];
    queue.writeBuffer({}, 0, new Float32Array(10));
    queue.writeBuffer({}, 0, new Float32Array(10), 2, 3);
    queue.writeBuffer({}, 0, new ArrayBuffer(100), 50);
    device.createBuffer({ size: 128 });
    device.createBuffer({ size: 32, mappedAtCreation: true } as { size: number });
    device.createBindGroup();
    device.createComputePipeline();
    await device.createComputePipelineAsync();
    const map = buffer.mapAsync as (mode: number, offset?: number, size?: number) => Promise<string>;
    await map.call(buffer, 1);
    await map.call(buffer, 1, 16);
    await map.call(buffer, 1, 16, 8);
    await map.call(buffer, 2);
    return [queue.submit([1, 2]), pass.dispatchWorkgroups(3, 4, 5)];
  });
  expect(result).toEqual([
    ["submit", 2],
    [3, 4, 5],
  ]);
  expect(counts).toEqual({
    dispatches: 1,
    submits: 1,
    readBacks: 3,
    bytesReadBack: 64 + 48 + 8,
    bytesUploaded: 40 + 12 + 50 + 32,
    buffersCreated: 2,
    bytesAllocated: 160,
    bindGroupsCreated: 1,
    pipelinesCreated: 2,
  });
  counter.restore();
  expect(methods()).toEqual(before);
  expect((await counter.during(async () => new Pass().dispatchWorkgroups(1))).counts.dispatches).toBe(0);
});

it("leaves methods out that an implementation does not have", () => {
  const counter = new ApiCounter({ ...api, GPUBuffer: class {} });
  counter.restore();
});
