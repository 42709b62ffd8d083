import { describe, expect, it } from "vitest";
import { ExpressionError } from "./error.ts";
import { ADVANTAGE, OBJECTIVE } from "./inputs.ts";
import { type Expression, MAX_LENGTH, parse } from "./parser.ts";
import { compile } from "./types.ts";

/** An expression with all its brackets. */
function shown(e: Expression): string {
  if (e.type === "number") return String(e.value);
  if (e.type === "name") return e.name;
  if (e.type === "text") return `"${e.value}"`;
  const args = e.args.map(shown);
  if (!e.operator) return `${e.name}(${args.join(", ")})`;
  return args.length === 2 ? `(${args[0]} ${e.name} ${args[1]})` : `(${e.name} ${args.join(" ")})`;
}

describe("how tightly operators hold", () => {
  it.each([
    ["a + b * c", "(a + (b * c))"],
    ["a - b - c", "((a - b) - c)"],
    ["a / b * c", "((a / b) * c)"],
    ["-a ^ 2", "(neg (a ^ 2))"],
    ["-a * b", "((neg a) * b)"],
    ["a ^ b ^ c", "(a ^ (b ^ c))"],
    ["2 ^ -1", "(2 ^ (neg 1))"],
    ["a - -b", "(a - (neg b))"],
    ["a < b + 1 and not c > d or e", "(((a < (b + 1)) and (not (c > d))) or e)"],
    ["if a then b else c + 1", "(if a b (c + 1))"],
    ["1 + if a then b else if c then d else e", "(1 + (if a b (if c d e)))"],
    ["(a + b) * c", "((a + b) * c)"],
    ["f(a, b + 1)", "f(a, (b + 1))"],
    ['part("correct") · 2 − 1', '((part("correct") * 2) - 1)'],
    ["a ≤ b", "(a <= b)"],
    [".5 + 1e-6 + 2.", "((0.5 + 0.000001) + 2)"],
  ])("%s", (text, expected) => expect(shown(parse(text).result)).toBe(expected));
});

describe("lines", () => {
  it("are names and then a result; empty ones and remarks are skipped", () => {
    const { lets, result } = parse("# what it is for\n\nlet a = 1 # one\n\nlet b = a + 1; let c = b\n\n(a) # the end\n");
    expect(lets.map(({ name, value }) => `${name} = ${shown(value)}`)).toEqual(["a = 1", "b = (a + 1)", "c = b"]);
    expect(shown(result)).toBe("a");
  });

  it("go on after an operator, in brackets, and before what nothing begins with", () => {
    expect(shown(parse("let a =\n 1 +\n 2\nif b\n then f(c,\n d)\n else (e\n - 1)\n * 2").result)).toBe("(if b f(c, d) ((e - 1) * 2))");
  });
});

/** Where and what, as a person reads it. */
function complaint(text: string, environment: typeof ADVANTAGE | typeof OBJECTIVE = ADVANTAGE): string {
  try {
    compile(text, environment as typeof ADVANTAGE);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { line, column, start, end } = error.place;
    expect(error.message).toBe(`formula, line ${line}, column ${column}: ${error.sentence}`);
    return `${line}:${column} ${JSON.stringify(text.slice(start, end))} ${error.sentence}`;
  }
  throw new Error(`nothing is wrong with ${text}`);
}

describe("what cannot be read is shown where it is, with what was expected", () => {
  it.each([
    ["", '1:1 "" expected a number, a name, "(", "-" or "if", got the end of the formula'],
    ["reward +", '1:9 "" expected a number, a name, "(", "-" or "if", got the end of the formula'],
    ["reward + * 2", '1:10 "*" expected a number, a name, "(", "-" or "if", got "*"'],
    ["(reward", '1:8 "" expected ")", got the end of the formula'],
    ["reward)", '1:7 ")" this ")" closes no "("'],
    ["clip(reward, 0 1)", '1:16 "1" expected "," or ")", got "1"'],
    ["2 reward", '1:3 "reward" expected an operator or the end of the line, got "reward"'],
    [
      "reward = 1",
      '1:8 "=" expected an operator or the end of the line, got "="; to compare write "==", to name a value begin the line with let',
    ],
    ["let = 1\n2", '1:5 "=" expected a name, got "="'],
    ["let if = 1\n2", '1:5 "if" expected a name, got "if"'],
    ["let a 1\n2", '1:7 "1" expected "=", got "1"'],
    ["let a = 1", '1:10 "" expected a result on a line of its own after the last let, got the end of the formula'],
    ["let a = 1\nlet b =\n", '3:1 "" expected a number, a name, "(", "-" or "if", got the end of the formula'],
    ["if finished then 1", '1:19 "" expected "else", got the end of the formula'],
    ["if finished 1 else 2", '1:13 "1" expected "then", got "1"'],
    ["0 < reward < 1", '1:12 "<" comparisons do not follow one another: write a < b and b < c for a < b < c'],
    [
      "reward\n- 1",
      '2:1 "-" expected the end of the formula, got "-"; a "-" that goes on from the line before belongs at the end of that line',
    ],
    [
      "reward\nlength",
      '2:1 "length" expected the end of the formula, got "length"; only the last line is without a name: begin the others with let',
    ],
    ["reward ? 1", '1:8 "?" a formula has no "?"'],
    ['part("correct)', '1:6 "\\"" this text has no closing "'],
    ["reward * 1e999", '1:10 "1e999" this number is too large'],
    ["window.fetch", '1:7 "." a formula has no "."'],
  ])("%j", (text, expected) => expect(complaint(text)).toBe(expected));
});

