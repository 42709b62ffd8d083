import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Expression, evaluate, formatFraction, fraction, type Operator, operate, parseExpression } from "./arithmetic.ts";

const value = (text: string): string => {
  const parsed = parseExpression(text);
  if (!parsed.ok) return `✗ ${parsed.reason}`;
  const result = evaluate(parsed.expression);
  return result ? formatFraction(result) : "÷0";
};

describe("fractions", () => {
  it("are in lowest terms with a positive denominator", () => {
    expect(fraction(6, -4)).toEqual({ n: -3, d: 2 });
    expect(fraction(0, -7)).toEqual({ n: 0, d: 1 });
    expect(fraction(5, 0)).toBeUndefined();
  });

  it("satisfy the laws of arithmetic", () => {
    const number = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 50 })).map(([n, d]) => fraction(n, d)!);
    fc.assert(
      fc.property(number, number, number, (a, b, c) => {
        const op = (o: Operator, x: typeof a, y: typeof a) => operate(o, x, y)!;
        expect(op("+", a, b)).toEqual(op("+", b, a));
        expect(op("*", a, op("+", b, c))).toEqual(op("+", op("*", a, b), op("*", a, c)));
        expect(op("-", op("+", a, b), b)).toEqual(a);
        if (b.n !== 0) expect(op("*", op("/", a, b), b)).toEqual(a);
        else expect(operate("/", a, b)).toBeUndefined();
      }),
    );
  });
});

describe("the parser", () => {
  it.each([
    ["8+3*5", "23"],
    ["(8+3)*5", "55"],
    ["8-3-2", "3"],
    ["8/4/2", "1"],
    ["8-(3-2)", "7"],
    ["3/(8-8)", "÷0"],
    ["10/4", "5/2"],
    ["1/3*3", "1"],
    [" 7 * ( 2 + 1 ) ", "21"],
    ["7−2", "5"],
    ["((((7))))", "7"],
    ["0", "0"],
  ])("computes %s = %s", (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  it.each([
    "",
    "   ",
    "3+",
    "+3",
    "-3+8",
    "3--8",
    "3+-8",
    "--3",
    "3 5",
    "(3)(5)",
    "3(5)",
    "3**5",
    "3//5",
    "03+5",
    "00",
    "1.5",
    "1e3",
    "0x10",
    "3,5",
    "3^5",
    "3×5",
    "３+5",
    "3+٣",
    "(3+5",
    "3+5)",
    "()",
    "3+5=8",
    "\n3",
    "1234567",
    "a",
    "Infinity",
    "(".repeat(30),
    `${"(".repeat(20)}3${")".repeat(20)}`,
    `3${"+3".repeat(40)}`,
    "alert(1)",
    "3;5",
    "\u{1f600}",
  ])("refuses %j with a reason", (text) => {
    const parsed = parseExpression(text);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.reason).not.toBe("");
  });

  it("reads back any expression that is written with full parentheses", () => {
    const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
      expression: fc.oneof(
        { maxDepth: 3 },
        fc.integer({ min: 0, max: 99 }),
        fc.record({ operator: fc.constantFrom<Operator>("+", "-", "*", "/"), left: tie("expression"), right: tie("expression") }),
      ),
    }));
    const write = (e: Expression): string => (typeof e === "number" ? `${e}` : `(${write(e.left)}${e.operator}${write(e.right)})`);
    fc.assert(
      fc.property(expression, (e) => {
        const parsed = parseExpression(write(e));
        // Long texts are refused by design.
        if (write(e).length <= 64) expect(parsed).toMatchObject({ ok: true, expression: e });
      }),
    );
  });

  it("never throws", () => {
    const unicode = fc.array(fc.integer({ min: 0, max: 0x10ffff })).map((points) => String.fromCodePoint(...points));
    const alphabet = fc.string({ unit: fc.constantFrom(..."0123456789+-*/()= \n.e−x") });
    fc.assert(fc.property(fc.oneof(unicode, alphabet), (text) => void value(text)));
  });
});
