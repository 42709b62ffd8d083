import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PathStep, RolloutBatch } from "../batch.ts";
import type { Parameters } from "../plugin.ts";
import { combine, comparisonsOf, segmentAdvantages, treeAdvantage } from "./tree.ts";

const path = (nodes: string, tokens = 1): PathStep[] => nodes.split(" ").map((node) => ({ node, tokens }));
const two = [path("a a1"), path("a a2"), path("b b1"), path("b b2")];

function batchOf(
  paths: readonly (readonly PathStep[])[] | undefined,
  reward: readonly number[],
  groups: readonly (readonly number[])[],
): RolloutBatch {
  const lengths = reward.map((_, r) => paths?.[r].reduce((sum, { tokens }) => sum + tokens, 0) ?? 2);
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets[offsets.length - 1] + length);
  return {
    rows: reward.length,
    offsets,
    group: reward.map((_, r) => groups.findIndex((members) => members.includes(r))),
    groups,
    reward,
    parts: {},
    maxLength: 99,
    scores: {},
    ...(paths ? { paths } : {}),
    step: 1,
  };
}
const estimate = (batch: RolloutBatch, params: Parameters = {}) =>
  Array.from(
    treeAdvantage.estimate(batch, { weighting: "average", dropFlat: false, whiten: false, ...params }, undefined, null!).advantage,
  );
const firsts = (batch: RolloutBatch, params?: Parameters) => {
  const all = estimate(batch, params);
  return Array.from({ length: batch.rows }, (_, r) => all[batch.offsets[r]]);
};
const close = (actual: readonly number[], expected: readonly number[], digits = 4) => {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((x, i) => void expect(actual[i]).toBeCloseTo(x, digits));
};

describe("tree-relative advantages", () => {
  const everyone = [[0, 1, 2, 3]];

  it("compare with everyone, and again within each shared beginning", () => {
    const batch = batchOf(two, [1, 0, 0, 0], everyone);
    close(firsts(batch), [0.625, -0.375, -0.125, -0.125], 12);
    close(firsts(batch, { weighting: "group-size" }), [2 / 3, -1 / 3, -1 / 6, -1 / 6], 12);
    close(firsts(batch, { dropFlat: true }), [0.625, -0.375, -0.25, -0.25], 12);
    const short = two.map(([first, last]) => [first, { ...last, tokens: 0 }]);
    close(firsts(batchOf(short, [1, 0, 0, 0], everyone), { whiten: true }), [1.4434, -0.866, -0.2887, -0.2887]);
  });

  it("are the plain difference from the group's mean where nothing is shared, or nothing is known of trees", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 6 }), (rewards) => {
        const group = [rewards.map((_, r) => r)];
        const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
        const expected = rewards.map((reward) => reward - mean);
        const apart = rewards.map((_, r) => path(`${r} x${r}`));
        for (const weighting of ["average", "group-size"]) {
          close(firsts(batchOf(apart, rewards, group), { weighting }), expected, 10);
          close(firsts(batchOf(undefined, rewards, group), { weighting }), expected, 10);
        }
      }),
    );
  });

  it("sum to zero over a prompt when all subtrees are alike, and do not mind a shift of all rewards", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 4, maxLength: 4 }),
        fc.double({ min: -9, max: 9, noNaN: true }),
        (rewards, by) => {
          const own = firsts(batchOf(two, rewards, everyone));
          expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 9);
          close(
            firsts(
              batchOf(
                two,
                rewards.map((x) => x + by),
                everyone,
              ),
            ),
            own,
            9,
          );
        },
      ),
    );
  });

  it("of a lone answer are its reward; segments are worth what their ends are worth above where they started", () => {
    close(firsts(batchOf([path("a b")], [0.5], [[0]])), [0.5], 12);
    const { leafValues, advantages } = segmentAdvantages(everyone, [1, 0, 0, 0], two);
    close(leafValues, [4 / 7, -2 / 7, -1 / 7, -1 / 7], 12);
    advantages.forEach((own, r) => void expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(leafValues[r], 12));
    expect(advantages[0][0]).toBe(advantages[1][0]);
    const batch = batchOf(two, [1, 0, 0, 0], everyone);
    close(estimate(batch, { weighting: "segment" }), advantages.flat(), 12);
  });

  it("whitened have mean 0 and variance 1 over tokens", () => {
    const batch = batchOf([path("a a1", 3), path("a a2", 2), path("b", 1), path("b2 c", 4)], [1, 0, 0.5, 2], everyone);
    for (const weighting of ["average", "group-size", "segment"]) {
      const all = estimate(batch, { weighting, whiten: true });
      const mean = all.reduce((a, b) => a + b, 0) / all.length;
      expect(mean).toBeCloseTo(0, 6);
      expect(all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (all.length - 1)).toBeCloseTo(1, 5);
    }
  });

  it("are 0 for unscorable rows, which count nowhere, and finite for whatever rewards", () => {
    const known = firsts(batchOf([two[0], two[1], two[2]], [1, 0, 0.5], [[0, 1, 2]]));
    close(firsts(batchOf(two, [1, 0, 0.5, Number.NaN], everyone)), [...known, 0], 12);
    for (const rewards of [
      [0, 0, 0, 0],
      [1e6, -1e6, 1e6, -1e6],
      [Number.NaN, Number.NaN, Number.NaN, Number.NaN],
      [Number.NaN, Number.NaN, Number.NaN, 1],
    ]) {
      for (const weighting of ["average", "group-size", "segment"]) {
        for (const whiten of [false, true]) {
          for (const paths of [two, undefined, [[], [], path("a"), path("a b")]]) {
            expect(estimate(batchOf(paths, rewards, everyone), { weighting, whiten, dropFlat: true }).every(Number.isFinite)).toBe(true);
          }
        }
      }
    }
  });

  it("list the nested groups of an answer from the prompt down", () => {
    const paths = [path("a"), path("b c"), path("b d e"), path("b d f")];
    expect(comparisonsOf(2, [0, 1, 2, 3], [1, 0, 1, 0], paths).map(({ size }) => size)).toEqual([4, 3, 2]);
    expect(comparisonsOf(0, [0, 1, 2, 3], [1, 0, 1, 0], paths).map(({ size }) => size)).toEqual([4]);
    expect(combine([], "average", false)).toBe(0);
  });
});
