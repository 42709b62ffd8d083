import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { POLICY_CONFIGS } from "../policy/config.ts";
import { randomSequence, STREAM } from "../policy/random.ts";
import { encode } from "../policy/tokenizer.ts";
import { TASKS, taskById } from "./index.ts";
import { sampleProblem, splitOf, type Task } from "./task.ts";

const random = (row: number) => randomSequence({ seed: 3, stream: STREAM.prompts, step: 0 }, row);
const levels = TASKS.flatMap((task) => task.levels.map((level) => [task.id, level.id, task] as const));
/** Countdown with four numbers searches longer. */
const draws = (task: Task, level: string) => (task.id === "countdown" && level === "4" ? 20 : 150);

describe("tasks", () => {
  it("are found by their id, and another id is refused by name", () => {
    for (const task of TASKS) expect(taskById(task.id)).toBe(task);
    expect(() => taskById("chess")).toThrow(/no task "chess"; tasks are countdown, addition, sort, reverse, compose/);
  });

  it("start at a level of their own", () => {
    for (const task of TASKS) expect(task.levels.map(({ id }) => id)).toContain(task.defaultLevel);
  });

  it.each(levels)("%s %s: right demonstrations are right and fit, slips mostly are not right", (_, level, task) => {
    const count = draws(task, level);
    let slipsRight = 0;
    let slipsReadable = 0;
    for (let row = 0; row < count; row++) {
      const r = random(row);
      const problem = sampleProblem(task, level, "train", r);
      const right = task.demonstrate(problem, r, "right");
      expect(task.verify(problem, right)).toMatchObject({ score: 1, parts: { wellFormed: 1, correct: 1 }, reason: "right" });
      expect(task.verify(problem, problem.truth).score).toBe(1);
      expect(encode(right).length + 1).toBeLessThanOrEqual(task.maxNewTokens);
      expect(1 + encode(problem.prompt).length + task.maxNewTokens).toBeLessThanOrEqual(POLICY_CONFIGS.nano.contextLength);
      const slip = task.demonstrate(problem, r, "slip");
      expect(() => encode(slip)).not.toThrow();
      const verdict = task.verify(problem, slip);
      expect(verdict.score).toBe(verdict.parts.correct);
      slipsRight += verdict.score;
      slipsReadable += verdict.parts.wellFormed;
    }
    expect(slipsRight / count).toBeLessThan(0.35);
    // Some slips cannot be read, most can.
    expect(slipsReadable / count).toBeGreaterThan(0.4);
    expect(slipsReadable / count).toBeLessThan(0.95);
  });

  it.each(levels)("%s %s: a problem is a function of its draws, and its key decides the split", (_, level, task) => {
    const trained = new Set<string>();
    for (let row = 0; row < draws(task, level); row++) {
      const problem = sampleProblem(task, level, "train", random(row));
      expect(sampleProblem(task, level, "train", random(row))).toEqual(problem);
      expect(splitOf(problem)).toBe("train");
      trained.add(problem.key);
    }
    for (let row = 0; row < 10; row++) expect(trained).not.toContain(sampleProblem(task, level, "heldout", random(1000 + row)).key);
  });

  it.each(TASKS.map((task) => [task.id, task] as const))("%s: its verifier judges any text", (_, task) => {
    const problem = sampleProblem(task, task.defaultLevel, "train", random(0));
    const texts = fc.oneof(
      fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 40 }).map((points) => String.fromCodePoint(...points)),
      fc.string({ unit: fc.constantFrom(..."0123456789+-*/()=abcz \n"), maxLength: 40 }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const { score, parts, reason } = task.verify(problem, text);
        expect(score).toBe(parts.correct);
        expect(parts.correct).toBeLessThanOrEqual(parts.wellFormed);
        expect([0, 1]).toContain(parts.wellFormed);
        expect(reason.length).toBeGreaterThan(0);
        expect(reason.length).toBeLessThan(120);
      }),
    );
    const long = `${"9+".repeat(20000)}9`;
    expect(task.verify(problem, long).score).toBe(0);
  });
});

describe("verifiers of words and sums", () => {
  const judge = (id: string, data: { truth: string }, text: string) =>
    taskById(id).verify({ task: id, level: "", key: "", prompt: "", data: undefined, ...data }, text);

  it.each([
    ["addition", "115", "115", 1, "right"],
    ["addition", "115", "511\n115", 1, "right"],
    ["addition", "115", "115\n511", 0, "511 ≠ 115"],
    ["addition", "115", "0115", 0, '"0115" is not a whole number'],
    ["addition", "115", "+115", 0, '"+115" is not a whole number'],
    ["addition", "115", "100+15", 0, '"100+15" is not a whole number'],
    ["addition", "115", "１１５", 0, '"１１５" is not a whole number'],
    ["sort", "0123", " 0123 \n", 1, "right"],
    ["sort", "0123", "0 1 2 3", 0, '"0 1 2 3" is not a row of digits'],
    ["sort", "0123", "012", 0, "012 ≠ 0123"],
    ["reverse", "abc", "abc", 1, "right"],
    ["reverse", "abc", "ABC", 0, '"ABC" is not a word of small letters'],
    ["reverse", "abc", "", 0, "there is no answer"],
    ["compose", "abc", "cab\nabc", 1, "right"],
  ])("%s: truth %s, answer %j scores %d: %s", (id, truth, text, score, reason) => {
    expect(judge(id, { truth }, text)).toMatchObject({ score, reason });
  });

  it("compose applies functions from the inside out", () => {
    const compose = taskById("compose");
    const seen = new Map<string, string>();
    for (let row = 0; row < 400; row++) {
      const { prompt, truth } = compose.generate("1", random(row));
      seen.set(prompt, truth);
      const [, name, word] = /^(\w+)\((\w+)\)=$/.exec(prompt)!;
      const letters = [...word];
      const expected: Record<string, string> = {
        rev: [letters[3], letters[2], letters[1], letters[0]].join(""),
        rot: [letters[1], letters[2], letters[3], letters[0]].join(""),
        swap: [letters[3], letters[1], letters[2], letters[0]].join(""),
        next: letters.map((c) => "bcdefghijk"["abcdefghij".indexOf(c)]).join(""),
        sort: letters.toSorted().join(""),
      };
      expect(truth).toBe(expected[name]);
    }
    expect(seen.size).toBeGreaterThan(300);
    const two = compose.generate("2", random(5));
    const [, outer, inner, word] = /^(\w+)\((\w+)\((\w+)\)\)=$/.exec(two.prompt)!;
    expect(two.data).toEqual({ functions: [inner, outer], word });
  });
});
