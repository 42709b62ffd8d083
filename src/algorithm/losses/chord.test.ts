import { describe, expect, it } from "vitest";
import type { UpdateBatch } from "../batch.ts";
import type { Parameters } from "../plugin.ts";
import { chordLoss, EXPERT_WEIGHTS, type ExpertWeight, expertLoss, shareAt } from "./chord.ts";

const defaults: Parameters = Object.fromEntries(Object.entries(chordLoss.parameters).map(([name, { default: value }]) => [name, value]));

function batchOf(logProb: readonly number[], weight: readonly number[], step = 1): UpdateBatch {
  const n = logProb.length;
  return {
    rows: 1,
    offsets: [0, n],
    group: [0],
    groups: [[]],
    reward: [Number.NaN],
    parts: {},
    source: ["expert"],
    maxLength: n,
    scores: {},
    step,
    logProb,
    oldLogProb: logProb,
    advantage: new Float64Array(n),
    weight,
    temperature: 1,
  };
}
const lossOf = (batch: UpdateBatch, params: Parameters = {}) =>
  chordLoss.lossAndCoefficients(batch, { ...defaults, ...params }, undefined, null!);

describe("CHORD", () => {
  it("moves from imitation to practice as its schedule says", () => {
    const schedule = { warmup: 0, decay: 200, peak: 0.9, valley: 0.05 };
    expect([0, 50, 100, 150, 200, 5000].map((s) => Number(shareAt(s, schedule).toFixed(4)))).toEqual([
      0.9, 0.7755, 0.475, 0.1745, 0.05, 0.05,
    ]);
    expect([0, 1, 2].map((s) => shareAt(s, { warmup: 2, decay: 0, peak: 0.5, valley: 0.1 }))).toEqual([0, 0.25, 0.1]);
  });

  it("leaves the policy's loss what imitation does not take, counting steps from 1", () => {
    const params = { ...defaults, peak: 0.9, valley: 0.05, decay: 200 };
    for (const step of [1, 51, 101, 5000]) {
      const share = lossOf(batchOf([-1], [1], step), params).terms.share[0];
      expect(share + chordLoss.policyShare!(params, step)).toBeCloseTo(1, 14);
      expect(share).toBeCloseTo(shareAt(step - 1, { warmup: 0, decay: 200, peak: 0.9, valley: 0.05 }), 14);
    }
  });

  it("weighs tokens as in the worked example", () => {
    const { loss, weights } = expertLoss([0.05, 0.5, 0.95].map(Math.log), "phi");
    for (const [t, [w, l]] of [
      [0.0475, 0.1423],
      [0.25, 0.1733],
      [0.0475, 0.0024],
    ].entries()) {
      expect(weights[t]).toBeCloseTo(w, 12);
      expect(loss[t]).toBeCloseTo(l, 4);
    }
  });

  it.each(["none", "phi", "probability"] as const)(
    "coefficients of %s are the slope with the weights held fixed",
    (weighting: ExpertWeight) => {
      const logProb = [-0.01, -0.7, -2.5, -9];
      const weight = [0.25, 0.25, 0, 0.5];
      const { value, coefficient } = lossOf(batchOf(logProb, weight), { weighting, peak: 0.3, valley: 0.3 });
      const held = logProb.map((l) => EXPERT_WEIGHTS[weighting](Math.exp(l)));
      const valueAt = (at: readonly number[]) => 0.3 * at.reduce((sum, l, t) => sum - weight[t] * held[t] * l, 0);
      expect(value).toBeCloseTo(valueAt(logProb), 14);
      for (let t = 0; t < 4; t++) {
        const moved = (by: number) => valueAt(logProb.map((l, i) => (i === t ? l + by : l)));
        expect(coefficient[t]).toBeCloseTo((moved(1e-4) - moved(-1e-4)) / 2e-4, 9);
      }
    },
  );

  it("has no NaN for certain and impossible tokens, and nothing for masked ones or no rows", () => {
    const { value, coefficient, loss } = lossOf(batchOf([0, -1e6, Number.NEGATIVE_INFINITY, -1], [0.5, 0.5, 0.5, 0]));
    expect([value, ...coefficient, ...loss].every(Number.isFinite)).toBe(true);
    expect(coefficient[3]).toBe(0);
    expect(Math.abs(coefficient[0])).toBe(0);
    expect(lossOf(batchOf([], [])).value).toBe(0);
  });
});
