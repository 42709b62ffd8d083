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

interface Difference {
  /** "Group size 16". */
  readonly words: string;
  /** The step from which it holds, if that is not the first. */
  readonly since: number | undefined;
}

/** What a run does otherwise than another. */
function differences(reference: Course, course: Course): Difference[] {
  const [a, b] = [setupAtEnd(reference), setupAtEnd(course)];
  const since = (path: string) => {
    const turned = (of: Course) => of.edits.findLast((edit) => edit.path === path && edit.step > 1)?.step;
    return turned(course) ?? turned(reference);
  };
  const found: Difference[] = differencesInWords(a.recipe, b.recipe).map(({ path, label, to }) => ({
    words: `${label.split(": ").at(-1)} ${to}`,
    since: since(path),
  }));
  const whole = (words: string) => found.push({ words, since: undefined });
  const [ta, tb] = [a.recipe.slots.task, b.recipe.slots.task];
  if (ta.plugin !== tb.plugin) whole(nameOfTask(tb.plugin));
  if (ta.params.level !== tb.params.level) whole(`level ${tb.params.level}`);
  if (a.policy !== b.policy) whole(b.policy);
  if (a.seed !== b.seed) found.push({ words: `seed ${b.seed}`, since: since("seed") });
  return found;
}

const told = (words: string, since: number | undefined) => (since === undefined ? words : `${words} from step ${since}`);

/** What a run does otherwise than another, one phrase each: "Group size 16 from step 12", "seed 8". Empty if nothing. */
export const differencesFrom = (reference: Course, course: Course): string[] =>
  differences(reference, course).map(({ words, since }) => told(words, since));

/**
 * The differences in a line, those from the same step together: "seed 8; Group size 16, Clip low 0.3 from step 12". What came last comes last,
 * for what is turned on the run on screen tells none of the others apart, and the end of a line may be cut off. "the same" if there are none.
 */
export function differenceLine(reference: Course, course: Course): string {
  const found = differences(reference, course);
  const oldestFirst = [...new Set(found.map(({ since = 0 }) => since))].sort((a, b) => a - b);
  const from = (step: number) => found.filter(({ since = 0 }) => since === step).map(({ words }) => words);
  return oldestFirst.map((step) => told(from(step).join(", "), step || undefined)).join("; ") || "the same";
}
