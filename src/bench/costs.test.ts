import { expect, it } from "vitest";
import { POLICY_CONFIGS, parameterCount } from "../policy/config.ts";
import { byKernel, COSTS, costContext, shares } from "./costs.ts";
import { NEW_TOKENS, workload } from "./workload.ts";

const work = workload(POLICY_CONFIGS.nano, { prompts: 2, group: 2 });
const context = costContext(work, "train");
const tokens = 4 * context.length;

it("knows the shape of the work", () => {
  expect(context).toMatchObject({ rows: 4, parameters: parameterCount(POLICY_CONFIGS.nano) });
  expect(context.length).toBe(work.promptLength + NEW_TOKENS);
  expect(costContext(work, "rollouts")).toMatchObject({ rows: 2, length: work.promptLength - 1 });
});

it("counts a product's multiply-adds as two, and its three matrices once", () => {
  expect(COSTS.matmul({ m: 2, n: 3, k: 5 }, context)).toEqual({ flops: 60, bytes: 4 * (10 + 15 + 6) });
});

it("counts weights of 16 bits as two bytes, wherever they are read, and nothing else", () => {
  const half = costContext(work, "train", 2);
  const { parameters, config } = half;
  const saved = (kernel: string, params: Record<string, number>) =>
    COSTS[kernel](params, context).bytes - COSTS[kernel](params, half).bytes;
  expect(saved("decode", { count: 4, steps: 8 })).toBe(2 * parameters);
  expect(saved("matmul", { m: 2, n: 3, k: 5, cSlice: 0 })).toBe(2 * 15);
  expect(saved("matmul", { m: 2, n: 3, k: 5, cSlice: parameters })).toBe(0);
  expect(saved("transpose", {})).toBe(4 * parameters);
  const norms = (2 * config.layers + 1) * config.hiddenSize;
  const passes = { tokens: 7, predictions: 3, firstPhase: 0, lastPhase: 4 * config.layers + 1 };
  for (const pass of ["row_forward", "row_backward"]) expect(saved(pass, passes)).toBe(2 * (parameters - norms));
  expect(saved("weight_gradients", { tokens: 7, predictions: 3, slices: 1 })).toBe(0);
  // The optimizer writes the copy besides.
  expect(saved("adamw", {})).toBe(-2 * parameters);
});

it("counts attention over the past only", () => {
  const { flops, bytes } = COSTS.attention({}, context);
  const { heads, headDim } = context.config;
  // Two products over all pairs would be 4·headDim·length² a head and row.
  const dense = 4 * heads * headDim * 4 * context.length ** 2;
  expect(flops).toBeGreaterThan(dense / 2);
  expect(flops).toBeLessThan(dense * 0.7);
  expect(bytes).toBe(4 * 4 * tokens * heads * headDim);
});

it("counts the same operations for a pass by rows as for its products and attention", () => {
  const { layers, hiddenSize: d, heads, headDim, intermediateSize: m, vocabSize } = context.config;
  const predictions = 4 * NEW_TOKENS;
  const all = { tokens, predictions, firstPhase: 0, lastPhase: 4 * layers + 1 };
  const product = (k: number, m: number, n: number) => COSTS.matmul({ m, n, k }, context).flops;
  const inner = heads * headDim;
  const forward =
    layers *
      (product(d, tokens, 3 * inner + 2 * m) + product(inner, tokens, d) + product(m, tokens, d) + COSTS.attention({}, context).flops) +
    product(d, predictions, vocabSize);
  expect(COSTS.row_forward(all, context).flops).toBeCloseTo(forward);
  const [one, rest] = [
    { ...all, lastPhase: 3 },
    { ...all, firstPhase: 3 },
  ].map((part) => COSTS.row_backward(part, context).flops);
  expect(one + rest).toBeCloseTo(COSTS.row_backward(all, context).flops);
  expect(COSTS.row_backward(all, context).flops).toBeGreaterThan(forward);
  const attention = layers * COSTS.attention({}, context).flops;
  expect(COSTS.weight_gradients({ tokens, predictions, slices: 1 }, context).flops).toBeCloseTo(forward - attention);
});

it("counts two operations a weight and token in decoding", () => {
  const steps = 8;
  const { flops } = COSTS.decode({ count: 4, steps }, context);
  expect(flops / (2 * context.parameters * 4 * steps)).toBeGreaterThan(1);
  expect(flops / (2 * context.parameters * 4 * steps)).toBeLessThan(1.2);
  expect(COSTS.decode_direct({ count: 4, steps }, context).flops).toBe(flops);
  // Step by step, each layer's attention and each product on its own.
  const { layers, hiddenSize: d, heads, headDim, intermediateSize: m, vocabSize } = context.config;
  const product = (n: number, k: number) => COSTS.matmul({ m: 4, n, k }, context).flops;
  const layer = product(3 * heads * headDim + 2 * m, d) + product(d, heads * headDim) + product(d, m);
  const attention = COSTS.decode_attention({ heads, headDim }, context).flops;
  const apart = steps * (layers * (layer + attention) + product(vocabSize, d));
  expect(flops / apart).toBeGreaterThan(0.95);
  expect(flops / apart).toBeLessThan(1.05);
});

it("adds up dispatches by kernel and takes shares of time and of the peaks", () => {
  const params = { m: 100, n: 100, k: 100 };
  const times = byKernel(
    [
      { kernel: "matmul", params, milliseconds: 1 },
      { kernel: "new", params: {}, milliseconds: 6 },
      { kernel: "matmul", params, milliseconds: 1 },
    ],
    context,
  );
  const [slow, matmul] = shares(times, { flops: 8e9, bytes: 2.4e9 });
  expect(slow).toEqual({ kernel: "new", dispatches: 1, milliseconds: 6, timeShare: 0.75 });
  expect(matmul).toMatchObject({ kernel: "matmul", dispatches: 2, milliseconds: 2, timeShare: 0.25 });
  // 4 M operations and 240 kB in 2 ms.
  expect(matmul.flopsShare).toBeCloseTo(0.25);
  expect(matmul.bytesShare).toBeCloseTo(0.05);
});

it("gives no share where there is no time", () => {
  const [only] = shares([{ kernel: "matmul", dispatches: 1, milliseconds: 0, cost: { flops: 1, bytes: 1 } }], { flops: 1, bytes: 1 });
  expect(only).toEqual({ kernel: "matmul", dispatches: 1, milliseconds: 0, cost: { flops: 1, bytes: 1 }, timeShare: 0 });
});
