import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomSequence, STREAM } from "../../policy/random.ts";
import { batchOf } from "../advantages/testing.ts";
import type { RolloutBatch } from "../batch.ts";
import { spreadRows } from "../batch.ts";
import { type Parameters, withDefaults } from "../plugin.ts";
import { whiten } from "./whiten.ts";

const shape = (batch: RolloutBatch, advantage: Float64Array, params: Parameters = {}) =>
  whiten.shape(batch, advantage, withDefaults(whiten, params), undefined, randomSequence({ seed: 0, stream: STREAM.reward, step: 1 }))
    .advantage;

const lengths = [3, 6, 4, 2];
const batch = batchOf([[1, 0, 0, 1]], { lengths });

describe("whitening", () => {
  it("over tokens is verl's", () => {
    const whitened = shape(batch, spreadRows([0.5, -0.5, -0.5, 0.5], batch));
    expect(whitened[0]).toBeCloseTo(1.36626, 6);
    expect(whitened[3]).toBeCloseTo(-0.68313, 6);
  });

  it("over rollouts is TRL's, whatever the lengths", () => {
    const whitened = shape(batch, spreadRows([0.5, -0.5, -0.5, 0.5], batch), { over: "rollouts", eps: 1e-4 });
    expect(whitened[0]).toBeCloseTo(0.5 / (Math.sqrt(1 / 3) + 1e-4), 12);
    expect(whitened[14]).toBe(whitened[0]);
  });

  it.each(["tokens", "rollouts"])("over %s leaves mean 0 and spread 1, and does not feel shift and scale", (over) => {
    const list = fc.array(fc.constantFrom(-1, 0, 0.5, 2, 3), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(list, fc.constantFrom(2, 0.5), fc.constantFrom(1, -4), (values, factor, shift) => {
        fc.pre(new Set(values).size > 1);
        const params = { over, eps: 0 };
        const whitened = shape(batch, spreadRows(values, batch), params);
        const counted = over === "tokens" ? [...whitened] : [0, 3, 9, 13].map((t) => whitened[t]);
        const mean = counted.reduce((a, b) => a + b, 0) / counted.length;
        expect(mean).toBeCloseTo(0, 6);
        expect(counted.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (counted.length - 1)).toBeCloseTo(1, 6);
        const moved = shape(
          batch,
          spreadRows(
            values.map((x) => x * factor + shift),
            batch,
          ),
          params,
        );
        moved.forEach((x, t) => {
          expect(x).toBeCloseTo(whitened[t], 6);
        });
      }),
    );
  });

  it.each(["tokens", "rollouts"])("over %s: equal, unscorable and missing tokens make no NaN", (over) => {
    const odd = batchOf([[1, Number.NaN, 0], [1]], { lengths: [0, 2, 3, 0] }); // biome-ignore format: a table
    for (const values of [
      [0, 0, 0, 0, 0],
      [0, 0, 1e6, -1e6, 3],
    ]) {
      // biome-ignore format: a table
      const whitened = shape(odd, Float64Array.from(values), { over, eps: 0 });
      expect(whitened.every(Number.isFinite)).toBe(true);
      expect([...whitened.subarray(0, 2)]).toEqual([0, 0]);
    }
    expect(shape(batchOf([]), new Float64Array(0), { over }).length).toBe(0);
  });
});
