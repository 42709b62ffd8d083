import { bootstrapBand } from "../../claims/statistics.ts";
import type { Entry } from "./result-code.ts";

/** The class's results as a dot plot. */

/** What the plot is over. */
export type Measured = "after" | "gain";

export const shownOf = (entry: Entry, what: Measured) => (what === "after" ? entry.after : entry.after - entry.before);

export interface Dot {
  readonly entry: Entry;
  readonly value: number;
  /** Dots below it in its column. */
  readonly height: number;
}

/** The width of a column of dots. */
const COLUMN = 0.025;

/** Dots stacked in columns, lower values first. */
export function dotsOf(entries: readonly Entry[], what: Measured): Dot[] {
  const heights = new Map<number, number>();
  return entries
    .toSorted((a, b) => shownOf(a, what) - shownOf(b, what) || a.seed - b.seed)
    .map((entry) => {
      const column = Math.round(shownOf(entry, what) / COLUMN);
      const height = heights.get(column) ?? 0;
      heights.set(column, height + 1);
      return { entry, value: column * COLUMN, height };
    });
}

/** Results of one experiment, the largest first: `name` is short and the same on every machine. */
export interface Experiment {
  readonly setup: number;
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly mean: number;
  readonly interval: readonly [low: number, high: number] | null;
}

export function experimentsOf(entries: readonly Entry[], what: Measured): Experiment[] {
  return [...new Set(entries.map((entry) => entry.setup))]
    .map((setup) => {
      const own = entries.filter((entry) => entry.setup === setup);
      const [{ mean, interval }] = bootstrapBand(own.map((entry) => [shownOf(entry, what)]));
      return { setup, name: setup.toString(16).toUpperCase().padStart(8, "0").slice(0, 4), entries: own, mean, interval };
    })
    .sort((a, b) => b.entries.length - a.entries.length || a.setup - b.setup);
}
