import { RecipeError } from "../algorithm/plugin.ts";
import { PHASES } from "../loop/record.ts";
import { isObject } from "../policy/llama-config.ts";
import { withChange } from "../recipes/recipe.ts";
import { CONCEPTS } from "./concepts.ts";
import { ANCHORS, ANSWER_KINDS, LESSON_FORMAT, type Lesson, type Settings, TABS } from "./lesson.ts";
import { termsIn } from "./markup.ts";
import { parseQuantity, QuantityError, quotedIn } from "./quantity.ts";
import { recipeOf } from "./size.ts";

/** Reads a lesson from a file that anybody may have written. */

/** What is wrong with a lesson: one sentence that names the place. */
export class LessonError extends Error {
  override readonly name = "LessonError";
}

const LARGEST_FILE = 200_000;
const LONGEST_TEXT = 4000;
const MOST_STEPS = 60;
/** Steps that one action may train, and the largest batch: a lesson is no way to keep a machine busy for hours. */
const MOST_TRAINING = 500;
const MOST_ANSWERS = 1024;
const DEEPEST = 6;

type Check = (value: unknown, at: string) => void;

const refuse = (at: string, wanted: string, got: unknown): never => {
  const shown = JSON.stringify(got)?.slice(0, 60) ?? "nothing";
  throw new LessonError(`${at} must be ${wanted}, got ${shown}`);
};

const text =
  (most: number, pattern?: readonly [RegExp, string]): Check =>
  (value, at) => {
    if (typeof value !== "string" || value.trim() === "") refuse(at, "a text", value);
    if ((value as string).length > most) throw new LessonError(`${at} is longer than ${most} characters`);
    if (pattern && !pattern[0].test(value as string)) refuse(at, pattern[1], value);
  };

const number =
  (min: number, max: number, whole = false): Check =>
  (value, at) => {
    if (typeof value !== "number" || !(value >= min && value <= max) || (whole && !Number.isInteger(value)))
      refuse(at, `a ${whole ? "whole " : ""}number from ${min} to ${max}`, value);
  };

const oneOf =
  (options: readonly unknown[]): Check =>
  (value, at) => {
    if (!options.includes(value)) refuse(at, `one of ${options.map(String).join(", ")}`, value);
  };

const list =
  (item: Check, most: number, least = 1): Check =>
  (value, at) => {
    if (!Array.isArray(value)) refuse(at, "a list", value);
    const items = value as unknown[];
    if (items.length < least || items.length > most) throw new LessonError(`${at} must have from ${least} to ${most} entries`);
    for (const [i, entry] of items.entries()) item(entry, `${at}[${i}]`);
  };

/** An object with these keys and no other; those in `optional` may be missing. */
const object =
  (keys: Readonly<Record<string, Check>>, optional: readonly string[] = []): Check =>
  (value, at) => {
    if (!isObject(value)) refuse(at, "an object", value);
    const given = value as Record<string, unknown>;
    const unknown = Object.keys(given).find((key) => !Object.hasOwn(keys, key));
    if (unknown !== undefined)
      throw new LessonError(`${at} has no ${JSON.stringify(unknown.slice(0, 40))}; it has ${Object.keys(keys).join(", ")}`);
    for (const [key, check] of Object.entries(keys)) {
      if (given[key] === undefined) {
        if (!optional.includes(key)) throw new LessonError(`${at} lacks ${key}`);
      } else check(given[key], at === "the lesson" ? key : `${at}.${key}`);
    }
  };

/** An object whose one telling key says which kind it is. */
const kinds =
  (named: Readonly<Record<string, Check>>): Check =>
  (value, at) => {
    const key = isObject(value) ? Object.keys(named).find((k) => Object.hasOwn(value, k)) : undefined;
    if (key === undefined) refuse(at, `an object with one of ${Object.keys(named).join(", ")}`, value);
    named[key!](value, at);
  };

function within<T>(at: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof QuantityError || error instanceof RecipeError) throw new LessonError(`${at}: ${error.message}`);
    throw error;
  }
}

const quantityText: Check = (value, at) => {
  text(200)(value, at);
  within(at, () => parseQuantity(value as string));
};

const prose: Check = (value, at) => {
  text(LONGEST_TEXT)(value, at);
  within(at, () => quotedIn(value as string));
  const unknown = termsIn(value as string).find((id) => !Object.hasOwn(CONCEPTS, id));
  if (unknown !== undefined) throw new LessonError(`${at}: the glossary has no ${JSON.stringify(unknown.slice(0, 40))}`);
};

const bound: Check = (value, at) => (typeof value === "number" ? number(-1e9, 1e9)(value, at) : quantityText(value, at));

const condition =
  (depth = 0): Check =>
  (value, at) => {
    if (depth > DEEPEST) throw new LessonError(`${at} is nested more than ${DEEPEST} deep`);
    const inner = condition(depth + 1);
    kinds({
      step: object({ step: number(0, 1e6, true) }),
      phase: object({ phase: oneOf(PHASES) }),
      shows: object({ shows: oneOf(PHASES) }),
      measured: object({ measured: quantityText }),
      selected: object({ selected: oneOf([true]) }),
      all: object({ all: list(inner, 10) }),
      any: object({ any: list(inner, 10) }),
      not: object({ not: inner }),
      above: object({ value: quantityText, above: bound }),
      below: object({ value: quantityText, below: bound }),
    })(value, at);
  };

const settings: Check = (value, at) => {
  if (!isObject(value)) refuse(at, "an object of knobs", value);
  const entries = Object.entries(value as object);
  if (entries.length > 40) throw new LessonError(`${at} sets more than 40 knobs`);
  for (const [path, set] of entries)
    if (!["number", "boolean", "string"].includes(typeof set))
      refuse(`${at}[${JSON.stringify(path)}]`, "a number, a text or true or false", set);
};

