import type { Random } from "../policy/random.ts";
import { lastLine, malformed } from "./answer.ts";
import { evaluate, formatFraction, parseExpression } from "./arithmetic.ts";
import { allForms, type Form } from "./expressions.ts";
import { type Problem, reordered, type Task, type Verdict } from "./task.ts";

interface Game {
  /** In the order in which the prompt gives them. */
  readonly numbers: readonly number[];
  readonly target: number;
}

/** How many numbers, how large, and the largest target. */
const SHAPES: Readonly<Record<string, { count: number; largest: number; target: number }>> = {
  "2": { count: 2, largest: 20, target: 100 },
  "3": { count: 3, largest: 10, target: 100 },
  "3-large": { count: 3, largest: 20, target: 100 },
  "4": { count: 4, largest: 10, target: 100 },
};

const isValue = (form: Form, target: number): boolean => form.value.d === 1 && form.value.n === target;

function generate(level: string, random: Random): Problem {
  const shape = SHAPES[level];
  const numbers = Array.from({ length: shape.count }, () => random.integer(1, shape.largest));
  // Numbers can always be added up, so there is always a form to pick.
  const reachable = allForms(numbers).filter(({ value }) => value.d === 1 && value.n >= 1 && value.n <= shape.target);
  const chosen = random.pick(reachable);
  const target = chosen.value.n;
  return {
    task: "countdown",
    level,
    key: `${[...numbers].sort((a, b) => a - b).join(",")}:${target}`,
    prompt: `${target} from ${numbers.join(" ")}:`,
    truth: chosen.text,
    data: { numbers, target } satisfies Game,
  };
}

/** What is wrong with the numbers that were used, or undefined if each given number was used exactly once. */
function numbersProblem(used: readonly number[], given: readonly number[]): string | undefined {
  const count = (list: readonly number[], x: number) => list.filter((y) => y === x).length;
  for (const x of used) {
    if (!given.includes(x)) return `${x} was not given`;
    if (count(used, x) > count(given, x)) return `${x} was used too often`;
  }
  const missing = given.find((x) => count(used, x) < count(given, x));
  return missing === undefined ? undefined : `${missing} was not used`;
}

function verify(problem: Problem, completion: string): Verdict {
  const { numbers, target } = problem.data as Game;
  const answer = lastLine(completion).split("=", 1)[0].trim();
  const parsed = parseExpression(answer);
  if (!parsed.ok) return malformed(parsed.reason);
  const wrong = (allNumbers: 0 | 1, reason: string): Verdict => ({
    score: 0,
    parts: { wellFormed: 1, allNumbers, correct: 0 },
    reason,
    answer,
  });
  const problemWithNumbers = numbersProblem(parsed.numbers, numbers);
  if (problemWithNumbers) return wrong(0, problemWithNumbers);
  const value = evaluate(parsed.expression);
  if (!value) return wrong(1, "it divides by zero");
  if (value.d !== 1 || value.n !== target) return wrong(1, `${formatFraction(value)} ≠ ${target}`);
  return { score: 1, parts: { wellFormed: 1, allNumbers: 1, correct: 1 }, reason: "right", answer };
}

/** Makes an expression unreadable in the way of someone in a hurry. */
function damage(text: string, random: Random): string {
  const operators = [...text].flatMap((c, i) => ("+-*/".includes(c) ? [i] : []));
  const at = random.pick(operators);
  const kind = random.next();
  if (kind < 0.3) return text + random.pick(["+", "-", "*"]);
  if (kind < 0.5) return text.slice(0, at + 1) + text.slice(at);
  if (kind < 0.7) return `${text.slice(0, at)} ${text.slice(at + 1)}`;
  return text.includes("(") ? text.replace(random.pick(["(", ")"]), "") : `(${text}`;
}

function slip({ numbers, target }: Game, random: Random): string {
  const forms = allForms(numbers);
  const guess = random.pick(forms);
  const right = random.pick(forms.filter((form) => isValue(form, target)));
  const kind = random.next();
  if (kind < 0.25) return damage(random.pick([guess, right]).text, random);
  if (kind < 0.35) {
    const left = random.integer(0, numbers.length - 1);
    return random.pick(allForms(numbers.filter((_, i) => i !== left))).text;
  }
  if (kind < 0.45) {
    const [from, to] = [random.pick(numbers), random.next() < 0.5 ? random.pick(numbers) : random.integer(1, Math.max(...numbers))];
    return random.pick([guess, right]).text.replace(new RegExp(`\\b${from}\\b`), `${to}`);
  }
  return guess.text;
}

/** The numbers game: reach the target with all the given numbers. */
export const countdown: Task = {
  id: "countdown",
  name: "Countdown",
  description:
    "Reach the target with +, -, *, / and parentheses, using every given number exactly once. The last line, up to any =, is read by a parser and computed exactly.",
  levels: [
    { id: "2", label: "2 numbers up to 20" },
    { id: "3", label: "3 numbers up to 10" },
    { id: "3-large", label: "3 numbers up to 20" },
    { id: "4", label: "4 numbers up to 10" },
  ],
  defaultLevel: "3",
  maxNewTokens: 16,
  generate,
  verify,
  demonstrate(problem, random, style) {
    const game = problem.data as Game;
    if (style === "slip") return slip(game, random);
    return random.pick(allForms(game.numbers).filter((form) => isValue(form, game.target))).text;
  },
  rephrase(problem, random) {
    const { numbers, target } = problem.data as Game;
    const order = reordered(numbers, random);
    return { ...problem, prompt: `${target} from ${order.join(" ")}:`, data: { numbers: order, target } satisfies Game };
  },
};
