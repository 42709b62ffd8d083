import type { StepRecord } from "../../../loop/record.ts";
import { lengthOf } from "../token-facts.ts";

/** A group's rollouts with their common beginnings merged. */

export interface TreeNode {
  readonly token: number;
  /** Completion tokens before it. */
  readonly depth: number;
  /** The rollouts that run through it. */
  readonly rows: readonly number[];
  readonly children: readonly TreeNode[];
  /** Its line, counted from the top; between lines where it branches. */
  readonly y: number;
}

export interface PrefixTree {
  readonly roots: readonly TreeNode[];
  /** Every node, parents before children. */
  readonly nodes: readonly TreeNode[];
  /** A line a leaf: equal answers share one. */
  readonly lines: number;
  /** Tokens of the longest answer. */
  readonly depth: number;
  /** Rollouts in the order of their lines. */
  readonly rows: readonly number[];
  /** Tokens that more than one rollout runs through, and tokens in all. */
  readonly shared: number;
  readonly tokens: number;
}

const trees = new WeakMap<StepRecord, Map<number, PrefixTree>>();

/** The tree of a group. Branches that more rollouts take come first. */
export function prefixTree(record: StepRecord, group: number): PrefixTree {
  let known = trees.get(record);
  if (!known) trees.set(record, (known = new Map()));
  let tree = known.get(group);
  if (!tree) known.set(group, (tree = grow(record, group)));
  return tree;
}

function grow(record: StepRecord, group: number): PrefixTree {
  const { tokens, offsets } = record.tokens!;
  const nodes: TreeNode[] = [];
  const order: number[] = [];
  let lines = 0;
  let deepest = 0;
  let shared = 0;

  /** Nodes of the rollouts that agree in their first `depth` tokens. */
  function branches(rows: readonly number[], depth: number): TreeNode[] {
    const by = new Map<number, number[]>();
    for (const row of rows) {
      if (lengthOf(record, row) <= depth) continue;
      const token = tokens[offsets[row] + depth];
      const same = by.get(token);
      if (same) same.push(row);
      else by.set(token, [row]);
    }
    return [...by].sort(([, a], [, b]) => b.length - a.length).map(([token, members]) => nodeOf(token, members, depth));
  }

  function nodeOf(token: number, rows: readonly number[], depth: number): TreeNode {
    const at = nodes.length;
    nodes.push(undefined as unknown as TreeNode);
    deepest = Math.max(deepest, depth + 1);
    if (rows.length > 1) shared += rows.length;
    const first = lines;
    // Answers that end here (cut off) have a line of their own above those that go on.
    const ending = rows.filter((row) => lengthOf(record, row) === depth + 1);
    if (ending.length > 0) {
      order.push(...ending);
      lines++;
    }
    const children = branches(rows, depth + 1);
    const y = children.length === 0 || ending.length > 0 ? first : (children[0].y + children[children.length - 1].y) / 2;
    const node = { token, depth, rows, children, y };
    nodes[at] = node;
    return node;
  }

  const members = record.groups[group].members.filter((row) => record.rollouts[row] && lengthOf(record, row) > 0);
  const roots = branches(members, 0);
  const total = members.reduce((sum, row) => sum + lengthOf(record, row), 0);
  return { roots, nodes, lines, depth: deepest, rows: order, shared, tokens: total };
}
