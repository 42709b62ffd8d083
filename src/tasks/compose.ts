import { judgeWord } from "./answer.ts";
import { dropOne, garble, swapNeighbours } from "./slips.ts";
import type { Problem, Task } from "./task.ts";

/** The functions by the names under which the policy must learn them. */
export const FUNCTIONS: Readonly<Record<string, (word: string) => string>> = {
  /** Backwards. */
  rev: (word) => [...word].reverse().join(""),
  /** The first letter goes to the end. */
  rot: (word) => word.slice(1) + word.slice(0, 1),
  /** First and last letter change places. */
  swap: (word) => (word.length < 2 ? word : word[word.length - 1] + word.slice(1, -1) + word[0]),
  /** Each letter becomes the next of the alphabet. */
  next: (word) => [...word].map((letter) => String.fromCharCode(letter.charCodeAt(0) + 1)).join(""),
  /** In alphabetical order. */
  sort: (word) => [...word].sort().join(""),
};

const NAMES = Object.keys(FUNCTIONS);
/** Few letters: the functions are the task. `next` makes a k of j. */
const LETTERS = [..."abcdefghij"];

interface Composition {
  /** Innermost, which is applied first, at the start. */
  readonly functions: readonly string[];
  readonly word: string;
}

/** Functions applied and letters given. */
const SHAPES: Readonly<Record<string, { functions: number; letters: number }>> = {
  "1": { functions: 1, letters: 4 },
  "2": { functions: 2, letters: 3 },
  "2-long": { functions: 2, letters: 5 },
  "3": { functions: 3, letters: 4 },
};

/** The word after each function, in order. */
const steps = ({ functions, word }: Composition): string[] =>
  functions.map((name) => {
    word = FUNCTIONS[name](word);
    return word;
  });

/** Applies named string functions, one to the result of another. */
export const compose: Task = {
  id: "compose",
  name: "Compose",
  description:
    "Apply named functions to a word, from the inside out: rev (backwards), rot (first letter to the end), swap (exchange first and last), next (each letter's successor), sort. The last line must be the result; lines before it may hold the steps.",
  levels: [
    { id: "1", label: "one function, 4 letters" },
    { id: "2", label: "two functions, 3 letters" },
    { id: "2-long", label: "two functions, 5 letters" },
    { id: "3", label: "three functions, 4 letters" },
  ],
  defaultLevel: "2",
  maxNewTokens: 15,
  generate(level, random): Problem {
    const shape = SHAPES[level];
    const functions = Array.from({ length: shape.functions }, () => random.pick(NAMES));
    const word = Array.from({ length: shape.letters }, () => random.pick(LETTERS)).join("");
    const prompt = `${functions.reduce((inner, name) => `${name}(${inner})`, word)}=`;
    const data: Composition = { functions, word };
    return { task: "compose", level, key: prompt, prompt, truth: steps(data).at(-1)!, data };
  },
  verify(problem, completion) {
    return judgeWord(completion, problem.truth, /^[a-z]+$/, "a word of small letters");
  },
  demonstrate(problem, random, style) {
    const data = problem.data as Composition;
    const lines = steps(data);
    if (style === "right") return lines.length > 1 && random.next() < 0.5 ? lines.join("\n") : problem.truth;
    const kind = random.next();
    if (kind < 0.25) return garble(problem.truth, random);
    if (kind < 0.5) return lines.at(-2) ?? data.word; // the outermost function is forgotten
    if (kind < 0.7) return FUNCTIONS[random.pick(NAMES)](problem.truth); // one function too many
    if (kind < 0.85) return dropOne(problem.truth, random);
    return swapNeighbours(problem.truth, random);
  },
};
