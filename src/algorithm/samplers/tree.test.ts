import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Parameters } from "../plugin.ts";
import type { Tree, TreeNode } from "../tree.ts";
import { endsAt, type ForkPolicy, forkBudget, growth, shareForks, treeSampler } from "./tree.ts";

const defaults: Parameters = Object.fromEntries(Object.entries(treeSampler.parameters).map(([name, { default: value }]) => [name, value]));
const node = (
  parent: number,
  depth: number,
  tokens: number[],
  state: TreeNode["state"] = "open",
  logProbs = tokens.map(() => -0.5),
): TreeNode => ({
  parent,
  depth,
  tokens,
  logProbs,
  state,
});
/** Chooses what it is told to, and tells what it was asked. */
const told = (...answers: number[]) => {
  const asked: [number, number][] = [];
  const next = (low: number, high: number) => {
    asked.push([low, high]);
    return answers.shift() ?? low;
  };
  return {
    asked,
    random: {
      next: () => 0,
      integer: next,
      pick: <T>(items: readonly T[]) => items[next(0, items.length - 1)],
      shuffle: <T>(items: readonly T[]) => [...items],
    },
  };
};

describe("forks", () => {
  it("never give an open path up, and never fill the width twice", () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(20),
        fc.nat(8),
        fc.nat(10),
        (width, branching, finished, now, active) => {
          const total = forkBudget(width, branching, finished, now, active);
          expect(total).toBeGreaterThanOrEqual(active);
          expect(total).toBeLessThanOrEqual(Math.max(active, width - finished));
          expect(total).toBeLessThanOrEqual(Math.max(active, branching * (now + active)));
        },
      ),
    );
  });

  it("are shared so that every path has at least one and none is lost", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -30, max: 0, noNaN: true }), { minLength: 1, maxLength: 8 }),
        fc.nat(20),
        fc.constantFrom<ForkPolicy>("even", "low", "high"),
        fc.double({ min: 0.01, max: 10, noNaN: true }),
        (means, more, policy, temperature) => {
          const forks = shareForks(means.length + more, means, policy, temperature);
          expect(forks.reduce((a, b) => a + b, 0)).toBe(means.length + more);
          expect(Math.min(...forks)).toBeGreaterThanOrEqual(1);
        },
      ),
    );
    expect(shareForks(0, [], "even", 1)).toEqual([]);
  });

  it("give the remainder of an even share to the last path, and else favour the low or the high", () => {
    expect(shareForks(13, [-1, -1, -1, -1, -1], "even", 1)).toEqual([2, 2, 2, 2, 5]);
    expect(shareForks(6, [-0.15, -1.5, -0.6], "low", 1)).toEqual([1, 3, 2]);
    expect(shareForks(7, [-0.15, -1.5, -0.6], "high", 0.5)).toEqual([4, 1, 2]);
  });
});

describe("growth", () => {
  const grow = (tree: Tree, changes: Parameters = {}, ...answers: number[]) => {
    const { asked, random } = told(...answers);
    return { parents: growth(tree, { ...defaults, groupSize: 8, ...changes }, random), asked };
  };

  it("begins with a random number of branches from the prompt, within the width", () => {
    expect(grow({ nodes: [], lastRound: 0 }, {}, 3)).toEqual({ parents: [-1, -1, -1], asked: [[2, 4]] });
    expect(grow({ nodes: [], lastRound: 0 }, { groupSize: 1 }).asked).toEqual([[1, 1]]);
    expect(grow({ nodes: [], lastRound: 0 }, { branching: 6, firstBranching: 3 }).asked).toEqual([[6, 6]]);
  });

  it("forks the open nodes of the last round within the budget", () => {
    const nodes = [node(-1, 1, [1, 2]), node(-1, 1, [3, 2], "stopped"), node(-1, 1, [4, 5])];
    expect(grow({ nodes, lastRound: 0 }).parents).toEqual([0, 0, 0, 2, 2, 2]);
    expect(grow({ nodes, lastRound: 0 }, { groupSize: 4 }).parents).toEqual([0, 2, 2]);
    expect(grow({ nodes, lastRound: 0 }, { groupSize: 3 }).parents).toEqual([0, 2]);
  });

  it("ends paths that are as deep as allowed, full, or repeat a segment for the third time", () => {
    const nodes = [node(-1, 1, [1, 2]), node(0, 2, [1, 2]), node(1, 3, [1, 2]), node(1, 3, [1, 3]), node(1, 3, [9], "full")];
    expect(nodes.map((_, i) => endsAt({ nodes, lastRound: 2 }, i, 8))).toEqual([false, false, true, false, true]);
    expect(endsAt({ nodes, lastRound: 2 }, 3, 3)).toBe(true);
    expect(endsAt({ nodes, lastRound: 2 }, 1, 2)).toBe(true);
  });

  it("goes back to a boundary of a finished path when all have ended too early, and is done when the width is reached", () => {
    const nodes = [node(-1, 1, [1]), node(0, 2, [2], "stopped"), node(0, 2, [3], "stopped")];
    // The second finished path, one segment back; the first, two segments back: to the prompt.
    const { parents, asked } = grow({ nodes, lastRound: 1 }, { groupSize: 4 }, 1, 1, 0, 2);
    expect(parents).toEqual([0, -1]);
    expect(asked).toEqual([
      [0, 1],
      [1, 2],
      [0, 1],
      [1, 2],
    ]);
    expect(grow({ nodes, lastRound: 1 }, { groupSize: 2 }).parents).toEqual([]);
  });
});
