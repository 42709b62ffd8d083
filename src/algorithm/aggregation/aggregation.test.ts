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

  it("is one and the same where all answers have the same length, up to that length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 9 }), (length, rollouts) => {
        const same = { lengths: new Array(rollouts).fill(length), kept: new Array(rollouts).fill(true), maxLength: length };
        const weight = (id: string) => byId(id).weights(same, defaults)[0];
        const mean = weight("token-mean");
        for (const id of ["sequence-mean-token-mean", "constant-length", "sequence-mean-token-sum-norm", "batch-tokens"]) {
          expect(weight(id)).toBeCloseTo(mean, 12);
        }
        expect(weight("sequence-mean-token-sum") / length).toBeCloseTo(mean, 12);
        expect(weight("token-sum") / (length * rollouts)).toBeCloseTo(mean, 12);
      }),
    );
  });

  it("by the padded width takes the given width, the longest answer, or a number of one's own", () => {
    const rows = { lengths: [3, 5], kept: [true, true], maxLength: 40 };
    const weight = (more: object, params: object) =>
      byId("sequence-mean-token-sum-norm").weights({ ...rows, ...more }, { ...defaults, ...params })[0];
    expect(weight({}, {})).toBeCloseTo(1 / 10, 12);
    expect(weight({ width: 8 }, {})).toBeCloseTo(1 / 16, 12);
    expect(weight({ width: 8 }, { scale: 2 })).toBeCloseTo(1 / 4, 12);
  });

  it("over the whole batch, mini-batches add up to the batch's token mean, or each is as large as it", () => {
    const losses = [1, 2, 3];
    const lengths = [2, 3, 5];
    const whole = lengths.reduce((sum, n, r) => sum + n * losses[r], 0) / 10;
    const share = (rows: number[], params: object) =>
      byId("batch-tokens")
        .weights(
          { lengths: rows.map((r) => lengths[r]), kept: rows.map(() => true), maxLength: 40, batchTokens: 10, miniBatches: 2 },
          { ...defaults, ...params },
        )
        .reduce((sum, w, i) => sum + w * lengths[rows[i]] * losses[rows[i]], 0);
    expect(share([0, 2], {}) + share([1], {})).toBeCloseTo(whole, 12);
    expect((share([0, 2], { perUpdate: true }) + share([1], { perUpdate: true })) / 2).toBeCloseTo(whole, 12);
  });
});
