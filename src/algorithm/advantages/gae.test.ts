import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withDefaults } from "../plugin.ts";
import { advantagesFromValues, gae } from "./gae.ts";
import { batchOf, HIDDEN, run } from "./testing.ts";
import { readValueHead, trainValueHead, type ValueHead, valuesOf } from "./valueHead.ts";

const plain = withDefaults(gae, { whiten: false });

describe("generalised advantage estimation", () => {
  it("is worked out by hand", () => {
    const batch = batchOf([[1]], { lengths: [3] });
    const { raw, returns } = advantagesFromValues(batch, [0.5, 0.25, 0.75], { ...plain, gamma: 0.5, lambda: 0.5 });
    // δ: 0.5·0.25 − 0.5, 0.5·0.75 − 0.25, 1 − 0.75; each adds a quarter of the next.
    expect([...raw]).toEqual([-0.375 + (0.125 + 0.25 / 4) / 4, 0.125 + 0.25 / 4, 0.25]);
    expect([...returns]).toEqual([...raw].map((a, t) => a + [0.5, 0.25, 0.75][t]));
  });

  it("with λ = 1 is return-to-go minus value, whatever the values in between; with λ = 0 one temporal difference", () => {
    const values = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.9, 1), (v, gamma) => {
        const batch = batchOf([[2]], { lengths: [4] });
        const far = advantagesFromValues(batch, v, { ...plain, gamma, lambda: 1 }).raw;
        const near = advantagesFromValues(batch, v, { ...plain, gamma, lambda: 0 }).raw;
        for (let t = 0; t < 4; t++) {
          expect(far[t]).toBeCloseTo(2 * gamma ** (3 - t) - v[t], 9);
          expect(near[t]).toBeCloseTo((t === 3 ? 2 : gamma * v[t + 1]) - v[t], 9);
        }
      }),
    );
  });

  it("does not look across rows", () => {
    const both = advantagesFromValues(batchOf([[1, 0]], { lengths: [2, 2] }), [0.1, 0.2, 0.3, 0.4], plain).raw;
    const first = advantagesFromValues(batchOf([[1]], { lengths: [2] }), [0.1, 0.2], plain).raw;
    expect([...both.subarray(0, 2)]).toEqual([...first]);
  });
});

describe("the value head", () => {
  it("learns the returns over the steps, and its state survives a structured clone", () => {
    // Rewards that the first hidden number foretells.
    const rewards = Array.from({ length: 32 }, (_, r) => (r % 4) / 2);
    const hidden = Float64Array.from(rewards.flatMap((reward, r) => [reward, Math.sin(r), Math.cos(r)]));
    const batch = batchOf([rewards], { lengths: rewards.map(() => 1), scores: { hidden } });
    const first = run(gae, batch);
    expect(first.terms.values).toEqual(new Float64Array(32));
    let state = first.state;
    for (let step = 1; step < 60; step++) state = run(gae, { ...batch, step }, {}, structuredClone(state)).state;
    const { values } = run(gae, batch, {}, state).terms;
    const error = Math.max(...rewards.map((reward, r) => Math.abs(values[r] - reward)));
    expect(error).toBeLessThan(0.1);
    expect((state as unknown as ValueHead).updates).toBe(480);
  });

  it("judges before it learns: the estimate depends on the old head only", () => {
    const batch = batchOf([[1, 0]]);
    const { state } = run(gae, batch);
    const slow = run(gae, batch, { valueUpdates: 0 }, state);
    const fast = run(gae, batch, { valueUpdates: 50, valueLearningRate: 1 }, state);
    expect(fast.advantage).toEqual(slow.advantage);
    expect(slow.state).toEqual(state);
    expect(fast.state).not.toEqual(state);
  });

  it("starts anew where the hidden size changed, and does not take a step that is not finite", () => {
    const kept = run(gae, batchOf([[1, 0]])).state;
    expect(readValueHead(kept, HIDDEN).updates).toBeGreaterThan(0);
    expect(readValueHead(kept, HIDDEN + 1)).toMatchObject({ updates: 0, weights: [0, 0, 0, 0, 0] });
    const head = readValueHead(undefined, 1);
    expect(trainValueHead(head, [Number.POSITIVE_INFINITY], [0], [1], 0.1, 3)).toEqual(head);
    expect([...valuesOf({ ...head, weights: [2, 1] }, [3, 4], 2)]).toEqual([7, 9]);
  });

  it("asks for the hidden states", () => {
    expect(() => run(gae, batchOf([[1, 0]], { scores: {} }))).toThrow("hidden state");
  });
});
