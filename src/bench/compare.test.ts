import fc from "fast-check";
import { expect, it } from "vitest";
import { disagreement, drawAgreement, relativeError, TOLERANCE } from "./agreement.ts";
import { type Comparison, compare, comparisonLines, median } from "./compare.ts";
import type { Contender } from "./contender.ts";
import { ort, pick } from "./ort.ts";
import { ours } from "./ours.ts";
import { NEW_TOKENS, workload } from "./workload.ts";

const CONFIG = {
  vocabSize: 104,
  hiddenSize: 32,
  layers: 2,
  heads: 2,
  headDim: 16,
  intermediateSize: 24,
  contextLength: 48,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
};
const work = workload(CONFIG, { prompts: 3, group: 2 });
const portable = async () => (await import("../policy/portable/node.ts")).createPortableEngine();
const options = { repeat: 2, progress: () => {}, cancelled: () => false };

it("takes a middle value", () => {
  expect(median([3])).toBe(3);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2);
  expect(() => median([])).toThrow(RangeError);
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1 }), (values) => {
      const m = median(values);
      expect(values.filter((v) => v < m).length).toBeLessThanOrEqual(values.length / 2);
      expect(values.filter((v) => v > m).length).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});

it("measures how far two vectors are apart, and nothing passes for close that is not a number", () => {
  expect(relativeError([3, 4], [3, 4])).toBe(0);
  expect(relativeError([3, 4.5], [3, 4])).toBeCloseTo(0.1);
  for (const bad of [[3], [3, Number.NaN]]) expect(relativeError(bad, [3, 4])).toBe(Number.POSITIVE_INFINITY);
  expect(disagreement({ loss: TOLERANCE.loss, gradient: 0 })).toBeUndefined();
  expect(disagreement({ loss: Number.NaN })).toMatch(/^loss/);
  expect(disagreement({ loss: 1, gradient: 0, update: 2 })).toBe("loss off by 1.0e+0, update off by 2.0e+0");
});

it("compares rows up to where they part", () => {
  const truth = { tokens: new Int32Array(4 * NEW_TOKENS), logProbs: new Float32Array(4 * NEW_TOKENS) };
  const draw = { tokens: truth.tokens.slice(), logProbs: truth.logProbs.slice() };
  expect(drawAgreement(draw, truth)).toEqual({ rows: 0, logProb: 0 });
  draw.tokens[NEW_TOKENS + 3] = 1;
  draw.logProbs[NEW_TOKENS + 3] = 9;
  draw.logProbs[2] = 0.5;
  expect(drawAgreement(draw, truth)).toEqual({ rows: 0.25, logProb: 0.5 });
  expect(disagreement(drawAgreement({ ...draw, logProbs: draw.logProbs.fill(Number.NaN) }, truth))).toMatch(/logProb/);
});

it("draws the smallest token whose cumulative probability exceeds the uniform", () => {
  const logits = [0, Math.log(2), Math.log(5)];
  expect([0, 0.12, 0.13, 0.37, 0.38, 0.99].map((u) => pick(logits, u)[0])).toEqual([0, 0, 1, 1, 2, 2]);
  expect(pick(logits, 0.5)[1]).toBeCloseTo(Math.log(5 / 8));
});

it("ONNX Runtime's plain loop with a cache draws what the portable engine draws", async () => {
  const engine = await portable();
  const runtime = await import("onnxruntime-node");
  let clock = 0;
  const { results } = await compare("rollouts", work, engine, [ort(runtime as never, "cpu", 1)], {
    ...options,
    processorTime: () => (clock += 3),
  });
  expect(results[0].problem).toBeUndefined();
  expect(results[0].milliseconds).toBeGreaterThan(0);
  expect(results[0].processorMilliseconds).toBe(3);
  expect(results[0].agreement!.rows).toBe(0);
  engine.dispose();
});

it("does not time a contender that computes something else, or fails, and says so", async () => {
  const engine = await portable();
  const arbiter = ours("portable", engine);
  const wrong: Contender = {
    name: "wrong",
    how: "",
    async train(w) {
      return arbiter.train!({ ...w, weights: w.weights.map((x) => x * 1.01) });
    },
  };
  const broken: Contender = { name: "broken", how: "", train: () => Promise.reject(new Error("no device\nat all")) };
  const unable: Contender = { name: "unable", how: "" };
  const { results } = await compare("train", work, engine, [arbiter, wrong, broken, unable], options);
  expect(results.map(({ name, milliseconds }) => [name, milliseconds !== undefined])).toEqual([
    ["portable", true],
    ["wrong", false],
    ["broken", false],
  ]);
  expect(results[1].problem).toMatch(/^disagrees: .*gradient/);
  expect(results[2].problem).toBe("failed: no device");
  const lines = comparisonLines({ part: "train", rounds: 2, stopped: false, results }).join("\n");
  expect(lines).toMatch(/wrong +not timed: disagrees/);
  engine.dispose();
});

it("stops when it is told to, and times nothing then", async () => {
  const engine = await portable();
  const arbiter = ours("portable", engine);
  const { results } = await compare("train", work, engine, [arbiter], { ...options, cancelled: () => true });
  expect(results).toEqual([expect.objectContaining({ name: "portable", problem: "not started" })]);
  engine.dispose();
});

it("stopped in the middle of a round, it has the rounds before, and says so", async () => {
  const engine = await portable();
  const arbiter = ours("portable", engine);
  let rounds = 0;
  const comparison = await compare("rollouts", work, engine, [arbiter, { ...arbiter, name: "again" }], {
    repeat: 5,
    progress: (message) => {
      rounds += Number(message.includes("round "));
    },
    cancelled: () => rounds === 3,
  });
  expect(comparison).toMatchObject({ rounds: 2, stopped: true });
  for (const { milliseconds } of comparison.results) expect(milliseconds).toBeGreaterThan(0);
  expect(comparisonLines(comparison)[0]).toBe("  rollouts, 32 tokens a row (stopped early: medians of 2 rounds)");
  engine.dispose();
});

it("prints ratios first", () => {
  const counts = {
    dispatches: 7,
    submits: 1,
    readBacks: 1,
    bytesReadBack: 16,
    bytesUploaded: 32,
    buffersCreated: 0,
    bytesAllocated: 0,
    bindGroupsCreated: 0,
    pipelinesCreated: 0,
  };
  const comparison: Comparison = {
    part: "train",
    rounds: 7,
    stopped: false,
    results: [
      { name: "webgpu", how: "", milliseconds: 10, processorMilliseconds: 18, firstMilliseconds: 2000, counts },
      { name: "jax-js", how: "", milliseconds: 25, processorMilliseconds: 27, firstMilliseconds: 20000 },
      { name: "ort-wasm", how: "", milliseconds: 5, firstMilliseconds: 100 },
    ],
  };
  expect(comparisonLines(comparison)).toEqual([
    "  one step of training",
    "    time ÷ ours (webgpu):  jax-js 2.50  ort-wasm 0.50",
    "    processor time ÷ ours (webgpu):  jax-js 1.50",
    "    webgpu    10.0 ms  18.0 ms of processor time  (first call 2.0 s)",
    "    jax-js    25.0 ms  27.0 ms of processor time  (first call 20.0 s)",
    "    ort-wasm  5.0 ms  (first call 0.1 s)",
    "    webgpu    7 dispatches  1 submits  1 read-backs of 16 bytes  32 bytes up  0 new buffers of 0 bytes  0 bind groups  0 pipelines",
  ]);
});
