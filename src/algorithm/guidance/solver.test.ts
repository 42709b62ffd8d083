import { describe, expect, it } from "vitest";
import { randomSequence, STREAM } from "../../policy/random.ts";
import { TASKS, taskById } from "../../tasks/index.ts";
import { sampleProblem } from "../../tasks/task.ts";
import { solverDemonstrations } from "./solver.ts";

const random = (row: number) => randomSequence({ seed: 2, stream: STREAM.plugin, step: 1 }, row);

describe("the solver's demonstrations", () => {
  it("are right answers to each problem, as many as wanted", () => {
    const problems = TASKS.map((task, i) => sampleProblem(task, task.defaultLevel, "train", random(i)));
    const texts = solverDemonstrations.demonstrations(problems, { perProblem: 3 }, 1, random(100));
    expect(texts.map((own) => own.length)).toEqual(problems.map(() => 3));
    problems.forEach((problem, i) => {
      for (const text of texts[i]) expect(taskById(problem.task).verify(problem, text).score).toBe(1);
    });
    expect(solverDemonstrations.demonstrations(problems, { perProblem: 3 }, 1, random(100))).toEqual(texts);
    expect(solverDemonstrations.demonstrations(problems, { perProblem: 0 }, 1, random(100))).toEqual(problems.map(() => []));
  });
});
