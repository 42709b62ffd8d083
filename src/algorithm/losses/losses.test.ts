import { describe, expect, it } from "vitest";
import type { PluginState, UpdateBatch } from "../batch.ts";
import { anyRandom, centralDifferences, randomBatch, relativeError } from "../objectives/testing.ts";
import { type Parameters, withDefaults } from "../plugin.ts";
import { entropyBonus } from "./entropy.ts";
import { imitation } from "./imitation.ts";

const entropy = (batch: UpdateBatch, params: Parameters = {}, state?: PluginState) =>
  entropyBonus.lossAndCoefficients(batch, withDefaults(entropyBonus, { coefficient: 0.1, ...params }), state, anyRandom());

describe("the entropy bonus", () => {
  it.each(["tokens", "aggregation"])("averaged over %s has the gradient of its value", (average) => {
    const batch = randomBatch(3);
    const value = (h: Float64Array) => entropy({ ...batch, entropy: h }, { average }).value;
    const { entropyCoefficient, coefficient } = entropy(batch, { average });
    expect(relativeError(entropyCoefficient!, centralDifferences(value, batch.entropy!))).toBeLessThan(1e-6);
    expect(coefficient.every((c) => c === 0)).toBe(true);
  });

  it("is the mean entropy of tokens that count, times the coefficient", () => {
    const batch = { ...randomBatch(1, { lengths: [3] }), entropy: [1, 2, 30], weight: [0.2, 0.2, 0] };
    expect(entropy(batch)).toMatchObject({ value: expect.closeTo(-0.15, 12), metrics: { "actor/entropy": 1.5, entropy_coef: 0.1 } });
    expect(entropy({ ...batch, weight: [0, 0, 0] })).toMatchObject({ value: expect.closeTo(0, 12), metrics: { "actor/entropy": 0 } });
  });

  it("adaptive: rises while entropy is low, falls while it is high, and is given only while the last measure was low", () => {
    const at = (h: number): UpdateBatch => ({ ...randomBatch(1, { lengths: [1] }), entropy: [h], weight: [1] });
    const params = { adaptive: true, coefficient: 0.1, target: 0.5, delta: 0.02, lowest: 0.09, highest: 0.13 };
    const seen: [number, number][] = [];
    let state: PluginState | undefined;
    for (const h of [0.4, 0.4, 0.5, 0.9, 0.9, 0.9, 0.3, 0.3]) {
      const result = entropy(at(h), params, state);
      state = result.state;
      seen.push([Number((-result.value / h).toFixed(6)), Number((state!.coefficient as number).toFixed(6))]);
    }
    expect(seen).toEqual([
      [0.1, 0.12],
      [0.12, 0.13],
      [0.13, 0.13],
      [0.13, 0.11],
      [0, 0.09],
      [0, 0.09],
      [0, 0.11],
      [0.11, 0.13],
    ]);
    expect(structuredClone(state)).toEqual(state);
  });

  it("fixed: has no state", () => {
    expect(entropy(randomBatch(1)).state).toBeUndefined();
  });
});

describe("imitation", () => {
  it("is the weighted negative log-likelihood of demonstrations, with its gradient", () => {
    const batch = randomBatch(2);
    const run = (b: UpdateBatch) => imitation.lossAndCoefficients(b, withDefaults(imitation, { coefficient: 0.4 }), undefined, anyRandom());
    const { value, coefficient, metrics } = run(batch);
    expect(imitation.rowsOf).toBe("expert");
    expect(value).toBeCloseTo(-0.4 * Array.from(batch.logProb).reduce((sum, l, t) => sum + batch.weight[t] * l, 0), 12);
    expect(metrics!.sft_loss).toBeCloseTo(value / 0.4, 12);
    expect(
      relativeError(
        coefficient,
        centralDifferences((logProb) => run({ ...batch, logProb }).value, batch.logProb),
      ),
    ).toBeLessThan(1e-6);
    expect(run({ ...batch, weight: new Float64Array(batch.weight.length) }).value).toBe(0);
  });
});
