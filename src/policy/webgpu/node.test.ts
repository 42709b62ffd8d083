import { expect, it } from "vitest";
import { createNodeWebgpuEngine, nodeGpu } from "./node.ts";
import { TOY, testBatch, testWeights } from "./testing.ts";

// In a file of its own: nobody has asked for the GPU before.
it("makes one GPU object for engines that are created at the same time, and they work side by side", async () => {
  const engines = await Promise.all([createNodeWebgpuEngine(), createNodeWebgpuEngine()]);
  const [a, b] = await Promise.all([nodeGpu(), nodeGpu()]);
  expect(a).toBe(b);
  const policies = await Promise.all(engines.map((engine) => engine.load(TOY, testWeights(TOY))));
  const batch = testBatch(TOY, [
    [3, 5],
    [2, 7],
  ]);
  const [first, second] = await Promise.all(policies.map(async (policy) => (await policy.forward(batch, {})).logProb.read()));
  expect(first.length).toBeGreaterThan(0);
  expect(first).toEqual(second);
  for (const engine of engines) engine.dispose();
});

it("gives callers that come together the same object", async () => {
  const asked = [nodeGpu(), nodeGpu()];
  expect(asked[0]).toBe(asked[1]);
  await asked[0];
});
