import type { Random } from "../../policy/random.ts";
import type { Numbers } from "../batch.ts";
import type { Parameters } from "../plugin.ts";
import type { SamplerPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean } from "../statistics.ts";
import { pathTo, type Tree } from "../tree.ts";
import { temperatureSampler, truncationLatex } from "./temperature.ts";

/** How continuations are shared among the open paths. */
export type ForkPolicy = "even" | "low" | "high";

/**
 * How many paths go on in the next round: every path that ended and every open one gives room for `branching`, as far as the width allows;
 * an open path is never given up.
 */
export const forkBudget = (width: number, branching: number, finished: number, finishedThisRound: number, active: number) =>
  Math.max(active, Math.min(Math.max(width - finished, 0), branching * (finishedThisRound + active)));

/**
 * How often each open path is continued; `total` ≥ the number of paths. `even` shares equally and gives the rest to the last path. `low`
 * and `high` give one to each and the rest in proportion to softmax(∓mean log-prob / temperature), by largest remainder.
 */
export function shareForks(total: number, meanLogProbs: readonly number[], policy: ForkPolicy, temperature: number): number[] {
  const n = meanLogProbs.length;
  if (n === 0) return [];
  if (policy === "even") {
    const each = Math.floor(total / n);
    return meanLogProbs.map((_, i) => (i < n - 1 ? each : total - each * (n - 1)));
  }
  const rest = total - n;
  const scores = meanLogProbs.map((x) => ((policy === "low" ? -1 : 1) * x) / temperature);
  const largest = Math.max(...scores);
  const powers = scores.map((x) => Math.exp(x - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  const wanted = powers.map((p) => (p / sum) * rest);
  const forks = wanted.map((x) => 1 + Math.floor(x));
  const left = total - forks.reduce((a, b) => a + b, 0);
  const byRemainder = wanted.map((x, i) => ({ i, remainder: x - Math.floor(x) })).sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  for (const { i } of byRemainder.slice(0, left)) forks[i]++;
  return forks;
}

const sameTokens = (a: Numbers, b: Numbers) => a.length === b.length && Array.from(a).every((x, i) => x === b[i]);

/** Whether a path ends at this node: nothing may follow, it is as deep as allowed, or its last three segments are the same. */
export function endsAt(tree: Tree, node: number, depth: number): boolean {
  const { state, parent, depth: own, tokens } = tree.nodes[node];
  if (state !== "open" || own >= depth) return true;
  const before = tree.nodes[parent];
  const earlier = before && tree.nodes[before.parent];
  return earlier !== undefined && sameTokens(tokens, before.tokens) && sameTokens(tokens, earlier.tokens);
}

/** The whole path's mean log-prob. */
function meanLogProb(tree: Tree, node: number): number {
  return mean(pathTo(tree, node).flatMap((i) => Array.from(tree.nodes[i].logProbs)));
}

/** See `SamplerPlugin.tree.grow`. */
export function growth(tree: Tree, params: Parameters, random: Random): number[] {
  const [width, branching, depth] = [params.groupSize as number, params.branching as number, params.depth as number];
  if (tree.nodes.length === 0) {
    const least = Math.min(branching, width);
    return new Array<number>(random.integer(least, Math.max(least, Math.min(params.firstBranching as number, width)))).fill(-1);
  }
  const ended = tree.nodes.map((_, node) => endsAt(tree, node, depth));
  const lastRound = tree.nodes.flatMap((_, node) => (node >= tree.lastRound ? [node] : []));
  const finished = ended.flatMap((end, node) => (end ? [node] : []));
  const active = lastRound.filter((node) => !ended[node]);
  if (active.length > 0) {
    const total = forkBudget(width, branching, finished.length, lastRound.length - active.length, active.length);
    const forks = shareForks(
      total,
      active.map((node) => meanLogProb(tree, node)),
      params.forks as ForkPolicy,
      params.forkTemperature as number,
    );
    return active.flatMap((node, i) => new Array<number>(forks[i]).fill(node));
  }
  // Everything has ended before the width was reached: go back to a random boundary of random finished paths.
  return Array.from({ length: Math.max(0, width - finished.length) }, () => {
    const path = pathTo(tree, random.pick(finished));
    return path[path.length - 1 - random.integer(1, path.length)] ?? -1;
  });
}

/** Rollouts that grow as a tree, segment by segment, and share their beginnings. */
export const treeSampler: SamplerPlugin = {
  id: "tree",
  name: "Tree sampling",
  scope: "group",
  parameters: {
    ...temperatureSampler.parameters,
    segment: {
      kind: "integer",
      label: "Segment length",
      default: 4,
      min: 1,
      max: 120,
      slider: [1, 16, 1],
      unit: "tokens",
      symbol: "\\ell",
      effect: "After so many tokens the paths may fork. Shorter segments make more places to fork, and share less.",
    },
    depth: {
      kind: "integer",
      label: "Most segments",
      default: 8,
      min: 1,
      max: 120,
      slider: [1, 16, 1],
      symbol: "D",
      effect: "A path ends after so many segments.",
    },
    branching: {
      kind: "integer",
      label: "Forks of a path",
      default: 2,
      min: 1,
      max: 64,
      slider: [1, 8, 1],
      symbol: "d",
      effect: "How many continuations a path has at a boundary, as long as the group is not full. With 1 the first segments decide.",
    },
    firstBranching: {
      kind: "integer",
      label: "Most first forks",
      default: 4,
      min: 1,
      max: 64,
      slider: [1, 16, 1],
      symbol: "d_1",
      effect: "A tree begins with a random number of branches between the forks of a path and this.",
    },
    forks: {
      kind: "choice",
      label: "Who forks",
      default: "even",
      options: [
        { value: "even", label: "all paths alike" },
        { value: "low", label: "the least probable paths" },
        { value: "high", label: "the most probable paths" },
      ],
      effect: "Where the continuations go when there are more than paths.",
    },
    forkTemperature: {
      kind: "number",
      label: "Temperature of that choice",
      default: 1,
      min: 0.01,
      max: 100,
      slider: [0.1, 5, 0.1],
      symbol: "T_f",
      effect: "Lower gives nearly all continuations to the first in that order. Without effect when all fork alike.",
    },
  },
  explanation: {
    sentence:
      "Answers grow segment by segment and fork on the way, so that a group's answers share beginnings: they cost fewer generated tokens and can be compared from each fork on.",
    latex:
      "n_{\\text{next}} = \\max\\!\\big(n_{\\text{open}},\\ \\min(W - n_{\\text{done}},\\ d\\,(n_{\\text{ended}} + n_{\\text{open}}))\\big)",
    source: SOURCES.treepo,
  },
  latexOf(params) {
    const next =
      "n_{\\text{next}} = \\max\\!\\big(n_{\\text{open}},\\ \\min(W - n_{\\text{done}},\\ d\\,(n_{\\text{ended}} + n_{\\text{open}}))\\big)";
    const first = "n_1 \\in [d,\\,d_1],\\quad\\text{at most }D\\text{ segments of }\\ell\\text{ tokens}";
    const sign = params.forks === "low" ? "-" : "";
    const shared = params.forks === "even" ? "" : `,\\quad\\text{shared by softmax}\\big(${sign}\\overline{\\log\\pi}/T_f\\big)`;
    return `${next},\\quad ${first}${shared},\\quad y_t\\sim\\mathrm{softmax}(z_t/T)${truncationLatex(params)}`;
  },
  terms: {
    width: { symbol: "W", meaning: "answers wanted for a prompt: the group size" },
    branching: { symbol: "d", meaning: "forks of a path" },
  },
  drawing: temperatureSampler.drawing,
  tree: { segmentLength: (params) => params.segment as number, grow: growth },
};
