// @vitest-environment node
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EvaluationRecord } from "../../../loop/record.ts";
import { distributionOf } from "./answers.ts";
import { bootstrapInterval, curveOf } from "./intervals.ts";

describe("intervals", () => {
  it("hold the mean, lie within the values, and narrow with more of them", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 4, maxLength: 40 }), (values) => {
        const [low, high] = bootstrapInterval(values);
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        expect(low).toBeLessThanOrEqual(mean + 0.5);
        expect(high).toBeGreaterThanOrEqual(mean - 0.5);
        expect(low).toBeGreaterThanOrEqual(Math.min(...values));
        expect(high).toBeLessThanOrEqual(Math.max(...values));
        expect(bootstrapInterval(values)).toEqual([low, high]);
      }),
    );
    const width = (n: number) => {
      const [low, high] = bootstrapInterval(Array.from({ length: n }, (_, i) => i % 2));
      return high - low;
    };
    // About 2 · 1.96 · 0.5 / √n.
    expect(width(25)).toBeCloseTo(0.39, 1);
    expect(width(400)).toBeCloseTo(0.098, 1.5);
    expect(bootstrapInterval([1, 1, 1])).toEqual([1, 1]);
  });

  it("stand around pass@k where single problems were counted, and are left out elsewhere", () => {
    const evaluation = { samples: 4, passAtK: { 4: 0.5, 1: 0.25 }, right: [0, 0, 2, 2] } as unknown as EvaluationRecord;
    const curve = curveOf(evaluation);
    expect(curve.map(({ k, value }) => [k, value])).toEqual([
      [1, 0.25],
      [4, 0.5],
    ]);
    for (const { value, low, high } of curve) expect(low! <= value && value <= high!).toBe(true);
    const { right: _, ...older } = evaluation;
    expect(curveOf(older)).toEqual([
      { k: 1, value: 0.25 },
      { k: 4, value: 0.5 },
    ]);
  });
});

it("puts the answers of both sides together; shares add up to 1", () => {
  const answer = (text: string, count: number, right = false) => ({ text, count, right, reason: "" });
  const distribution = distributionOf([answer("a", 3), answer("b", 1, true)], [answer("b", 2, true), answer("c", 1), answer("d", 1)], 4, 2);
  expect(distribution.shown.map(({ text, before, after }) => [text, before, after])).toEqual([
    ["a", 0.75, 0],
    ["b", 0.25, 0.5],
  ]);
  expect(distribution).toMatchObject({ others: { different: 2, before: 0, after: 0.5 }, rightBefore: 0.25, rightAfter: 0.5 });
});
