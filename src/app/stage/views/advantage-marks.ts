import type { StepRecord } from "../../../loop/record.ts";
import { rangeOf, type TermName, termName, valuesOf } from "./plugin-terms.ts";

/** A group's rewards and the advantages made from them, as marks on two axes. */

/** Rollouts of equal reward and advantage are one mark. */
export interface Mark {
  readonly reward: number;
  readonly advantage: number;
  readonly rows: readonly number[];
}

export interface GroupMarks {
  /** By reward, then advantage. */
  readonly marks: readonly Mark[];
  /** Rollouts without a reward: they learn nothing. */
  readonly unscored: number;
  /** The baselines in use: one for the group, or the ends of several (as with leave-one-out). */
  readonly baseline: readonly [number, number] | undefined;
  /** Mean and sample standard deviation of the rewards. */
  readonly mean: number;
  readonly std: number;
  /** Every advantage is 0: the group does nothing in the update. */
  readonly idle: boolean;
  /** Its answers all earned the same. */
  readonly signal: boolean;
}

export function groupMarks(record: StepRecord, group: number): GroupMarks {
  const { members, statistics } = record.groups[group];
  const marks = new Map<string, { reward: number; advantage: number; rows: number[] }>();
  const baselines: number[] = [];
  let unscored = 0;
  for (const row of members) {
    const { reward, advantage, baseline } = record.rollouts[row] ?? {};
    if (reward === undefined || advantage === undefined) continue;
    if (Number.isNaN(reward)) {
      unscored++;
      continue;
    }
    if (baseline !== undefined && Number.isFinite(baseline)) baselines.push(baseline);
    const key = `${reward.toFixed(6)}/${advantage.toFixed(6)}`;
    const mark = marks.get(key);
    if (mark) mark.rows.push(row);
    else marks.set(key, { reward, advantage, rows: [row] });
  }
  const list = [...marks.values()].sort((a, b) => a.reward - b.reward || a.advantage - b.advantage);
  return {
    marks: list,
    unscored,
    baseline: rangeOf(baselines),
    mean: statistics?.mean ?? 0,
    std: statistics?.std ?? 0,
    idle: list.every((mark) => mark.advantage === 0),
    signal: statistics?.signal ?? false,
  };
}

export interface Axes {
  /** Of the step's rewards; both ends differ. */
  readonly reward: readonly [number, number];
  /** The largest advantage of the step in size: the other axis goes from minus to plus this. */
  readonly advantage: number;
}

export function axesOf(record: StepRecord): Axes {
  const [low, high] = rangeOf(record.rollouts.map((r) => r.reward ?? Number.NaN)) ?? [0, 1];
  const top = Math.max(0, ...record.rollouts.map((r) => Math.abs(r.advantage ?? 0)));
  return { reward: [Math.min(0, low), Math.max(low + 1e-6, high, Math.min(0, low) + 1)], advantage: top || 1 };
}

/** A further number behind a group's advantages. */
export interface GroupTerm extends TermName {
  readonly key: string;
  readonly range: readonly [number, number];
}

/** All terms but those that the axes show already. */
export function termsOf(record: StepRecord, group: number): GroupTerm[] {
  const rows = record.groups[group].members.filter((row) => record.rollouts[row]);
  return Object.entries(record.tokens?.advantageTerms ?? {}).flatMap(([key, values]) => {
    const name = termName(key);
    if (key.startsWith("advantage.") && (name.term === "baselines" || name.term === "scales")) return [];
    const range = rangeOf(valuesOf(record, values, rows));
    return range ? [{ key, ...name, range }] : [];
  });
}
