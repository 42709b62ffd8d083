import { describe, expect, it } from "vitest";
import { EngineError, type Kernel } from "../engine.ts";
import { rowKeys, STREAM } from "../random.ts";
import { Device } from "./device.ts";
import { createWebgpuEngine, WebgpuEngine } from "./engine.ts";
import { createNodeWebgpuEngine, nodeGpu } from "./node.ts";
import { TOY, testBatch, testWeights } from "./testing.ts";

const STEP = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, maxGradNorm: 1 };

describe("an engine", () => {
  it("says which adapter it runs on", async () => {
    const engine = await createNodeWebgpuEngine();
    expect(engine.label.length).toBeGreaterThan(3);
    if (engine.software) expect(engine.label).toContain("(software)");
    engine.dispose();
  });

  it("allocates nothing after the first iterations, and submits once for the draw and once for the update", async () => {
    const engine = await createNodeWebgpuEngine();
    const policy = await engine.load(TOY, testWeights(TOY));
    const prompts = [Int32Array.of(1, 5, 6), Int32Array.of(1, 7)];
    const keys = rowKeys({ seed: 1, stream: STREAM.rollouts, step: 0 }, [0, 1]);
    const batch = testBatch(TOY, [
      [3, 5],
      [2, 7],
    ]);
    const iterate = async () => {
      await policy.generate({ prompts, maxNewTokens: 8, temperature: 1, stopTokens: [], keys });
      const handle = await policy.forward(batch, { entropy: true });
      await policy.backward(handle, { logProb: new Float32Array(12).fill(0.1) });
      const update = await policy.apply(STEP);
      await Promise.all([update.read(), handle.logProb.read(), handle.entropy!.read()]);
    };
    for (let i = 0; i < 3; i++) await iterate();
    const before = engine.counters();
    for (let i = 0; i < 3; i++) await iterate();
    const after = engine.counters();
    expect(after.buffersCreated).toBe(before.buffersCreated);
    expect((after.submits - before.submits) / 3).toBe(2);
    expect((after.readBacks - before.readBacks) / 3).toBe(2);
    expect(engine.errorCount()).toBe(0);
    engine.dispose();
  });

  it("starts work when it is told to, or when something is read, and brings together what is read in one turn", async () => {
    const engine = await createNodeWebgpuEngine();
    const policy = await engine.load(TOY, testWeights(TOY));
    const batch = testBatch(TOY, [
      [3, 5],
      [2, 7],
    ]);
    const counts = async (work: () => Promise<unknown>) => {
      const before = engine.counters();
      await work();
      const after = engine.counters();
      return [after.submits - before.submits, after.readBacks - before.readBacks];
    };
    // What loading recorded goes along with the first submit.
    const handle = await policy.forward(batch, { entropy: true });
    expect(await counts(() => engine.start())).toEqual([1, 0]);
    expect(await counts(() => engine.start())).toEqual([0, 0]);
    expect(await counts(() => policy.backward(handle, { logProb: new Float32Array(12).fill(0.1) }))).toEqual([0, 0]);
    expect(await counts(() => Promise.all([handle.logProb.read(), handle.entropy!.read(), handle.logProb.read()]))).toEqual([1, 1]);
    // What is on the host already is not copied again.
    expect(await counts(() => Promise.all([handle.logProb.read(), handle.entropy!.read()]))).toEqual([0, 0]);
    engine.dispose();
  });

  it("reports a lost device once, and every later call is an EngineError", async () => {
    const device = await Device.create(await nodeGpu());
    const engine = new WebgpuEngine(device, {});
    const policy = await engine.load(TOY, testWeights(TOY));
    const handle = await policy.forward(testBatch(TOY, [[2, 3]]), {});
    const pending = handle.logProb.read();
    device.gpu.destroy();
    expect((await engine.lost).reason.length).toBeGreaterThan(0);
    await pending.catch((error) => expect(error).toBeInstanceOf(EngineError));
    await expect(policy.forward(testBatch(TOY, [[2, 3]]), {})).rejects.toThrow(EngineError);
    await expect(policy.save()).rejects.toThrow("The GPU device was lost");
  });

  it("turns too little memory into one sentence", async () => {
    const device = await Device.create(await nodeGpu());
    expect(() => device.acquire(2 ** 33)).toThrow(EngineError);
    const real = device.gpu.popErrorScope.bind(device.gpu);
    device.gpu.popErrorScope = async () => {
      await real();
      return { message: "out of memory" };
    };
    const engine = new WebgpuEngine(device, {});
    await expect(engine.load(TOY, testWeights(TOY))).rejects.toThrow(/has too little memory for this policy and batch/);
    expect(engine.errorCount()).toBeGreaterThan(0);
    engine.dispose();
  });

  it("counts an invalid kernel and names it", async () => {
    const engine = await createNodeWebgpuEngine();
    const broken: Kernel = {
      name: "broken",
      wgsl: "@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() { y[0] = 1; nonsense }",
      inputs: [],
      outputs: [{ name: "y", length: () => 1 }],
      params: [],
      workgroups: () => [1, 1, 1],
      twin: () => ({ y: Float32Array.of(1) }),
    };
    await expect(engine.runKernel(broken, {}, {})).rejects.toThrow(/^The kernel broken does not compile/);
    expect(engine.errorCount()).toBe(1);
    expect(engine.errorMessages()[0]).toContain("broken");
    engine.dispose();
  });

  it("is refused without an adapter", async () => {
    const none = { requestAdapter: async () => null } as unknown as GPU;
    await expect(createWebgpuEngine(none)).rejects.toThrow("no WebGPU adapter");
  });
});
