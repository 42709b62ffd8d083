import { taskById } from "../../tasks/index.ts";
import type { GuidancePlugin } from "../slots.ts";

/** The task's own solver writes right answers to the step's problems. */
export const solverDemonstrations: GuidancePlugin = {
  id: "solver",
  name: "Solver's answers",
  scope: "group",
  parameters: {
    perProblem: {
      kind: "integer",
      label: "Demonstrations a problem",
      default: 2,
      min: 0,
      max: 64,
      slider: [0, 8, 1],
      effect:
        "How many right answers the solver shows for each problem. A loss over demonstrations must be in the recipe to learn from them.",
    },
  },
  explanation: {
    sentence: "The program that knows the task writes right answers beside the policy's own, to be imitated.",
    latex: "y^{*} \\sim \\text{solver}(x)",
  },
  terms: {},
  demonstrations: (problems, params, _step, random) =>
    problems.map((problem) => {
      const task = taskById(problem.task);
      return Array.from({ length: params.perProblem as number }, () => task.demonstrate(problem, random, "right"));
    }),
};
