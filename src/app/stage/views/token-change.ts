import type { StepRecord, UpdateRecord } from "../../../loop/record.ts";
import { parameterLayout } from "../../../policy/config.ts";
import { lengthOf, logProbBefore } from "../token-facts.ts";
import { participationIn } from "./token-weights.ts";

/** A token's probability at two moments; undefined where one of them is not recorded. */
export interface Change {
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/**
 * The whole step (`update` undefined): at temperature 1, before the first update and after the last. One update: at the temperature of the
 * objective, when the token was drawn and when the update looked at it. Undefined if the row was not in the update.
 */
export function rowChanges(record: StepRecord, row: number, update: number | undefined): Change[] | undefined {
  const tokens = record.tokens;
  if (!tokens) return undefined;
  const start = tokens.offsets[row];
  const length = lengthOf(record, row);
  if (update === undefined) {
    return Array.from({ length }, (_, t) => {
      const before = logProbBefore(record, start + t);
      return {
        before: before === undefined ? undefined : Math.exp(before),
        after: tokens.after && Math.exp(tokens.after.logProb[start + t]),
      };
    });
  }
  const at = participationIn(record, row, update);
  if (!at) return undefined;
  return Array.from({ length }, (_, t) => ({
    before: Math.exp(tokens.oldLogProb[start + t]),
    after: Math.exp(at.update.logProb[at.offset + t]),
  }));
}

const FACTORS = [1, 2, 5, 10, 20, 50, 100, 200];
/** The change of probability that is drawn as half of the height, at most by one token in twenty more. */
const HALF = 0.5;

/** By how much changes are drawn larger than they are, so that those of a careful step can be seen: a round number. */
export function magnification(record: StepRecord, update: number | undefined): number {
  const sizes: number[] = [];
  record.rollouts.forEach((_, row) => {
    for (const { before, after } of rowChanges(record, row, update) ?? [])
      if (before !== undefined && after !== undefined) sizes.push(Math.abs(after - before));
  });
  const large = sizes.sort((a, b) => a - b)[Math.floor(sizes.length * 0.95)] ?? 0;
  return FACTORS.findLast((factor) => factor * large <= HALF) ?? 1;
}

/** A part of the network and the norm of the gradient in it. */
export interface LayerNorm {
  readonly name: string;
  readonly norm: number;
  /** By tensor, in the network's order. */
  readonly tensors: readonly { readonly name: string; readonly norm: number }[];
}

/** Tensors a layer has; two more stand outside of all layers. */
const A_LAYER = 9;

/** The gradient's norm by layer: the root of the sum of the squares over its tensors, of one update or the root mean square of several. */
export function layerNorms(updates: readonly UpdateRecord[]): LayerNorm[] {
  const counted = updates.filter((update) => update.tensorGradNorms.length > 0);
  const [first] = counted;
  if (!first) return [];
  const layers = (first.tensorGradNorms.length - 2) / A_LAYER;
  if (!Number.isInteger(layers)) return [];
  // Only the tensors' names are of interest here, and they depend on the number of layers alone.
  const names = parameterLayout({
    vocabSize: 1,
    hiddenSize: 1,
    layers,
    heads: 1,
    headDim: 1,
    intermediateSize: 1,
    contextLength: 1,
    rmsNormEps: 1,
    ropeTheta: 1,
  }).map(({ name }) => name);
  const norms = names.map((_, i) => Math.sqrt(counted.reduce((sum, u) => sum + u.tensorGradNorms[i] ** 2, 0) / counted.length));
  const parts = new Map<string, { name: string; norm: number }[]>();
  names.forEach((full, i) => {
    const match = /^model\.layers\.(\d+)\.(.*)\.weight$/.exec(full);
    const part = match ? `layer ${Number(match[1]) + 1}` : full.includes("embed") ? "embedding" : "last norm";
    const name = match ? match[2].replace(/^(self_attn|mlp)\./, "") : part;
    const list = parts.get(part);
    if (list) list.push({ name, norm: norms[i] });
    else parts.set(part, [{ name, norm: norms[i] }]);
  });
  return [...parts].map(([name, tensors]) => ({ name, tensors, norm: Math.sqrt(tensors.reduce((sum, t) => sum + t.norm ** 2, 0)) }));
}
