/** Exact arithmetic on small expressions: fractions, and a parser for + − * / and parentheses. */

/** n/d in lowest terms with d > 0. Exact while numerators and denominators stay below 2⁵³: a handful of small numbers. */
export interface Fraction {
  readonly n: number;
  readonly d: number;
}

export type Operator = "+" | "-" | "*" | "/";

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return Math.abs(a);
}

/** n/d in lowest terms, or undefined for d = 0. */
export function fraction(n: number, d = 1): Fraction | undefined {
  if (d === 0) return undefined;
  const divisor = d === 1 ? 1 : gcd(n, d) * Math.sign(d);
  return { n: n / divisor + 0, d: d / divisor };
}

/** a ∘ b, or undefined for a division by zero. */
export function operate(operator: Operator, a: Fraction, b: Fraction): Fraction | undefined {
  switch (operator) {
    case "+":
      return fraction(a.n * b.d + b.n * a.d, a.d * b.d);
    case "-":
      return fraction(a.n * b.d - b.n * a.d, a.d * b.d);
    case "*":
      return fraction(a.n * b.n, a.d * b.d);
    case "/":
      return fraction(a.n * b.d, a.d * b.n);
  }
}

export const formatFraction = ({ n, d }: Fraction): string => (d === 1 ? `${n}` : `${n}/${d}`);

export type Expression = number | { readonly operator: Operator; readonly left: Expression; readonly right: Expression };

/** An expression and its numbers in the order in which they were written, or why the text is none. */
export type Parsed =
  | { readonly ok: true; readonly expression: Expression; readonly numbers: readonly number[] }
  | { readonly ok: false; readonly reason: string };

/** Longer or deeper answers are not read: nothing that is asked for needs them. */
const MAX_LENGTH = 64;
const MAX_DEPTH = 8;
const MAX_DIGITS = 6;

/** Thrown inside the parser only. */
class SyntaxProblem extends Error {}

/**
 * Reads an expression of whole numbers, `+ - * /` (and the typographic minus), parentheses and spaces, with the usual precedence, left to right.
 * Signs, leading zeros, implied products and anything else are refused with a reason. Never throws.
 */
export function parseExpression(source: string): Parsed {
  const text = source.replaceAll("−", "-");
  const numbers: number[] = [];
  let at = 0;
  const peek = (): string => {
    while (text[at] === " ") at++;
    return text[at] ?? "";
  };
  const where = () => (peek() === "" ? "the end" : JSON.stringify(peek()));

  function chain(operators: string, operand: (depth: number) => Expression, depth: number): Expression {
    let left = operand(depth);
    while (peek() !== "" && operators.includes(peek())) {
      const operator = text[at++] as Operator;
      left = { operator, left, right: operand(depth) };
    }
    return left;
  }
  const sum = (depth: number): Expression => chain("+-", product, depth);
  const product = (depth: number): Expression => chain("*/", atom, depth);
  function atom(depth: number): Expression {
    const first = peek();
    if (first === "(") {
      if (depth >= MAX_DEPTH) throw new SyntaxProblem("too many parentheses inside one another");
      at++;
      const inner = sum(depth + 1);
      if (peek() !== ")") throw new SyntaxProblem(`a closing parenthesis is missing before ${where()}`);
      at++;
      return inner;
    }
    const digits = /^[0-9]+/.exec(text.slice(at))?.[0];
    if (digits === undefined) throw new SyntaxProblem(`a number was expected at ${where()}`);
    if (digits.length > 1 && digits[0] === "0") throw new SyntaxProblem(`${digits.slice(0, 8)} starts with a zero`);
    if (digits.length > MAX_DIGITS) throw new SyntaxProblem("a number is too long");
    at += digits.length;
    numbers.push(Number(digits));
    return Number(digits);
  }

  try {
    if (text.trim() === "") throw new SyntaxProblem("there is no answer");
    if (text.length > MAX_LENGTH) throw new SyntaxProblem("the answer is too long");
    const expression = sum(0);
    if (peek() !== "") throw new SyntaxProblem(`${where()} is out of place`);
    return { ok: true, expression, numbers };
  } catch (error) {
    if (error instanceof SyntaxProblem) return { ok: false, reason: error.message };
    throw error;
  }
}

/** An expression's exact value, or undefined if it divides by zero. */
export function evaluate(expression: Expression): Fraction | undefined {
  if (typeof expression === "number") return { n: expression, d: 1 };
  const left = evaluate(expression.left);
  const right = evaluate(expression.right);
  return left && right && operate(expression.operator, left, right);
}
