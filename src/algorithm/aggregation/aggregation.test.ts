import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AGGREGATIONS } from "./aggregation.ts";

const byId = (id: string) => AGGREGATIONS.find((a) => a.id === id)!;
const defaults = { maskTruncated: false, maxLength: 0 };
const batches = fc
  .array(fc.record({ length: fc.integer({ min: 1, max: 40 }), kept: fc.boolean() }), { minLength: 1, maxLength: 12 })
  .filter((rows) => rows.some((row) => row.kept));
const inputs = (rows: { length: number; kept: boolean }[]) => ({
  lengths: rows.map((r) => r.length),
  kept: rows.map((r) => r.kept),
  maxLength: 40,
});
/** The loss of a batch whose tokens all have loss `loss(row)`. */
const total = (id: string, rows: { length: number; kept: boolean }[], loss: (row: number) => number) =>
  byId(id)
    .weights(inputs(rows), defaults)
    .reduce((sum, weight, r) => sum + weight * rows[r].length * loss(r), 0);

describe("aggregation", () => {
  it("agrees with the written-out sums", () => {
    fc.assert(
      fc.property(batches, (rows) => {
        const loss = (row: number) => 0.5 + row;
        const kept = rows.map((row, r) => ({ ...row, loss: loss(r) })).filter((row) => row.kept);
        const sum = (f: (row: (typeof kept)[number]) => number) => kept.reduce((s, row) => s + f(row), 0);
        expect(total("token-mean", rows, loss)).toBeCloseTo(sum((r) => r.length * r.loss) / sum((r) => r.length), 9);
        expect(total("sequence-mean-token-mean", rows, loss)).toBeCloseTo(sum((r) => r.loss) / kept.length, 9);
        expect(total("sequence-mean-token-sum", rows, loss)).toBeCloseTo(sum((r) => r.length * r.loss) / kept.length, 9);
        expect(total("constant-length", rows, loss)).toBeCloseTo(sum((r) => r.length * r.loss) / kept.length / 40, 9);
      }),
    );
  });

  it("gives masked rollouts no weight, and all weight 0 when none is left", () => {
    for (const { weights } of AGGREGATIONS) {
      expect(weights({ lengths: [3, 4], kept: [true, false], maxLength: 8 }, defaults)[1]).toBe(0);
      expect(weights({ lengths: [3, 4], kept: [false, false], maxLength: 8 }, defaults)).toEqual([0, 0]);
    }
  });
});