describe("what does not fit together is shown where it is", () => {
  it.each([
    ["rewrad - 1", '1:1 "rewrad" there is no rewrad; did you mean reward?'],
    ["let base = group_mean(reward)\nreward - bsae", '2:10 "bsae" there is no bsae; did you mean base?'],
    ["gruop_mean(reward)", '1:1 "gruop_mean" there is no function gruop_mean; did you mean group_mean?'],
    ["xyzzyxyzzy", '1:1 "xyzzyxyzzy" there is no xyzzyxyzzy'],
    ["constructor", '1:1 "constructor" there is no constructor'],
    ["toString(1)", '1:1 "toString" there is no function toString'],
    ["log_prob", '1:1 "log_prob" log_prob is known to an objective only'],
    [
      "group_mean(old_log_prob)",
      '1:12 "old_log_prob" group_mean takes one value per rollout, and this is one value per token; reduce it to rollouts first, as in group_mean(mean(x))',
    ],
    [
      "reward - mean(reward)",
      '1:15 "reward" mean takes one value per token, and this is one value per rollout; for the rollouts of a group write group_mean, for all of them batch_mean',
    ],
    [
      "group_mean(group_std(reward))",
      '1:12 "group_std(reward)" group_mean takes one value per rollout, and this is one value per group; it needs no mean',
    ],
    ["batch_mean(step)", '1:12 "step" batch_mean takes several values, and this is one value for the whole batch; it needs no mean'],
    [
      "reward + finished",
      '1:10 "finished" what "+" takes here must be a number, and this is true or false; write if … then 1 else 0 for a number',
    ],
    [
      "if reward then 1 else 0",
      '1:4 "reward" what "if" takes here must be true or false, and this is a number; compare it with something, as in x > 0',
    ],
    [
      "group_count(reward)",
      '1:13 "reward" x of group_count must be true or false, and this is a number; compare it with something, as in x > 0',
    ],
    ["finished", '1:1 "finished" the advantage must be a number, and this is true or false; write if … then 1 else 0 for a number'],
    ["clip(reward, 1)", '1:1 "clip(reward, 1)" clip(x, low, high) takes 3 values, got 2'],
    ["min(1, 2, 3)", '1:1 "min(1, 2, 3)" min(a, b) takes 1 or 2 values, got 3'],
    ["mean()", '1:1 "mean()" mean(x) takes 1 value, got 0'],
    ["reward(1)", '1:1 "reward" reward is a value, not a function; to multiply write reward * (…)'],
    ["min - 1", '1:1 "min" min is a function: write min(…)'],
    ["part(correct)", '1:6 "correct" part takes the name of one part of the reward in quotes, as in part("correct")'],
    ['reward + "x"', '1:10 "\\"x\\"" a text belongs into part("…") only'],
    ["let reward = 1\n2", '1:5 "reward" reward is an input: take another name'],
    ["let a = 1\nlet a = 2\na", '2:5 "a" a has a value already: take another name'],
    ["let exp = 1\n2", '1:5 "exp" exp is a function: take another name'],
    ["let a = b\nlet b = 1\na", '1:9 "b" there is no b'],
  ])("%j", (text, expected) => expect(complaint(text)).toBe(expected));

  it("a loss that no gradient leaves", () => {
    const expected = "no gradient reaches the policy: a loss must depend on log_prob, ratio or entropy";
    expect(complaint("-stop_gradient(ratio) * advantage", OBJECTIVE)).toBe(`1:1 "-stop_gradient(ratio) * advantage" ${expected}`);
    expect(complaint("let a = ratio\nsign(a)", OBJECTIVE)).toBe(`2:1 "sign(a)" ${expected}`);
  });
});

describe("huge formulas are refused before they do anything", () => {
  const refused = (text: string) => complaint(text).split(" ").slice(2).join(" ");
  it("by length, depth and size", () => {
    expect(refused(`1${" + 1".repeat(MAX_LENGTH)}`)).toMatch(/it is too long: 16001 characters of at most 4000$/);
    expect(complaint(`${"(".repeat(1500)}1${")".repeat(1500)}`)).toMatch(/it is nested too deeply: at most 100 levels$/);
    expect(complaint(`${"-".repeat(3000)}1`)).toMatch(/nested too deeply/);
    expect(complaint(`${"not ".repeat(900)}finished`)).toMatch(/nested too deeply/);
    expect(complaint(`2${"^2".repeat(1500)}`)).toMatch(/nested too deeply/);
    expect(complaint(`${"if finished then 1 else ".repeat(150)}1`)).toMatch(/nested too deeply/);
    expect(complaint(`1${"+1".repeat(1500)}`)).toMatch(/it is too large: more than 1000 operations$/);
  });
});
