import { expect, it } from "vitest";
import { POLICY_CONFIGS, parameterCount } from "../policy/config.ts";
import { byKernel, COSTS, costContext, shares } from "./costs.ts";
import { NEW_TOKENS, workload } from "./workload.ts";

const context = costContext(workload(POLICY_CONFIGS.nano, { prompts: 2, group: 2 }));
const tokens = 4 * context.length;

it("knows the shape of the work", () => {
  expect(context).toMatchObject({ rows: 4, parameters: parameterCount(POLICY_CONFIGS.nano) });
  expect(context.length).toBeGreaterThan(NEW_TOKENS);
});

it("counts a product's multiply-adds as two, and its three matrices once", () => {
  expect(COSTS.matmul({ m: 2, n: 3, k: 5 }, context)).toEqual({ flops: 60, bytes: 4 * (10 + 15 + 6) });
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

it("counts two operations a weight and token in decoding", () => {
  const steps = 8;
  const { flops } = COSTS.decode({ count: 4, steps }, context);
  expect(flops / (2 * context.parameters * 4 * steps)).toBeGreaterThan(1);
  expect(flops / (2 * context.parameters * 4 * steps)).toBeLessThan(1.2);
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
