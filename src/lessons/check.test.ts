import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkLesson, LessonError, readLesson } from "./check.ts";
import { CONCEPTS } from "./concepts.ts";
import { trainingSteps } from "./lesson.ts";
import { LESSONS } from "./library/index.ts";

describe("the shipped lessons", () => {
  it.each(LESSONS.map((lesson) => [lesson.id, lesson] as const))("%s survives the way through a file", (_, lesson) => {
    expect(readLesson(JSON.stringify(lesson))).toEqual(lesson);
  });

  it("have ids of their own, ask for predictions, and train little enough for their minutes", () => {
    expect(new Set(LESSONS.map((lesson) => lesson.id)).size).toBe(LESSONS.length);
    for (const lesson of LESSONS) {
      const asking = lesson.steps.filter((step) => step.ask);
      expect(asking.length).toBeGreaterThanOrEqual(3);
      for (const step of asking) expect(step.reveal, `${lesson.id}: ${step.title}`).toBeDefined();
      expect(lesson.trainingSeconds).toBeLessThan(lesson.minutes * 60);
      expect(trainingSteps(lesson)).toBeLessThanOrEqual(120);
      expect(lesson.worksheet.length).toBeGreaterThanOrEqual(3);
    }
  });

  it("explain only by terms that the glossary has, which refer to each other", () => {
    for (const { see = [] } of Object.values(CONCEPTS)) for (const id of see) expect(CONCEPTS).toHaveProperty(id);
  });
});

const [good] = LESSONS;
const withStep = (step: object) => ({ ...good, steps: [{ title: "A", say: "B", ...step }] });

describe("a teacher's own file", () => {
  it.each<[string, unknown, string]>([
    ["no object", [], "the lesson must be an object"],
    ["another format", { ...good, format: "rlvr-lesson@2" }, "format must be one of rlvr-lesson@1"],
    ["a missing part", { ...good, minutes: undefined }, "the lesson lacks minutes"],
    ["an unknown part", { ...good, colour: "red" }, 'the lesson has no "colour"'],
    ["a wrong type", { ...good, minutes: "ten" }, "minutes must be a number from 1 to 240"],
    ["a huge number", { ...good, trainingSeconds: 1e12 }, "trainingSeconds must be a number"],
    ["no number at all", { ...good, minutes: Number.NaN }, "minutes must be a number"],
    ["a huge text", withStep({ say: "x".repeat(5000) }), "steps[0].say is longer than 4000 characters"],
    ["too many steps", { ...good, steps: Array.from({ length: 61 }, () => ({ title: "A", say: "B" })) }, "steps must have from 1 to 60"],
    ["an unknown recipe", { ...good, setup: { ...good.setup, recipe: "nope" } }, 'setup: there is no recipe "nope"'],
    ["an unknown knob", { ...good, setup: { ...good.setup, settings: { "sampler.nope": 1 } } }, "setup: sampler.nope is not a parameter"],
    ["a knob out of range", withStep({ enter: [{ set: { "sampler.groupSize": 1e6 } }] }), "steps[0]: set: sampler.groupSize must lie"],
    ["an unknown action", withStep({ enter: [{ explode: true }] }), "steps[0].enter[0] must be an object with one of train"],
    ["an unknown metric", withStep({ say: "{nope}" }), 'steps[0].say: there is no metric or fact "nope"'],
    ["an unknown term", withStep({ say: "[[nope]]" }), 'steps[0].say: the glossary has no "nope"'],
    [
      "a run that nobody kept",
      withStep({ reveal: [{ say: "{other: score over last 5}" }] }),
      'the run "other", which no step before it keeps',
    ],
    ["a reveal that may not apply", withStep({ reveal: [{ if: { step: 3 }, say: "x" }] }), "steps[0].reveal: all but the last"],
    [
      "an empty range",
      withStep({ ask: { question: "?", number: { min: 1, max: 1, step: 1, truth: "right", near: 1 } } }),
      "min must be below max",
    ],
    [
      "too deep a condition",
      withStep({ waitFor: Array.from({ length: 9 }).reduce((inner) => ({ not: inner }), { step: 1 }) }),
      "nested more than 6",
    ],
    ["a key of the prototype", JSON.parse('{"__proto__": {"format": "rlvr-lesson@1"}}'), "the lesson"],
  ])("with %s is refused in a sentence that names the place", (_, value, reason) => {
    expect(() => checkLesson(value)).toThrow(LessonError);
    expect(() => checkLesson(value)).toThrow(reason);
  });

  it("that is no JSON, or too large, is refused", () => {
    expect(() => readLesson("<html>")).toThrow(/not JSON/);
    expect(() => readLesson(`"${"x".repeat(200_001)}"`)).toThrow(/larger than/);
  });

  it("is accepted or refused with a LessonError, whatever is put in one place of it", () => {
    const paths = [
      ["minutes"],
      ["setup"],
      ["setup", "sizes"],
      ["setup", "settings"],
      ["steps"],
      ["steps", "0"],
      ["steps", "2", "ask"],
      ["steps", "3", "reveal"],
      ["steps", "5", "do"],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 4 }), (path, value) => {
        const copy = structuredClone(good) as unknown as Record<string, unknown>;
        const parent = path.slice(0, -1).reduce((object, key) => object[key] as Record<string, unknown>, copy);
        parent[path.at(-1)!] = value;
        try {
          checkLesson(copy);
        } catch (error) {
          expect(error).toBeInstanceOf(LessonError);
          expect((error as Error).message).not.toContain("\n");
        }
      }),
      { numRuns: 300 },
    );
  });
});
