import type { DiscardedGroup, StepRecord } from "../../../loop/record.ts";

/** The reward's parts as stacked bars: positive ones to the right of zero, negative ones to the left. */

/** Names of all parts of the step, in the order in which they were added up. */
export function partNames(record: StepRecord): string[] {
  const names = new Set<string>();
  for (const { rewardParts } of record.rollouts) for (const name of Object.keys(rewardParts ?? {})) names.add(name);
  return [...names];
}

/** The ends of the axis that all bars share: zero lies in it, and the largest stack on either side. */
export function partsDomain(record: StepRecord): readonly [number, number] {
  let [low, high] = [0, 0];
  for (const { rewardParts } of record.rollouts) {
    const values = Object.values(rewardParts ?? {}).filter((v) => Number.isFinite(v));
    high = Math.max(
      high,
      values.filter((v) => v > 0).reduce((a, b) => a + b, 0),
    );
    low = Math.min(
      low,
      values.filter((v) => v < 0).reduce((a, b) => a + b, 0),
    );
  }
  return [low, high > low ? high : low + 1];
}

export interface Piece {
  readonly name: string;
  readonly value: number;
  /** Its place among `names`: its colour. */
  readonly colour: number;
  /** Shares of the axis, 0…1. */
  readonly from: number;
  readonly width: number;
}

/** A rollout's parts along the axis. Parts that are 0, or cannot be scored, have no piece. */
export function piecesOf(
  parts: Readonly<Record<string, number>>,
  names: readonly string[],
  [low, high]: readonly [number, number],
): Piece[] {
  let [down, up] = [0, 0];
  return Object.entries(parts).flatMap(([name, value]) => {
    if (!Number.isFinite(value) || value === 0) return [];
    const start = value > 0 ? up : down + value;
    if (value > 0) up += value;
    else down += value;
    return [{ name, value, colour: names.indexOf(name), from: (start - low) / (high - low), width: Math.abs(value) / (high - low) }];
  });
}

/** What a group that was thrown away has cost: its answers and their characters, ends included. */
export function costOf({ texts }: DiscardedGroup): { readonly answers: number; readonly tokens: number } {
  return { answers: texts.length, tokens: texts.reduce((sum, text) => sum + text.length + 1, 0) };
}