const name = text(40, [/^[a-z][a-z0-9-]*$/, "a name of small letters, digits and hyphens"]);

const action = kinds({
  train: object({ train: number(1, MOST_TRAINING, true) }),
  toPhase: object({ toPhase: oneOf(PHASES) }),
  set: object({ set: settings }),
  restart: object({ restart: object({ recipe: text(60), settings }, ["recipe", "settings"]) }),
  keep: object({ keep: name }),
  view: object({ view: oneOf(PHASES) }),
  tab: object({ tab: oneOf(TABS) }),
  select: object({ select: object({ answer: oneOf(ANSWER_KINDS), token: oneOf(["first", "mostUncertain"]) }) }),
});

const question = kinds({
  options: object({
    question: prose,
    options: list(object({ label: text(200), holds: condition() }, ["holds"]), 6, 2),
  }),
  number: object({
    question: prose,
    number: object(
      {
        min: number(-1e6, 1e6),
        max: number(-1e6, 1e6),
        step: number(1e-6, 1e6),
        unit: text(20),
        as: oneOf(["slider", "field"]),
        truth: quantityText,
        near: number(0, 1e6),
      },
      ["unit", "as"],
    ),
  }),
});

const step = object(
  {
    title: text(80),
    say: prose,
    highlight: oneOf(ANCHORS),
    knob: text(80),
    enter: list(action, 10),
    ask: question,
    do: object({ label: text(60), actions: list(action, 20) }),
    waitFor: condition(),
    reveal: list(object({ if: condition(), say: prose }, ["if"]), 8),
  },
  ["highlight", "knob", "enter", "ask", "do", "waitFor", "reveal"],
);

const size = object({ policy: name, prompts: number(1, 256, true), group: number(1, 256, true) });

const form = object({
  format: oneOf([LESSON_FORMAT]),
  id: name,
  title: text(80),
  learn: prose,
  audience: text(200),
  minutes: number(1, 240),
  trainingSeconds: number(1, 7200),
  setup: object({
    recipe: text(60),
    task: text(40),
    level: text(40),
    seed: number(0, 2 ** 32 - 1, true),
    settings,
    sizes: list(size, 8),
  }),
  steps: list(step, MOST_STEPS),
  notes: prose,
  worksheet: list(text(500), 20, 0),
});

/** What the form alone does not say: knobs exist, the last reveal always applies, kept runs are kept before they are quoted. */
function checkMeaning(lesson: Lesson): void {
  const { setup } = lesson;
  for (const [i, { prompts, group }] of setup.sizes.entries())
    if (prompts * group > MOST_ANSWERS) throw new LessonError(`setup.sizes[${i}] asks for more than ${MOST_ANSWERS} answers a step`);
  let recipe = within("setup", () => recipeOf(setup, setup.sizes[0]));
  const kept = new Set<string>();
  lesson.steps.forEach(({ enter, do: act, reveal, ask }, i) => {
    const at = `steps[${i}]`;
    for (const action of [...(enter ?? []), ...(act?.actions ?? [])]) {
      if ("restart" in action) recipe = within(`${at}: restart`, () => recipeOf(setup, setup.sizes[0], action.restart));
      if ("set" in action)
        recipe = within(`${at}: set`, () =>
          Object.entries(action.set as Settings).reduce((r, [path, value]) => withChange(r, path, value), recipe),
        );
      if ("keep" in action) kept.add(action.keep);
    }
    if (reveal && (reveal.at(-1)!.if !== undefined || reveal.slice(0, -1).some((branch) => branch.if === undefined)))
      throw new LessonError(`${at}.reveal: all but the last need an "if", and the last has none, so that one always applies`);
    if (ask && "number" in ask && !(ask.number.min < ask.number.max)) throw new LessonError(`${at}.ask: min must be below max`);
    for (const run of runsQuoted(lesson.steps[i]))
      if (!kept.has(run)) throw new LessonError(`${at} refers to the run ${JSON.stringify(run)}, which no step before it keeps`);
  });
}

/** The kept runs that a step's texts and conditions name. */
function runsQuoted(step: unknown): string[] {
  const found: string[] = [];
  const visit = (value: unknown, key: string) => {
    if (typeof value === "string") {
      if (["say", "question"].includes(key)) for (const { quantity } of quotedIn(value)) visit(quantity, "value");
      else if (["value", "above", "below", "measured", "truth"].includes(key))
        for (const { run } of parseQuantity(value)) if (run !== undefined) found.push(run);
    } else if (Array.isArray(value)) for (const item of value) visit(item, key);
    else if (isObject(value)) for (const [k, item] of Object.entries(value)) visit(item, k);
  };
  visit(step, "");
  return found;
}

/**
 * Checks a lesson as it was read from JSON.
 * @throws LessonError with one sentence that names the place.
 */
export function checkLesson(value: unknown): Lesson {
  form(value, "the lesson");
  const lesson = value as Lesson;
  checkMeaning(lesson);
  return lesson;
}

/** Reads a lesson's file. @throws LessonError with one sentence. */
export function readLesson(file: string): Lesson {
  if (file.length > LARGEST_FILE) throw new LessonError(`the file is larger than ${LARGEST_FILE / 1000} kB`);
  let value: unknown;
  try {
    value = JSON.parse(file);
  } catch (error) {
    throw new LessonError(`the file is not JSON (${(error as Error).message.split("\n")[0]})`);
  }
  return checkLesson(value);
}
