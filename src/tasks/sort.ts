import { judgeWord } from "./answer.ts";
import { dropOne, garble, swapNeighbours } from "./slips.ts";
import { type Problem, reordered, type Task } from "./task.ts";

const sorted = (word: string): string => [...word].sort().join("");

/** Puts a row of digits in order. */
export const sort: Task = {
  id: "sort",
  name: "Sort",
  description: "Write the given digits in increasing order. The last line must have every digit, as often as it was given.",
  levels: [
    { id: "4", label: "4 digits" },
    { id: "6", label: "6 digits" },
    { id: "8", label: "8 digits" },
  ],
  defaultLevel: "6",
  maxNewTokens: 9,
  generate(level, random): Problem {
    const word = Array.from({ length: Number(level) }, () => random.integer(0, 9)).join("");
    const truth = sorted(word);
    return { task: "sort", level, key: truth, prompt: `sort ${word}:`, truth, data: word };
  },
  verify(problem, completion) {
    return judgeWord(completion, problem.truth, /^[0-9]+$/, "a row of digits");
  },
  demonstrate(problem, random, style) {
    if (style === "right") return problem.truth;
    const kind = random.next();
    if (kind < 0.25) return garble(problem.truth, random);
    if (kind < 0.45) return [...problem.truth].reverse().join("");
    if (kind < 0.6) return problem.data as string;
    if (kind < 0.8) return dropOne(problem.truth, random);
    return swapNeighbours(problem.truth, random);
  },
  rephrase(problem, random) {
    const word = reordered([...(problem.data as string)], random).join("");
    return { ...problem, prompt: `sort ${word}:`, data: word };
  },
};
