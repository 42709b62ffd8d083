import { afterEach, expect, it } from "vitest";
import type { Finding } from "../policy/choose.ts";
import type { Engine } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { nodeGpu } from "../policy/webgpu/node.ts";
import { openEngine } from "./engines.ts";

const engines: Engine[] = [];
afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});

async function open(gpu: GPU, finding: Finding) {
  const opened = await openEngine("webgpu-f16", {
    isSecureContext: true,
    gpu,
    createPortable: () => createPortableEngine(),
    findings: { recall: async () => finding, remember: async () => {} },
  });
  engines.push(opened.engine);
  return opened;
}

it("opens a GPU with weights of 16 bits, and says so", async () => {
  const { engine, status } = await open(await nodeGpu(), { passed: true });
  expect(engine.plan).toMatchObject({ weights: "f16", kernels: "fast" });
  expect(status).toMatchObject({ kind: "webgpu", half: true, label: expect.stringMatching(/, 16-bit weights$/) });
});

it("where the GPU has no 16-bit numbers, opens what serves best without them, and says why", async () => {
  const gpu = await nodeGpu();
  const without = {
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = (await gpu.requestAdapter(options))!;
      return { info: adapter.info, features: new Set(), requestDevice: () => adapter.requestDevice() };
    },
  } as unknown as GPU;
  const { engine, status } = await open(without, { slower: "is slow" });
  expect(engine.kind).toBe("portable");
  expect(status.half).toBeUndefined();
  expect(status.note).toMatch(
    /^Weights of 16 bits cannot be used on .+: it has no 16-bit numbers \(shader-f16\)\. .+ is slow, which is used instead\.$/,
  );
});
