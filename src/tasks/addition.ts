import type { Random } from "../policy/random.ts";
import { judgeWord } from "./answer.ts";
import { garble } from "./slips.ts";
import type { Problem, Task } from "./task.ts";

interface Sum {
  readonly a: number;
  readonly b: number;
}

const reversed = (text: string): string => [...text].reverse().join("");

/** The sum as one gets it who forgets every carry. */
function withoutCarries(a: number, b: number): number {
  let sum = 0;
  for (let place = 1; place <= Math.max(a, b); place *= 10) {
    sum += (((Math.floor(a / place) % 10) + (Math.floor(b / place) % 10)) % 10) * place;
  }
  return sum;
}

function slip({ a, b }: Sum, random: Random): string {
  const sum = a + b;
  const kind = random.next();
  if (kind < 0.2) return garble(`${sum}`, random);
  if (kind < 0.4) return `${withoutCarries(a, b)}`;
  if (kind < 0.6) return `${sum + random.pick([-1, 1])}`.replace("-", "");
  if (kind < 0.8 && sum >= 10) return `${sum + random.pick([-10, 10])}`;
  return `${Math.abs(a - b)}`;
}

/** Adds two numbers of up to `level` digits. A first line may hold the sum from the ones upward: the way in which carries run. */
export const addition: Task = {
  id: "addition",
  name: "Addition",
  description: "Add two numbers. The last line must be exactly their sum; a line before it may work from the ones digit up.",
  levels: [
    { id: "1", label: "one digit" },
    { id: "2", label: "up to two digits" },
    { id: "3", label: "up to three digits" },
  ],
  defaultLevel: "2",
  maxNewTokens: 10,
  generate(level, random): Problem {
    const most = 10 ** Number(level) - 1;
    const [a, b] = [random.integer(0, most), random.integer(0, most)];
    return {
      task: "addition",
      level,
      key: `${Math.min(a, b)}+${Math.max(a, b)}`,
      prompt: `${a}+${b}=`,
      truth: `${a + b}`,
      data: { a, b } satisfies Sum,
    };
  },
  verify(problem, completion) {
    return judgeWord(completion, problem.truth, /^(0|[1-9][0-9]*)$/, "a whole number");
  },
  demonstrate(problem, random, style) {
    const { a, b } = problem.data as Sum;
    if (style === "slip") return slip({ a, b }, random);
    const sum = `${a + b}`;
    return problem.level !== "1" && random.next() < 0.5 ? `${reversed(sum)}\n${sum}` : sum;
  },
  rephrase(problem) {
    const { a, b } = problem.data as Sum;
    return { ...problem, prompt: `${b}+${a}=`, data: { a: b, b: a } satisfies Sum };
  },
};
