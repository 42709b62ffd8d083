import { RecipeError } from "../plugin.ts";

/** A stretch of a formula's text, `[start, end)`, in characters. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where in a formula something is: line and column from 1. */
export interface Place extends Span {
  readonly line: number;
  readonly column: number;
}

export function placeOf(text: string, { start, end }: Span): Place {
  const before = text.slice(0, start).split("\n");
  return { start, end, line: before.length, column: before[before.length - 1].length + 1 };
}

/**
 * What is wrong with a formula, and where: found when it is read, or when a step's numbers do not go through it. It is a person's to
 * mend, so a run that meets one pauses before the step.
 */
export class ExpressionError extends RecipeError {
  readonly place: Place;
  /** The message without the place. */
  readonly sentence: string;

  constructor(text: string, span: Span, sentence: string) {
    const place = placeOf(text, span);
    super(`formula, line ${place.line}, column ${place.column}: ${sentence}`);
    this.place = place;
    this.sentence = sentence;
  }
}
