import { judgeWord } from "./answer.ts";
import { doubleOne, dropOne, garble, swapNeighbours } from "./slips.ts";
import type { Problem, Task } from "./task.ts";

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];

/** Writes a word backwards. */
export const reverse: Task = {
  id: "reverse",
  name: "Reverse",
  description: "Write the given letters backwards. The last line must be exactly that word.",
  levels: [
    { id: "4", label: "4 letters" },
    { id: "6", label: "6 letters" },
    { id: "8", label: "8 letters" },
  ],
  defaultLevel: "6",
  maxNewTokens: 9,
  generate(level, random): Problem {
    const word = Array.from({ length: Number(level) }, () => random.pick(LETTERS)).join("");
    const truth = [...word].reverse().join("");
    return { task: "reverse", level, key: word, prompt: `reverse ${word}:`, truth, data: word };
  },
  verify(problem, completion) {
    return judgeWord(completion, problem.truth, /^[a-z]+$/, "a word of small letters");
  },
  demonstrate(problem, random, style) {
    if (style === "right") return problem.truth;
    const kind = random.next();
    if (kind < 0.25) return garble(problem.truth, random);
    if (kind < 0.45) return problem.data as string;
    if (kind < 0.65) return dropOne(problem.truth, random);
    if (kind < 0.8) return doubleOne(problem.truth, random);
    return swapNeighbours(problem.truth, random);
  },
};
