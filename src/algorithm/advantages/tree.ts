import type { Numbers, PathStep, RolloutBatch } from "../batch.ts";
import { spreadRows } from "../batch.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, scorableRows, whitenTokens } from "../statistics.ts";

/** Comparisons within nested groups of a tree: rollouts that share the first j segments, for every j. */

export type Weighting = "average" | "group-size";

/** One comparison of a rollout: with its `size` fellows that share a beginning. */
export interface Comparison {
  readonly size: number;
  /** Reward minus the group's mean; for a rollout without any fellow at the prompt, its reward. */
  readonly advantage: number;
  /** Whether the rewards of that group are all the same. */
  readonly flat: boolean;
}

/** Rows that share the first `depth` segments of row `r`, itself included. */
function fellows(r: number, depth: number, members: readonly number[], paths: RolloutBatch["paths"] & object): number[] {
  return members.filter((other) => paths[r].slice(0, depth).every(({ node }, j) => paths[other][j]?.node === node));
}

/**
 * The comparisons of a row, from the prompt (depth 0) down, at each depth above its leaf. Below the prompt, a beginning that the row
 * shares with nobody makes no comparison.
 * @param members scorable rows of its group.
 */
export function comparisonsOf(r: number, members: readonly number[], reward: Numbers, paths: RolloutBatch["paths"] & object): Comparison[] {
  return Array.from({ length: Math.max(1, paths[r].length) }, (_, depth) => {
    const rewards = fellows(r, depth, members, paths).map((other) => reward[other]);
    const baseline = rewards.length > 1 ? mean(rewards) : 0;
    return { size: rewards.length, advantage: reward[r] - baseline, flat: rewards.length > 1 && rewards.every((x) => x === rewards[0]) };
  }).filter(({ size }, depth) => depth === 0 || size > 1);
}

/** The mean of the comparisons, equal or by group size; 0 where none is left. @param dropFlat leave out groups of equal rewards. */
export function combine(comparisons: readonly Comparison[], weighting: Weighting, dropFlat: boolean): number {
  const used = comparisons.filter(({ flat }) => !(dropFlat && flat));
  const weights = used.map(({ size }) => (weighting === "average" ? 1 : size));
  const sum = weights.reduce((a, b) => a + b, 0);
  return sum === 0 ? 0 : used.reduce((total, { advantage }, i) => total + weights[i] * advantage, 0) / sum;
}

/** Advantage of each segment of a row, from the values of the tree's nodes. */
export interface SegmentAdvantages {
  /** `[rows]`: the value that a rollout's last node starts from: its comparisons at all depths by size, itself included as a group of one. */
  readonly leafValues: number[];
  /** `[rows]`, one number per segment: the node's value minus its parent's, where a node's value is the mean of its children's and the prompt's is 0. */
  readonly advantages: number[][];
}

/** @param groups scorable rows of each group. */
export function segmentAdvantages(
  groups: RolloutBatch["groups"],
  reward: Numbers,
  paths: RolloutBatch["paths"] & object,
): SegmentAdvantages {
  const leafValues = new Array<number>(paths.length).fill(0);
  const advantages = paths.map((path) => new Array<number>(path.length).fill(0));
  for (const members of groups) {
    for (const r of members) {
      const levels = Array.from({ length: paths[r].length + 1 }, (_, depth) => {
        const rewards = fellows(r, depth, members, paths).map((other) => reward[other]);
        return { size: rewards.length, advantage: reward[r] - (depth === 0 && rewards.length === 1 ? 0 : mean(rewards)), flat: false };
      });
      leafValues[r] = combine(levels, "group-size", false);
    }
    /** The value of the node at the end of the first `depth` segments of row r. */
    const valueAt = (r: number, depth: number): number => {
      const below = fellows(r, depth, members, paths);
      const ending = below.filter((other) => paths[other].length === depth).map((other) => leafValues[other]);
      const children = new Map(below.flatMap((other) => (paths[other].length > depth ? [[paths[other][depth].node, other] as const] : [])));
      return mean([...ending, ...[...children.values()].map((other) => valueAt(other, depth + 1))]);
    };
    for (const r of members) {
      let before = 0;
      paths[r].forEach((_, k) => {
        const value = valueAt(r, k + 1);
        advantages[r][k] = value - before;
        before = value;
      });
    }
  }
  return { leafValues, advantages };
}

