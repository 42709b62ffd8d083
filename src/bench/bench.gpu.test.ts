import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { createNodeWebgpuEngine } from "../policy/webgpu/node.ts";
import { failOnGpuErrors, testEngine } from "../policy/webgpu/testing.ts";
import { compare } from "./compare.ts";
import { COSTS } from "./costs.ts";
import { ApiCounter } from "./counting.ts";
import { ours } from "./ours.ts";
import { measureRoofline, rooflineLines } from "./roofline.ts";
import { workload } from "./workload.ts";

failOnGpuErrors();

const CONFIG = {
  vocabSize: 104,
  hiddenSize: 16,
  layers: 2,
  heads: 2,
  headDim: 8,
  intermediateSize: 24,
  contextLength: 48,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
};
const work = workload(CONFIG, { prompts: 3, group: 2 });

describe("our side of the comparison", () => {
  let portable: Engine;
  let counter: ApiCounter | undefined;
  beforeAll(async () => {
    portable = await createPortableEngine();
  });
  afterEach(() => counter?.restore());

  it("makes the portable engine's iteration, without new buffers", async () => {
    const engine = await testEngine();
    counter = new ApiCounter(globalThis);
    const options = { repeat: 1, counter, progress: () => {}, cancelled: () => false };
    const { results } = await compare("iteration", work, portable, [ours("webgpu", engine)], options);
    expect(results[0].problem).toBeUndefined();
    expect(results[0].agreement!.tokens).toBe(0);
    expect(results[0].counts).toMatchObject({ submits: 4, readBacks: 2, buffersCreated: 0, bytesAllocated: 0, pipelinesCreated: 0 });
  });

  it.each(["train", "rollouts"] as const)(
    "agrees with the portable engine at %s, and what it asks of the API is what it says",
    async (part) => {
      const engine = await testEngine();
      counter = new ApiCounter(globalThis);
      const contender = ours("webgpu", engine);
      const options = { repeat: 1, counter, progress: () => {}, cancelled: () => false };
      const { results } = await compare(part, work, portable, [contender], options);
      expect(results[0].problem).toBeUndefined();
      expect(results[0].counts).toMatchObject({ readBacks: 1, buffersCreated: 0, bytesAllocated: 0, pipelinesCreated: 0 });

      const doer = part === "train" ? await contender.train!(work) : await contender.sample!(work);
      const once = "step" in doer ? doer.step : () => doer.draw(0);
      await once();
      const before = engine.counters();
      const { counts } = await counter.during(async () => once());
      const after = engine.counters();
      for (const key of ["dispatches", "submits", "readBacks", "bytesUploaded", "buffersCreated"] as const)
        expect([key, counts[key]]).toEqual([key, after[key] - before[key]]);
      doer.dispose();
    },
  );
});

describe("the roofline", () => {
  const options = { repeat: 1, progress: () => {}, side: 64 };

  it("times every kernel by timestamps where there are some, and knows what each must do", async () => {
    const beginComputePass = GPUCommandEncoder.prototype.beginComputePass;
    const requestDevice = GPUAdapter.prototype.requestDevice;
    const roofline = await measureRoofline(() => createNodeWebgpuEngine(), work, options);
    expect([GPUCommandEncoder.prototype.beginComputePass, GPUAdapter.prototype.requestDevice]).toEqual([beginComputePass, requestDevice]);
    expect(roofline.peaks.flops).toBeGreaterThan(0);
    expect(roofline.peaks.bytes).toBeGreaterThan(0);
    for (const kernels of [roofline.train, roofline.rollouts]) {
      const costly = kernels.filter(({ kernel }) => kernel !== "clip_gradient");
      expect(costly.map(({ kernel }) => kernel).filter((kernel) => !Object.hasOwn(COSTS, kernel))).toEqual([]);
      expect(kernels.reduce((sum, { timeShare }) => sum + timeShare, 0)).toBeCloseTo(1);
    }
    expect(roofline.train.map(({ kernel }) => kernel)).toContain("adamw");
    expect(rooflineLines(roofline).join("\n")).toMatch(/adamw/);
  });

  it("repeats dispatches where there are no timestamps", async () => {
    const roofline = await measureRoofline(() => createNodeWebgpuEngine(), work, { ...options, timestamps: false });
    expect(roofline.method).toBe("repeated dispatches");
    expect(roofline.train.map(({ kernel }) => kernel)).toContain("adamw");
  });
});
