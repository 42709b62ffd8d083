import type { Condition } from "./claim.ts";

/** What came of checking claims, and the record of it that ships: `outcomes/ID.json`, written by `rlvr claim ID --record`. */

export type Outcome = "holds" | "does not hold" | "inconclusive";

export interface Effect {
  /** Mean of method − baseline, or mean(method) / mean(baseline); null if a run never measured it. */
  readonly effect: number | null;
  /** 95 %; null if there are too few pairs or a value is missing. */
  readonly interval: readonly [low: number, high: number] | null;
  readonly outcome: Outcome;
}

/** A condition as it was found. */
export interface ConditionReport extends Effect {
  readonly sentence: string;
  /** What was measured, in words. */
  readonly measure: string;
  readonly direction: Condition["direction"];
  readonly margin: number;
  readonly compare: "difference" | "ratio";
  /** One number a seed; null where a run never measured it. */
  readonly method: readonly (number | null)[];
  readonly baseline: readonly (number | null)[];
}

export interface ClaimReport {
  readonly recipe: string;
  /** SHA-256 of the claim's numbers and the resolved recipes it compares. */
  readonly hash: string;
  readonly loopVersion: number;
  readonly seeds: number;
  /** That each run was allowed to generate. */
  readonly tokens: number;
  readonly outcome: Outcome;
  readonly conditions: readonly ConditionReport[];
  /** Processor time of all its runs, of those that were kept from before too. */
  readonly cpuSeconds: number;
}

/** A report with how and when it came about. */
export interface RecordedOutcome extends ClaimReport {
  readonly command: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  /** Where a claim does not hold here: why, probably. */
  readonly reason?: string;
}

/** The recorded outcomes, by recipe. */
export const OUTCOMES: Readonly<Record<string, RecordedOutcome>> = Object.fromEntries(
  Object.values(import.meta.glob<RecordedOutcome>("./outcomes/*.json", { eager: true, import: "default" })).map((outcome) => [
    outcome.recipe,
    outcome,
  ]),
);
