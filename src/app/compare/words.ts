import { type Edit, type RunSetup, setupAt } from "../../loop/run.ts";
import { differencesInWords, nameOfTask } from "../knobs/describe.ts";

/** Runs named by what tells them apart. */

/** What a run was told to do: its setup and the knobs turned on the way. */
export interface Course {
  readonly setup: RunSetup;
  readonly edits: readonly Edit[];
}

/** The setup in force at the end, with every knob that was turned. */
export const setupAtEnd = ({ setup, edits }: Course): RunSetup => setupAt(setup, edits, Number.POSITIVE_INFINITY);

/** What a run does otherwise than another, one phrase each: "Group size 16 from step 12", "seed 8". Empty if nothing. */
export function differencesFrom(reference: Course, course: Course): string[] {
  const [a, b] = [setupAtEnd(reference), setupAtEnd(course)];
  const since = (path: string) => {
    const turned = (of: Course) => of.edits.findLast((edit) => edit.path === path && edit.step > 1)?.step;
    const step = turned(course) ?? turned(reference);
    return step === undefined ? "" : ` from step ${step}`;
  };
  const words = differencesInWords(a.recipe, b.recipe).map(({ path, label, to }) => `${label.split(": ").at(-1)} ${to}${since(path)}`);
  const [ta, tb] = [a.recipe.slots.task, b.recipe.slots.task];
  if (ta.plugin !== tb.plugin) words.push(nameOfTask(tb.plugin));
  if (ta.params.level !== tb.params.level) words.push(`level ${tb.params.level}`);
  if (a.policy !== b.policy) words.push(b.policy);
  if (a.seed !== b.seed) words.push(`seed ${b.seed}${since("seed")}`);
  return words;
}

/** The differences in a line; "the same" if there are none. */
export const differenceLine = (reference: Course, course: Course) => differencesFrom(reference, course).join(", ") || "the same";