/** `[N]`: one number per segment, repeated for each of its tokens. */
export function spreadSegments(
  values: readonly (readonly number[])[],
  paths: RolloutBatch["paths"] & object,
  offsets: Numbers,
): Float64Array {
  const packed = new Float64Array(offsets[paths.length]);
  paths.forEach((path, r) => {
    let at = offsets[r];
    path.forEach(({ tokens }, k) => {
      const end = Math.min(at + tokens, offsets[r + 1]);
      packed.fill(values[r][k], at, end);
      at = end;
    });
  });
  return packed;
}

/** A row that did not grow in a tree is one segment of its own. */
const alone = ({ rows, offsets }: Pick<RolloutBatch, "rows" | "offsets">): PathStep[][] =>
  Array.from({ length: rows }, (_, r) => [{ node: `row ${r}`, tokens: offsets[r + 1] - offsets[r] }]);

/** The comparisons combined, and what stands beside it. Groups in which all rewards are the same may be left out. */
function comparedLatex(weighting: Weighting | "segment", dropFlat: boolean): readonly [raw: string, where: string] {
  if (weighting === "segment") return ["V_n - V_{n-1}", ",\\quad V_n=\\mathrm{mean}_{\\text{children}}(V)"];
  const groups = dropFlat ? "J'_i" : "J_i";
  const where = dropFlat ? ",\\quad J'_i\\subseteq J_i\\text{ not flat}" : "";
  const each = "\\big(r_i - \\mathrm{mean}_{g_j(i)}(r)\\big)";
  return weighting === "average"
    ? [`\\tfrac1{|${groups}|}\\sum_{j\\in ${groups}}${each}`, where]
    : [`\\tfrac1{\\sum_{j}|g_j(i)|}\\sum_{j\\in ${groups}}|g_j(i)|\\,${each}`, where];
}

/** Tree-relative advantages: a rollout against everybody with the same prompt, against those that share its first segment, its first two… */
export const treeAdvantage: AdvantagePlugin = {
  id: "tree",
  name: "Tree-relative",
  scope: "batch",
  parameters: {
    weighting: {
      kind: "choice",
      label: "Nested groups",
      default: "average",
      options: [
        { value: "average", label: "count the same" },
        { value: "group-size", label: "count by size" },
        { value: "segment", label: "value each segment by itself" },
      ],
      effect: "How the comparisons at the prompt and at each fork become one number, or one for each segment.",
    },
    dropFlat: {
      kind: "boolean",
      label: "Leave out flat groups",
      default: false,
      effect: "Forks after which all answers are equally good say nothing; leaving them out makes the others count more.",
    },
    whiten: {
      kind: "boolean",
      label: "Whiten over tokens",
      default: true,
      effect: "Shifts and scales the advantages of all tokens of the batch to mean 0 and variance 1.",
    },
  },
  explanation: {
    sentence:
      "An answer is compared with all answers to its prompt, and again with those that share its first segment, its first two, and so on: what it did after a fork is judged apart from what it inherited.",
    latex: "A_i = \\mathrm{whiten}\\Big(\\tfrac1{|J_i|}\\sum_{j\\in J_i}\\big(r_i - \\mathrm{mean}_{g_j(i)}(r)\\big)\\Big)",
    source: SOURCES.treepo,
  },
  latexOf({ weighting, dropFlat, whiten }) {
    const made = weighting === "segment" ? "A_{i,t}" : "A_i";
    const [raw, where] = comparedLatex(weighting as Weighting | "segment", dropFlat === true);
    return whiten === true ? `${made} = \\mathrm{whiten}\\Big(${raw}\\Big)${where}` : `${made} = ${raw}${where}`;
  },
  terms: {
    raw: { symbol: "r_i - \\mathrm{mean}(r)", meaning: "the comparisons combined, before whitening" },
    comparisons: { symbol: "|J_i|", meaning: "how many nested groups the answer is compared in" },
  },
  estimate(batch, params) {
    const { rows, offsets, reward, paths: given } = batch;
    const paths = given ?? alone(batch);
    const counts = scorableRows(batch);
    const groups = batch.groups.map((members) => members.filter((r) => counts[r]));
    const comparisons = new Float64Array(rows);
    const single = new Float64Array(rows);
    for (const members of groups) {
      for (const r of members) {
        const own = comparisonsOf(r, members, reward, paths);
        comparisons[r] = own.length;
        if (params.weighting !== "segment") single[r] = combine(own, params.weighting as Weighting, params.dropFlat as boolean);
      }
    }
    const raw =
      params.weighting === "segment"
        ? spreadSegments(segmentAdvantages(groups, reward, paths).advantages, paths, offsets)
        : spreadRows(single, batch);
    const advantage = params.whiten ? whitenTokens(raw, batch, counts, 1, 1e-8).whitened : raw;
    return { level: "token", advantage, terms: { raw, comparisons } };
  },
};
