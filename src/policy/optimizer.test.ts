import { describe, expect, test } from "vitest";
import { type PolicyConfig, parameterCount, parameterLayout } from "./config.ts";
import { adamW, learningRate, type OptimizerState } from "./optimizer.ts";

const config: PolicyConfig = {
  vocabSize: 5,
  hiddenSize: 4,
  layers: 1,
  heads: 1,
  headDim: 2,
  intermediateSize: 3,
  contextLength: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
};
const size = parameterCount(config);
const options = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, maxGradNorm: 0 };

const fresh = (): OptimizerState => ({
  theta: Float64Array.from({ length: size }, (_, i) => Math.sin(i)),
  gradient: Float64Array.from({ length: size }, (_, i) => Math.cos(3 * i)),
  m: new Float64Array(size),
  v: new Float64Array(size),
  updates: 0,
});

describe("adamW", () => {
  test("the first update moves each weight by the learning rate against its gradient's sign, after the decay of matrices only", () => {
    const state = fresh();
    adamW(state, config, options);
    for (const { offset, size: count, decay } of parameterLayout(config)) {
      for (let i = offset; i < offset + count; i++) {
        const decayed = Math.sin(i) * (decay ? 1 - 0.01 * 0.1 : 1);
        expect(state.theta[i]).toBeCloseTo(decayed - 0.01 * Math.sign(Math.cos(3 * i)), 7);
      }
    }
    expect(state.updates).toBe(1);
    expect(state.gradient.every((g) => g === 0)).toBe(true);
  });

  test("clips by the global norm, and reports the norm before clipping with its share of each tensor", () => {
    const clipped = fresh();
    const scaled = fresh();
    const norm = Math.hypot(...scaled.gradient);
    const result = adamW(clipped, config, { ...options, maxGradNorm: 0.5, eps: 0.01 });
    for (let i = 0; i < size; i++) scaled.gradient[i] *= 0.5 / (norm + 1e-6);
    adamW(scaled, config, { ...options, eps: 0.01 });
    expect(result.gradNorm).toBeCloseTo(norm, 10);
    expect(Math.hypot(...result.tensorGradNorms)).toBeCloseTo(norm, 5);
    clipped.theta.forEach((x, i) => {
      expect(x).toBeCloseTo(scaled.theta[i], 12);
    });
  });

  test("a gradient that is not finite changes nothing but is cleared", () => {
    const state = fresh();
    state.gradient[3] = Number.NaN;
    const result = adamW(state, config, options);
    expect(result.applied).toBe(false);
    expect(state.theta).toEqual(fresh().theta);
    expect(state.updates).toBe(0);
    expect(state.gradient.every((g) => g === 0)).toBe(true);
  });

  test("later updates use bias-corrected moving averages", () => {
    const state = fresh();
    const [g1, g2] = [Math.cos(3), 0.25];
    adamW(state, config, { ...options, weightDecay: 0 });
    const after = state.theta[1];
    state.gradient[1] = g2;
    adamW(state, config, { ...options, weightDecay: 0 });
    const mean = (0.9 * 0.1 * g1 + 0.1 * g2) / (1 - 0.9 ** 2);
    const square = (0.95 * 0.05 * g1 ** 2 + 0.05 * g2 ** 2) / (1 - 0.95 ** 2);
    expect(state.theta[1]).toBeCloseTo(after - (0.01 * mean) / (Math.sqrt(square) + 1e-8), 12);
  });
});

describe("learningRate", () => {
  test("warms up linearly, then follows its kind", () => {
    const cosine = { kind: "cosine", peak: 2, warmup: 4, total: 14, floor: 0.1 } as const;
    expect([0, 1, 2, 3].map((i) => learningRate(cosine, i))).toEqual([0.5, 1, 1.5, 2]);
    expect(learningRate(cosine, 4)).toBeCloseTo(2);
    expect(learningRate(cosine, 9)).toBeCloseTo(2 * (0.1 + 0.9 * 0.5));
    expect(learningRate(cosine, 14)).toBeCloseTo(0.2);
    expect(learningRate(cosine, 99)).toBeCloseTo(0.2);
    expect(learningRate({ ...cosine, kind: "constant" }, 99)).toBe(2);
    expect(learningRate({ kind: "constant", peak: 1, warmup: 0, total: 1 }, 0)).toBe(1);
  });
});
