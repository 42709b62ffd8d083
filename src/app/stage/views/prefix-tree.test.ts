// @vitest-environment node
import fc from "fast-check";
import { expect, it } from "vitest";
import type { StepRecord } from "../../../loop/record.ts";
import { prefixTree } from "./prefix-tree.ts";

/** A record with one group whose completions are given as tokens. */
function recordOf(completions: readonly (readonly number[])[]): StepRecord {
  const offsets = new Int32Array(completions.length + 1);
  completions.forEach((tokens, r) => {
    offsets[r + 1] = offsets[r] + tokens.length;
  });
  return {
    groups: [{ members: completions.map((_, r) => r) }],
    rollouts: completions.map(() => ({ group: 0 })),
    tokens: { offsets, tokens: Int32Array.from(completions.flat()) },
  } as unknown as StepRecord;
}

it("merges what answers have in common, most travelled first, and gives each different answer a line", () => {
  const tree = prefixTree(recordOf([[7, 8, 2], [7, 9, 2], [7, 9, 2], [5]]), 0);
  expect(tree.roots.map(({ token, rows }) => [token, rows])).toEqual([
    [7, [0, 1, 2]],
    [5, [3]],
  ]);
  expect(tree.roots[0].children.map(({ token, rows, y }) => [token, rows, y])).toEqual([
    [9, [1, 2], 0],
    [8, [0], 1],
  ]);
  expect(tree).toMatchObject({ lines: 3, depth: 3, rows: [1, 2, 0, 3], shared: 3 + 2 + 2, tokens: 10 });
});

it("gives an answer that was cut off where another goes on a line of its own", () => {
  const tree = prefixTree(recordOf([[7], [7, 8]]), 0);
  expect(tree.lines).toBe(2);
  expect(tree.roots[0].y).toBe(0);
  expect(tree.roots[0].children[0].y).toBe(1);
});

it("leads every answer, token by token, along one path from a root; no two nodes share a place", () => {
  const completion = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(completion, { minLength: 1, maxLength: 12 }), (completions) => {
      const tree = prefixTree(recordOf(completions), 0);
      completions.forEach((tokens, row) => {
        let nodes = tree.roots;
        for (const token of tokens) {
          const next = nodes.filter((node) => node.rows.includes(row));
          expect(next.map((node) => node.token)).toEqual([token]);
          nodes = next[0].children;
        }
      });
      expect(new Set(tree.nodes.map(({ depth, y }) => `${depth}/${y}`)).size).toBe(tree.nodes.length);
      expect([...tree.rows].sort((a, b) => a - b)).toEqual(completions.map((_, r) => r));
      for (const { y } of tree.nodes) expect(y >= 0 && y < tree.lines).toBe(true);
    }),
  );
});
