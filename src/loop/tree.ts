import type { PathStep } from "../algorithm/batch.ts";
import type { Parameters } from "../algorithm/plugin.ts";
import type { SamplerPlugin } from "../algorithm/slots.ts";
import { pathTo, type TreeNode } from "../algorithm/tree.ts";
import type { GenerateRequest, Policy } from "../policy/engine.ts";
import { sequenceOf, threefry2x32 } from "../policy/random.ts";
import { concatenate, concatenateIntegers, type DrawnRow, drawnRows } from "./tokens.ts";

/** A rollout that grew in a tree: all its segments' tokens, and which segments they are. */
export interface GrownRow extends DrawnRow {
  readonly path: readonly PathStep[];
}

export interface Grown {
  /** `groupSize` rows a prompt, in the prompts' order. */
  readonly rows: GrownRow[];
  /** Tokens that the policy really generated: a segment that several rollouts share counts once. */
  readonly generated: number;
}

interface Segment extends TreeNode {
  readonly row: DrawnRow;
  /** Completion tokens up to its end. */
  readonly end: number;
}

interface Branch {
  readonly prompt: number;
  readonly parent: number;
  /** Completion tokens before it. */
  readonly start: number;
  readonly prefix: Int32Array;
  readonly key: readonly [number, number];
}

/** How rollouts are drawn, without what differs from segment to segment. */
export type GrowthDrawing = Omit<GenerateRequest, "prompts" | "keys">;

/** Set the keys of branches and of a tree's own choices apart from the numbers that a row's tokens are drawn with, whose draw is 0. */
const [BRANCH, CHOICES] = [1, 2];

/**
 * Grows a tree of rollouts for each prompt, segment by segment, all prompts together. A tree's choices follow from its prompt's key alone, and
 * each continuation's key from that and its number in the tree: other prompts do not matter.
 * @param drawing `maxNewTokens` is the longest completion; a temperature per token is read by the token's position in the completion.
 * @param keys two words a rollout (`groupSize` rollouts a prompt); a tree uses those of its first.
 * @throws RangeError if a sampler continues what cannot go on, or ends with another number of rollouts than the group's.
 */
export async function growTrees(
  policy: Pick<Policy, "generate">,
  tree: SamplerPlugin["tree"] & object,
  params: Parameters,
  prompts: readonly Int32Array[],
  groupSize: number,
  drawing: GrowthDrawing,
  keys: Uint32Array,
): Promise<Grown> {
  const segmentLength = tree.segmentLength(params);
  const trees = prompts.map((prompt, p) => {
    const key = [keys[2 * groupSize * p], keys[2 * groupSize * p + 1]] as const;
    const random = sequenceOf(...threefry2x32(...key, 0, CHOICES));
    return { prompt, key, random, nodes: [] as Segment[], lastRound: 0, branches: 0, done: false };
  });
  let generated = 0;
  for (;;) {
    const branches: Branch[] = [];
    trees.forEach((t, p) => {
      if (t.done) return;
      const parents = tree.grow({ nodes: t.nodes, lastRound: t.lastRound }, params, t.random);
      t.done = parents.length === 0;
      t.lastRound = t.nodes.length;
      for (const parent of parents) {
        const before = parent === -1 ? undefined : t.nodes[parent];
        if (parent !== -1 && before?.state !== "open") throw new RangeError(`the sampler continues node ${parent}, which is not open`);
        const path = before ? pathTo(t, parent).map((i) => t.nodes[i].row.tokens) : [];
        branches.push({
          prompt: p,
          parent,
          start: before?.end ?? 0,
          prefix: concatenateIntegers([t.prompt, ...path]),
          key: threefry2x32(...t.key, t.branches++, BRANCH),
        });
      }
    });
    if (branches.length === 0) break;
    const rows = await drawBranches(policy, branches, segmentLength, drawing);
    branches.forEach(({ prompt, parent, start }, i) => {
      const row = rows[i];
      const { nodes } = trees[prompt];
      generated += row.tokens.length;
      const end = start + row.tokens.length;
      // Fewer tokens than asked for without a stop token: the context is full.
      const full = end >= drawing.maxNewTokens || row.tokens.length < segmentLength;
      nodes.push({
        parent,
        depth: (parent === -1 ? 0 : nodes[parent].depth) + 1,
        tokens: row.tokens,
        logProbs: row.logProb,
        state: row.finished ? "stopped" : full ? "full" : "open",
        row,
        end,
      });
    });
  }
  const grown = trees.flatMap(({ nodes }) => {
    const continued = new Set(nodes.map(({ parent }) => parent));
    const leaves = nodes.flatMap((_, i) => (continued.has(i) ? [] : [i]));
    if (leaves.length !== groupSize) throw new RangeError(`the sampler grew ${leaves.length} rollouts for a group of ${groupSize}`);
    return leaves.map((leaf) => joined(pathTo({ nodes, lastRound: 0 }, leaf).map((i) => [i, nodes[i].row])));
  });
  return { rows: grown, generated };
}

/** Generates one segment for each branch: one request for all that start at the same position, since they have the same room left. */
async function drawBranches(
  policy: Pick<Policy, "generate">,
  branches: readonly Branch[],
  segmentLength: number,
  drawing: GrowthDrawing,
): Promise<DrawnRow[]> {
  const rows = new Array<DrawnRow>(branches.length);
  for (const start of [...new Set(branches.map((branch) => branch.start))].sort((a, b) => a - b)) {
    const here = branches.flatMap((branch, i) => (branch.start === start ? [i] : []));
    const length = Math.min(segmentLength, drawing.maxNewTokens - start);
    const { temperature } = drawing;
    const generation = await policy.generate({
      ...drawing,
      prompts: here.map((i) => branches[i].prefix),
      maxNewTokens: length,
      temperature: typeof temperature === "number" ? temperature : temperature.slice(start, start + length),
      keys: Uint32Array.from(here.flatMap((i) => branches[i].key)),
    });
    drawnRows(generation, drawing.alternatives ?? 0).forEach((row, j) => {
      rows[here[j]] = row;
    });
  }
  return rows;
}

/** A path's segments as one row. */
function joined(path: readonly (readonly [node: number, row: DrawnRow])[]): GrownRow {
  const rows = path.map(([, row]) => row);
  return {
    tokens: concatenateIntegers(rows.map((row) => row.tokens)),
    finished: rows[rows.length - 1].finished,
    samplerLogProb: concatenate(rows.map((row) => row.samplerLogProb)),
    logProb: concatenate(rows.map((row) => row.logProb)),
    entropy: concatenate(rows.map((row) => row.entropy)),
    alternativeTokens: concatenateIntegers(rows.map((row) => row.alternativeTokens)),
    alternativeLogProbs: concatenate(rows.map((row) => row.alternativeLogProbs)),
    path: path.map(([node, row]) => ({ node: `${node}`, tokens: row.tokens.length })),
  };
}
