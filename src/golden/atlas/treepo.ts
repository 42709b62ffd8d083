import { type Comparison, combine, comparisonsOf, segmentAdvantages, treeAdvantage } from "../../algorithm/advantages/tree.ts";
import type { PathStep } from "../../algorithm/batch.ts";
import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { type ForkPolicy, forkBudget, shareForks } from "../../algorithm/samplers/tree.ts";
import { mean } from "../../algorithm/statistics.ts";
import { GoldenError } from "../../policy/golden.ts";
import type { Json, Reader } from "../read.ts";
import { lossBatch, NO_RANDOM } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

function forkPolicy(row: Reader): ForkPolicy {
  const policy = row.text("policy", "even");
  if (policy === "even") return "even";
  if (policy.includes("low")) return "low";
  if (policy.includes("high")) return "high";
  throw new GoldenError(`${row.place}: the policy ${JSON.stringify(policy)} is not known`);
}

function forks(row: Reader): Json {
  const active = row.table("activeLogProbs");
  const total = forkBudget(
    row.number("width"),
    row.number("branching", 2),
    row.number("finished"),
    row.number("finishedThisStep"),
    active.length,
  );
  return { total, forks: shareForks(total, active.map(mean), forkPolicy(row), row.number("temperature", 1)) };
}

/** Rows with their prompt as group; path elements after the prompt own `segmentLength` tokens each, the last one the rest. */
function readPaths(
  input: Reader,
  lengths: readonly number[],
  segment: number,
): { groups: number[][]; group: number[]; paths: PathStep[][] } {
  const written = input.raw.paths;
  if (!Array.isArray(written) || written.length !== lengths.length || !written.every((path) => typeof path === "string")) {
    throw new GoldenError(`${input.place}: paths must be an array of ${lengths.length} texts`);
  }
  const elements = written.map((path: string) => path.split("#"));
  const prompts = [...new Set(elements.map(([prompt]) => prompt))];
  const group = elements.map(([prompt]) => prompts.indexOf(prompt));
  return {
    group,
    groups: prompts.map((_, g) => group.flatMap((own, r) => (own === g ? [r] : []))),
    paths: elements.map(([, ...nodes], r) =>
      nodes.map((node, k) => ({
        node,
        tokens: Math.max(0, k === nodes.length - 1 ? lengths[r] - k * segment : Math.min(segment, lengths[r] - k * segment)),
      })),
    ),
  };
}

export const treepo: AtlasMethod = ({ params, input }) => {
  if (input.has("rows")) return { rows: input.objects("rows").map(forks) };
  if (!input.has("paths") || !input.has("logProbs")) return null;
  const { batch, table } = lossBatch(input, "token-mean");
  const lengths = input.numbers("lengths", batch.rows);
  const { group, groups, paths } = readPaths(input, lengths, params.count("segmentLength"));
  const tree = { ...batch, group, groups, paths };
  const advantageOf = (weighting: string, dropFlat: boolean) =>
    treeAdvantage.estimate(tree, withDefaults(treeAdvantage, { weighting, dropFlat }), undefined, NO_RANDOM).advantage;
  const comparisons: Comparison[][] = group.map((g, r) => comparisonsOf(r, groups[g], batch.reward, paths));
  const variant = (weighting: "average" | "group-size", dropFlat: boolean) => {
    const advantage = advantageOf(weighting, dropFlat);
    return {
      rawAdvantages: comparisons.map((own) => combine(own, weighting, dropFlat)),
      advantages: lengths.map((length, r) => (length > 0 ? advantage[batch.offsets[r]] : 0)),
    };
  };
  const segments = segmentAdvantages(groups, batch.reward, paths);
  const loss = clippedSurrogate.lossAndCoefficients(
    { ...tree, advantage: advantageOf("average", false) },
    withDefaults(clippedSurrogate, {
      clipLow: params.number("clipLow", 0.2),
      clipHigh: params.number("clipHigh", 0.28),
      dualClip: params.number("dualClipC", 10),
    }),
    undefined,
    NO_RANDOM,
  );
  return {
    treeAdvantages: {
      average: variant("average", false),
      averageDropFlat: variant("average", true),
      groupSize: variant("group-size", false),
      groupSizeDropFlat: variant("group-size", true),
    },
    segmentLeafValues: segments.leafValues,
    segmentAdvantagesBeforeWhitening: segments.advantages,
    segmentTokenAdvantages: table(advantageOf("segment", false)),
    loss: loss.value,
    dLoss_dLogProb: table(loss.coefficient),
  };
};
