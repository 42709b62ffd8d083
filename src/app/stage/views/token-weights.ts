import type { StepRecord } from "../../../loop/record.ts";
import { lengthOf, type Participation, participations } from "../token-facts.ts";
import { rangeOf, type TermName, termName } from "./plugin-terms.ts";

/** How much tokens count: aggregation times token weights, and what masks did. */

/** The update in which a row is looked at: the chosen one, if the row took part, or its last. */
export function participationIn(record: StepRecord, row: number, update: number | undefined): Participation | undefined {
  const all = participations(record, row);
  return update === undefined ? all.at(-1) : all.find((p) => p.number === update);
}

/** The weights of a row's tokens; undefined if it was not in the update. */
export function rowWeights(record: StepRecord, row: number, update: number | undefined): Float32Array | undefined {
  const at = participationIn(record, row, update);
  return at?.update.weight.subarray(at.offset, at.offset + lengthOf(record, row));
}

export interface WeightSummary {
  readonly tokens: number;
  readonly answers: number;
  /** Tokens without weight, in answers of which nothing counts and in others. */
  readonly inMaskedAnswers: number;
  readonly inOthers: number;
  readonly maskedAnswers: number;
  /** Those of them that were cut off at the longest length. */
  readonly cutOff: number;
  /** Least and largest weight above 0. */
  readonly range: readonly [number, number] | undefined;
  /** Each token-weight plug-in's numbers in the updates looked at. */
  readonly plugins: readonly (TermName & { readonly key: string; readonly range: readonly [number, number]; readonly zeros: number })[];
}

export function weightSummary(record: StepRecord, update: number | undefined): WeightSummary {
  let [tokens, answers, inMaskedAnswers, inOthers, maskedAnswers, cutOff] = [0, 0, 0, 0, 0, 0];
  const present: number[] = [];
  record.rollouts.forEach(({ finished }, row) => {
    const weights = rowWeights(record, row, update);
    if (!weights) return;
    answers++;
    tokens += weights.length;
    const zeros = weights.filter((w) => w === 0).length;
    if (zeros === weights.length) {
      maskedAnswers++;
      if (!finished) cutOff++;
      inMaskedAnswers += zeros;
    } else inOthers += zeros;
    for (const w of weights) if (w !== 0) present.push(w);
  });
  const updates = update === undefined ? record.updates : [record.updates[update]];
  const keys = [...new Set(updates.flatMap((u) => Object.keys(u.terms)))].filter((key) => key.startsWith("tokenWeights."));
  const plugins = keys.flatMap((key) => {
    const values = updates.flatMap((u) => Array.from(u.terms[key] ?? []));
    const range = rangeOf(values);
    return range ? [{ key, ...termName(key), range, zeros: values.filter((v) => v === 0).length }] : [];
  });
  return { tokens, answers, inMaskedAnswers, inOthers, maskedAnswers, cutOff, range: rangeOf(present), plugins };
}
