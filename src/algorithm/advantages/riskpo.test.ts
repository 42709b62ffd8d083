import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { riskAdvantage, track } from "./riskpo.ts";
import { batchOf, run } from "./testing.ts";

const near = (actual: ArrayLike<number>, expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((x, i) => {
    expect(actual[i]).toBeCloseTo(x, 3);
  });
};
const example = [
  [1, 0, 0, 1],
  [1, 1, 0, 0],
  [1, 0, 0, 0],
];
const tracked = { quantiles: [1, 2.5] };

describe("risk of bundled questions", () => {
  it("scores papers and hands their advantage to the answers that made it", () => {
    const { advantage, terms } = run(riskAdvantage, batchOf(example), { bundleSize: 3 }, tracked);
    near(terms.paperScore, [3, 1, 0, 1, 3, 1, 0, 1, 3, 1, 0, 1]);
    near(Array.from(terms.paperAdvantage).slice(0, 4), [0.7947, 0, -2.3841, 0]);
    near(advantage, [0.2271, 0, -0.9537, 0, 0.2271, 0, -0.9537, 0, 0.3406, 0, -0.4768, 0]);
  });

  it("gives credit equally, by right and wrong, or by the question's spread", () => {
    const of = (credit: string) => Array.from(run(riskAdvantage, batchOf(example), { bundleSize: 3, credit }, tracked).advantage);
    near(of("uniform").slice(0, 4), [0.7947, 0, -2.3841, 0]);
    near(of("score").slice(0, 4), [0.7947 / 2, 0, -2.3841 * 1.5, 0]);
    near(of("std").slice(0, 4), [0.7947 / 0.57735, 0, -2.3841 / 0.57735, 0]);
  });

  it("tracks quantiles from step to step, after they were used", () => {
    near([...track([1, 2.5], [3, 1, 0, 1], { alpha: 0.2, beta: 0.8, eta: 0.1 })], [0.995, 2.505]);
    const first = run(riskAdvantage, batchOf(example), { bundleSize: 3 });
    expect(first.state).toEqual({ quantiles: [expect.closeTo(0.6, 10), expect.closeTo(1.8, 10)] });
    const second = run(riskAdvantage, batchOf(example), { bundleSize: 3 }, first.state);
    expect([second.terms.lower[0], second.terms.upper[0]]).toEqual((first.state as { quantiles: number[] }).quantiles);
  });

  it("does not explode where all papers of a bundle score the same", () => {
    const state = { quantiles: [0.5, 1.5] };
    const flat = batchOf([
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(Math.max(...run(riskAdvantage, flat, { bundleSize: 2 }, state).advantage)).toBeLessThan(1);
    expect(Math.max(...run(riskAdvantage, flat, { bundleSize: 2, flat: 0 }, state).advantage)).toBeGreaterThan(1e5);
  });

  it("a last bundle may be smaller; answers without a partner in every question belong to no paper", () => {
    const { advantage, terms } = run(
      riskAdvantage,
      batchOf([
        [0, 1, 1],
        [1, Number.NaN, 0],
        [1, 0, 1],
      ]),
      { bundleSize: 2, credit: "uniform" },
    );
    near(terms.paperScore, [1, 1, 0, 1, 0, 1, 1, 0, 1]);
    expect([advantage[2], advantage[4]]).toEqual([0, 0]);
  });

  it("excellent papers get no more than good ones, and bad papers lose more the worse they are", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 12 }), (rewards) => {
        const { advantage, terms } = run(riskAdvantage, batchOf([rewards]), { bundleSize: 1, credit: "uniform" });
        const papers = rewards.map((x, g) => [x, advantage[g]] as const).sort((a, b) => a[0] - b[0]);
        for (let g = 1; g < papers.length; g++) expect(papers[g][1]).toBeGreaterThanOrEqual(papers[g - 1][1] - 1e-9);
        const best = papers.filter(([x]) => x >= terms.upper[0]).map(([, a]) => a);
        for (const a of best) expect(a).toBeCloseTo(best[0], 6);
      }),
    );
  });
});
