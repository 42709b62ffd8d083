import type { Metrics } from "../../loop/record.ts";
import { nameOfTask } from "../knobs/describe.ts";
import { type Course, differenceLine, setupAtEnd } from "./words.ts";

/** The table of all runs tried. */

export interface TriedRun extends Course {
  readonly id: string;
  readonly name?: string;
  readonly history: readonly Metrics[];
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

export interface Row {
  readonly id: string;
  readonly run: string;
  readonly task: string;
  readonly policy: string;
  /** From the first run tried. */
  readonly differences: string;
  readonly seed: number;
  readonly steps: number;
  /** The last that was measured. */
  readonly passAt1: number | undefined;
  /** Mean over the last steps. */
  readonly reward: number | undefined;
}

export const LAST_STEPS = 10;

/** A row a run, oldest first. */
export function rowsOf(runs: readonly TriedRun[]): Row[] {
  const oldestFirst = runs.toSorted((a, b) => a.savedAt - b.savedAt);
  return oldestFirst.map((run, i) => {
    const { recipe, seed, policy } = setupAtEnd(run);
    const rewards = run.history.slice(-LAST_STEPS).flatMap((m) => ("reward" in m ? [m.reward] : []));
    return {
      id: run.id,
      run: run.name ?? recipe.name,
      task: nameOfTask(recipe.slots.task.plugin),
      policy,
      differences: i === 0 ? "the first" : differenceLine(oldestFirst[0], run),
      seed,
      steps: run.history.at(-1)?.step ?? 0,
      passAt1: run.history.findLast((m) => "pass@1" in m)?.["pass@1"],
      reward: rewards.length > 0 ? rewards.reduce((a, b) => a + b, 0) / rewards.length : undefined,
    };
  });
}

export type Column = Exclude<keyof Row, "id">;

/** Sorted by a column; what was not measured comes last either way. */
export function sorted(rows: readonly Row[], by: Column, descending: boolean): Row[] {
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [x, y] = [a[by], b[by]];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    return sign * (typeof x === "number" ? x - (y as number) : x.localeCompare(String(y)));
  });
}

const COLUMNS: readonly Column[] = ["run", "task", "policy", "differences", "seed", "steps", "passAt1", "reward"];

/** The table as a file for spreadsheets. */
export const rowsAsCsv = (rows: readonly Row[]) => csv([COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column]))]);

/** Comma-separated values (RFC 4180); a text that a spreadsheet would take for a formula is quoted with an apostrophe before it. */
export function csv(lines: readonly (readonly (string | number | undefined)[])[]): string {
  const field = (value: string | number | undefined) => {
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t]/.test(value ?? "") ? `'${value}` : (value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${lines.map((line) => line.map(field).join(",")).join("\r\n")}\r\n`;
}
