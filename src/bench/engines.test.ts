import { expect, it } from "vitest";
import { createPortableEngine } from "../policy/portable/node.ts";
import { ENGINE_PARTS, type EngineMeasurement, engineLines, measureEngines } from "./engines.ts";

const CONFIG = {
  vocabSize: 104,
  hiddenSize: 16,
  layers: 1,
  heads: 2,
  headDim: 8,
  intermediateSize: 24,
  contextLength: 80,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
};

it("times every part on every engine, and takes the first engine as one", async () => {
  const engine = await createPortableEngine();
  let clock = 0;
  const progress: string[] = [];
  const results = await measureEngines(
    new Map([
      ["portable", engine],
      ["again", engine],
    ]),
    CONFIG,
    { prompts: 1, group: 2 },
    2,
    { progress: (message) => progress.push(message), cancelled: () => false, processorTime: () => (clock += 4) },
  );
  expect(progress).toEqual(["warming up", "round 1 of 2", "round 2 of 2"]);
  expect(results.map(({ engine }) => engine)).toEqual(["portable", "again"]);
  for (const { milliseconds, processorMilliseconds, counts } of results) {
    for (const part of ENGINE_PARTS) {
      expect(milliseconds[part]).toBeGreaterThan(0);
      expect(processorMilliseconds![part]).toBe(4);
    }
    expect(counts).toBeUndefined();
  }
  engine.dispose();
});

it("prints ratios first", () => {
  const result = (engine: string, ms: number): EngineMeasurement => ({
    engine,
    label: "",
    milliseconds: { decode: ms, score: 2 * ms, update: 3 * ms, iteration: 4 * ms },
    decodedTokensPerSecond: 100,
  });
  expect(engineLines([result("portable", 1), result("webgpu", 2)])).toEqual([
    "  webgpu time ÷ portable time:  decode 2.00  score 2.00  update 2.00  iteration 2.00",
    "  portable    decode 1.0 ms  score 2.0 ms  update 3.0 ms  iteration 4.0 ms  100 decoded tokens/s",
    "  webgpu      decode 2.0 ms  score 4.0 ms  update 6.0 ms  iteration 8.0 ms  100 decoded tokens/s",
  ]);
  expect(engineLines([result("portable", 1)])).toHaveLength(1);
  // Each is held against the first.
  expect(engineLines([result("portable", 1), result("webgpu", 2), result("webgpu-f16", 3)]).slice(0, 2)).toEqual([
    "  webgpu time ÷ portable time:  decode 2.00  score 2.00  update 2.00  iteration 2.00",
    "  webgpu-f16 time ÷ portable time:  decode 3.00  score 3.00  update 3.00  iteration 3.00",
  ]);
});
