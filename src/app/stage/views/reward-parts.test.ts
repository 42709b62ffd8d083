// @vitest-environment node
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Rollout, StepRecord } from "../../../loop/record.ts";
import { costOf, partNames, partsDomain, piecesOf } from "./reward-parts.ts";

const recordOf = (parts: readonly Record<string, number>[]) =>
  ({ rollouts: parts.map((rewardParts) => ({ rewardParts }) as unknown as Rollout) }) as unknown as StepRecord;

it("stacks positive parts right of zero and negative ones left of it", () => {
  const record = recordOf([
    { correct: 1, length: -0.5, format: 0.5 },
    { correct: 0, length: -0.25, format: 0.5 },
  ]);
  const [names, domain] = [partNames(record), partsDomain(record)];
  expect(names).toEqual(["correct", "length", "format"]);
  expect(domain).toEqual([-0.5, 1.5]);
  expect(piecesOf(record.rollouts[0].rewardParts!, names, domain)).toEqual([
    { name: "correct", value: 1, colour: 0, from: 0.25, width: 0.5 },
    { name: "length", value: -0.5, colour: 1, from: 0, width: 0.25 },
    { name: "format", value: 0.5, colour: 2, from: 0.75, width: 0.25 },
  ]);
  expect(piecesOf(record.rollouts[1].rewardParts!, names, domain).map((p) => p.name)).toEqual(["length", "format"]);
});

it("keeps every piece on the axis, side by side, whatever the parts", () => {
  const value = fc.oneof(
    fc.constant(0),
    fc.constant(Number.NaN),
    fc.integer({ min: -100, max: 100 }).map((x) => x / 20),
  );
  const parts = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), value, { minKeys: 1 });
  fc.assert(
    fc.property(fc.array(parts, { minLength: 1, maxLength: 6 }), (rows) => {
      const record = recordOf(rows);
      const [names, domain] = [partNames(record), partsDomain(record)];
      for (const row of rows) {
        const pieces = piecesOf(row, names, domain).sort((a, b) => a.from - b.from);
        pieces.forEach(({ from, width }, i) => {
          expect(from).toBeGreaterThanOrEqual(-1e-9);
          expect(from + width).toBeLessThanOrEqual(1 + 1e-9);
          if (i > 0) expect(from).toBeGreaterThanOrEqual(pieces[i - 1].from + pieces[i - 1].width - 1e-9);
        });
      }
    }),
  );
});

it("counts what a thrown-away group has cost", () => {
  const group = { round: 0, texts: ["12", ""], scores: [0, 0], reason: "all wrong" } as unknown as Parameters<typeof costOf>[0];
  expect(costOf(group)).toEqual({ answers: 2, tokens: 4 });
});
