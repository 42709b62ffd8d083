import { describe, expect, it } from "vitest";
import { randomSequence, STREAM } from "../policy/random.ts";
import { TASKS } from "./index.ts";
import { reordered, sampleProblem } from "./task.ts";

const random = (row: number) => randomSequence({ seed: 5, stream: STREAM.prompts, step: 0 }, row);
const forms = TASKS.flatMap((task) => (task.rephrase ? task.levels.map((level) => [task.id, level.id, task] as const) : []));

describe("a question in other words", () => {
  it.each(forms)("%s %s: is the same problem with another prompt, and right answers stay right", (_, level, task) => {
    let same = 0;
    for (let row = 0; row < 30; row++) {
      const problem = sampleProblem(task, level, "train", random(row));
      const twin = task.rephrase!(problem, random(1000 + row));
      expect({ ...twin, prompt: "", data: 0 }).toEqual({ ...problem, prompt: "", data: 0 });
      if (twin.prompt === problem.prompt) same++;
      const answer = task.demonstrate(problem, random(2000 + row), "right");
      const other = task.demonstrate(twin, random(3000 + row), "right");
      expect(task.verify(twin, answer)).toEqual(task.verify(problem, answer));
      expect(task.verify(problem, other).score).toBe(1);
      expect(task.rephrase!(problem, random(1000 + row))).toEqual(twin);
    }
    expect(same).toBeLessThan(10);
  });

  it("is known for sums, sorting and the numbers game", () => {
    expect(new Set(forms.map(([id]) => id))).toEqual(new Set(["addition", "sort", "countdown"]));
  });

  it("leaves things alone that have one order only", () => {
    expect(reordered([7, 7, 7], random(0))).toEqual([7, 7, 7]);
    expect(reordered([], random(0))).toEqual([]);
    expect(reordered([1, 2], random(0))).toEqual([2, 1]);
  });
});
