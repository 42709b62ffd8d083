import type { Verdict } from "./task.ts";

/** The answer in a completion is its last line; blank space around it and blank lines after it do not count. */
export function lastLine(completion: string): string {
  const text = completion.trimEnd();
  return text.slice(text.lastIndexOf("\n") + 1).trim();
}

const shortened = (text: string): string => (text.length > 24 ? `${text.slice(0, 23)}…` : text);

export const malformed = (reason: string): Verdict => ({ score: 0, parts: { wellFormed: 0, correct: 0 }, reason });

/** Judges an answer that is one word of certain characters: right if it is the truth. */
export function judgeWord(completion: string, truth: string, pattern: RegExp, kind: string): Verdict {
  const answer = lastLine(completion);
  if (answer === "") return malformed("there is no answer");
  if (!pattern.test(answer)) return malformed(`${JSON.stringify(shortened(answer))} is not ${kind}`);
  const correct = answer === truth ? 1 : 0;
  return { score: correct, parts: { wellFormed: 1, correct }, reason: correct ? "right" : `${shortened(answer)} ≠ ${truth}`, answer };
}
