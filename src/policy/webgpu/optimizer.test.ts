import { describe, expect, it } from "vitest";
import { parameterLayout } from "../config.ts";
import type { OptimizerStep } from "../engine.ts";
import { adamW, type OptimizerState } from "../optimizer.ts";
import { failOnGpuErrors, relativeNorm, TOY, testBatch, testEngine, testWeights, worst } from "./testing.ts";

failOnGpuErrors();

const STEP: OptimizerStep = { learningRate: 3e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1, maxGradNorm: 1 };
const batch = testBatch(TOY, [
  [3, 8],
  [1, 5],
]);
const coefficients = { logProb: new Float32Array(13).fill(-0.1) };

describe("AdamW on the device", () => {
  it("follows the float64 update over ten steps with changing rates, decay and clipping", async () => {
    const policy = await (await testEngine()).load(TOY, testWeights(TOY));
    const theta = Float64Array.from(testWeights(TOY));
    const zeros = () => new Float64Array(theta.length);
    const host: OptimizerState = { theta, gradient: zeros(), m: zeros(), v: zeros(), updates: 0 };
    for (let i = 0; i < 10; i++) {
      const step = {
        ...STEP,
        learningRate: 1e-3 * (i + 1),
        maxGradNorm: [0, 0.5, 100][i % 3],
        weightDecay: i % 2 ? 0.1 : 0,
        beta1: i < 5 ? 0.9 : 0.8,
      };
      await policy.backward(await policy.forward(batch, {}), coefficients);
      host.gradient.set(await policy.gradients());
      const expected = adamW(host, TOY, step);
      const result = await (await policy.apply(step)).read();
      expect(result.applied).toBe(true);
      expect(result.gradNorm / expected.gradNorm).toBeCloseTo(1, 5);
      expect(worst(result.tensorGradNorms, expected.tensorGradNorms)).toBeLessThan(1e-5);
      expect((await policy.gradients()).every((g) => g === 0)).toBe(true);
    }
    const state = await policy.save();
    expect(state.updates).toBe(10);
    expect(relativeNorm(state.theta, host.theta)).toBeLessThan(1e-5);
    expect(relativeNorm(state.m, host.m)).toBeLessThan(1e-4);
    expect(relativeNorm(state.v, host.v)).toBeLessThan(1e-4);
    policy.dispose();
  });

  it("never decays norm weights, and moves nothing else without a gradient", async () => {
    const before = testWeights(TOY);
    const policy = await (await testEngine()).load(TOY, before);
    await policy.apply({ ...STEP, learningRate: 0.5, weightDecay: 0.2 });
    const { theta } = await policy.save();
    for (const { decay, offset, size } of parameterLayout(TOY)) {
      for (let i = offset; i < offset + size; i++) expect(theta[i]).toBeCloseTo(before[i] * (decay ? 0.9 : 1), 6);
    }
    policy.dispose();
  });

  it("skips an update whose gradient is not finite, and goes on afterwards", async () => {
    const policy = await (await testEngine()).load(TOY, testWeights(TOY));
    await policy.backward(await policy.forward(batch, {}), coefficients);
    await policy.apply(STEP);
    const before = await policy.save();
    for (const poison of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const poisoned = Float32Array.from(coefficients.logProb);
      poisoned[4] = poison;
      await policy.backward(await policy.forward(batch, {}), { logProb: poisoned });
      const result = await (await policy.apply(STEP)).read();
      expect(result.applied).toBe(false);
      expect(Number.isFinite(result.gradNorm)).toBe(false);
    }
    expect(await policy.save()).toEqual(before);
    await policy.backward(await policy.forward(batch, {}), coefficients);
    expect((await (await policy.apply(STEP)).read()).applied).toBe(true);
    expect((await policy.save()).updates).toBe(2);
    policy.dispose();
  });

  it("goes on from a saved state, and from a clone, to the same bits", async () => {
    const engine = await testEngine();
    const policy = await engine.load(TOY, testWeights(TOY));
    const advance = async (p: typeof policy) => {
      await p.backward(await p.forward(batch, {}), coefficients);
      await p.apply(STEP);
    };
    await advance(policy);
    const saved = await policy.save();
    const clone = await policy.clone();
    const other = await engine.load(TOY, testWeights(TOY, 9));
    await other.backward(await other.forward(batch, {}), coefficients);
    await other.restore(saved);
    for (const p of [policy, clone, other]) await advance(p);
    const result = await policy.save();
    expect(await clone.save()).toEqual(result);
    expect(await other.save()).toEqual(result);
    for (const p of [policy, clone, other]) p.dispose();
    await expect(policy.save()).rejects.toThrow("disposed");
  });
});
