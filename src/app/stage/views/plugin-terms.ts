import type { StepRecord } from "../../../loop/record.ts";
import { LIST_SLOTS, PLUGINS, SLOTS } from "../../../recipes/slots.ts";

/** Names for the numbers that plug-ins leave in a record under `slot.plugin.term`. */
export interface TermName {
  readonly plugin: string;
  readonly term: string;
  /** In words; the term's own name if its plug-in does not declare it. */
  readonly meaning: string;
}

export function termName(key: string): TermName {
  const [slot, ...rest] = key.split(".");
  const term = rest.pop() ?? "";
  const id = rest.join(".");
  const known = [...SLOTS, ...LIST_SLOTS].find((name) => name === slot);
  const plugin = known && PLUGINS[known].find((p) => p.id === id);
  return { plugin: plugin?.name ?? id, term, meaning: plugin?.terms[term]?.meaning ?? term };
}

/** The values of a term that belong to some rollouts: one a rollout, or one a token. */
export function valuesOf(record: StepRecord, values: Float32Array, rows: readonly number[]): number[] {
  const { offsets } = record.tokens!;
  if (values.length === record.rollouts.length) return rows.map((row) => values[row]);
  return rows.flatMap((row) => Array.from(values.subarray(offsets[row], offsets[row + 1])));
}

/** The ends of some numbers, NaN left out; undefined if there are none. */
export function rangeOf(values: Iterable<number>): readonly [low: number, high: number] | undefined {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : undefined;
}
