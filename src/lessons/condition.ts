import { PHASES, type Phase } from "../loop/record.ts";
import type { Condition, LessonStep } from "./lesson.ts";
import { fillIn, isShare, numberOf, quantity, type Seen } from "./quantity.ts";

/** What a condition looks at, beyond the numbers. */
export interface Situation extends Seen {
  /** Steps completed. */
  readonly step: number;
  readonly shownPhase: Phase | undefined;
}

const place = (phase: Phase) => PHASES.indexOf(phase);

export function holds(condition: Condition, now: Situation): boolean {
  if ("step" in condition) return now.step >= condition.step;
  if ("phase" in condition) return now.record !== undefined && place(now.record.phase) >= place(condition.phase);
  if ("shows" in condition) return now.shownPhase === condition.shows;
  if ("measured" in condition) return quantity(condition.measured, now) !== undefined;
  if ("selected" in condition) return now.selection !== undefined;
  if ("all" in condition) return condition.all.every((c) => holds(c, now));
  if ("any" in condition) return condition.any.some((c) => holds(c, now));
  if ("not" in condition) return !holds(condition.not, now);
  const above = "above" in condition;
  const value = numberOf(condition.value, now);
  const written = above ? condition.above : condition.below;
  const bound = typeof written === "number" ? written : numberOf(written, now);
  if (value === undefined || bound === undefined) return false;
  return above ? value > bound : value < bound;
}

/** What came of a step: the text of its reveal, and whether the prediction came true. */
export interface Outcome {
  readonly text: string | undefined;
  /** Undefined where nothing can be said of the prediction. */
  readonly right: boolean | undefined;
  /** What a predicted number is compared with. */
  readonly truth: number | undefined;
}

/** @param answer The chosen option's index or the predicted number. */
export function outcomeOf(step: LessonStep, answer: number | undefined, now: Situation): Outcome {
  const { ask, reveal } = step;
  const chosen = ask && "options" in ask && answer !== undefined ? ask.options[answer] : undefined;
  const seen = { ...now, answer: chosen ? chosen.label : answer };
  const text = reveal?.find((branch) => !branch.if || holds(branch.if, seen))?.say;
  const filled = text === undefined ? undefined : fillIn(text, seen);
  if (!ask || answer === undefined) return { text: filled, right: undefined, truth: undefined };
  if ("number" in ask) {
    const value = numberOf(ask.number.truth, seen);
    const truth = value !== undefined && ask.number.unit === "%" && isShare(ask.number.truth) ? 100 * value : value;
    return { text: filled, truth, right: truth === undefined ? undefined : Math.abs(truth - answer) <= ask.number.near + 1e-9 };
  }
  return { text: filled, truth: undefined, right: chosen?.holds && holds(chosen.holds, seen) };
}
