import { ExpressionError, type Span } from "./error.ts";
import { KEYWORDS, type Token, tokenize } from "./lexer.ts";

/** A formula as it is written. Operators are calls of functions with the operator's sign as their name (`neg` for the minus of one value). */
export type Expression =
  | { readonly type: "number"; readonly value: number; readonly span: Span }
  | { readonly type: "name"; readonly name: string; readonly span: Span }
  | { readonly type: "text"; readonly value: string; readonly span: Span }
  | {
      readonly type: "call";
      readonly name: string;
      /** Where the name or sign stands. */
      readonly at: Span;
      readonly args: readonly Expression[];
      readonly span: Span;
      /** Written as an operator or `if`, not as name(…). */
      readonly operator: boolean;
    };

export interface Let {
  readonly name: string;
  readonly at: Span;
  readonly value: Expression;
}

export interface Program {
  readonly text: string;
  readonly lets: readonly Let[];
  readonly result: Expression;
}

/** Characters of a formula. */
export const MAX_LENGTH = 4000;
/** Brackets, minuses and branches inside one another. */
const MAX_DEPTH = 100;

const COMPARISONS = ["<", "<=", ">", ">=", "==", "!="];
/** What a line can begin with to go on from the line before: all that no expression begins with. */
const CONTINUES = new Set(["then", "else", "and", "or", "+", "*", "/", "^", ...COMPARISONS]);

/**
 * Reads a formula: lines `let name = expression`, then one expression. From loose to tight: `or`, `and`, `not`, comparisons (one at a
 * time), `+ -`, `* /`, the minus of one value, `^` (from the right); `else` reaches as far as it can.
 * @throws ExpressionError at the first thing that does not fit, with what was expected there.
 */
export function parse(text: string): Program {
  if (text.length > MAX_LENGTH) {
    throw new ExpressionError(
      text,
      { start: MAX_LENGTH, end: text.length },
      `it is too long: ${text.length} characters of at most ${MAX_LENGTH}`,
    );
  }
  return new Parser(text).program();
}

class Parser {
  private readonly text: string;
  private readonly tokens: readonly Token[];
  private at = 0;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
    this.tokens = tokenize(text);
  }

  program(): Program {
    const lets: Let[] = [];
    while (this.is("let")) {
      this.at++;
      const token = this.peek();
      if (token.type !== "name" || isKeyword(token.value)) this.fail("a name");
      this.at++;
      if (!this.is("=")) this.fail('"="');
      this.at++;
      lets.push({ name: token.value, at: token.span, value: this.expression() });
      const next = this.peek();
      if (next.type === "end") this.fail("a result on a line of its own after the last let");
      if (next.type !== "line") this.failAfterExpression();
      this.at++;
    }
    const result = this.expression();
    if (this.peek().type === "line") this.at++;
    const extra = this.peek();
    if (extra.type === "line" || extra.type === "end") return { text: this.text, lets, result };
    if (this.tokens[this.at - 1].type !== "line") this.failAfterExpression();
    if (extra.value === "-") this.fail("the end of the formula", 'a "-" that goes on from the line before belongs at the end of that line');
    return this.fail("the end of the formula", "only the last line is without a name: begin the others with let");
  }

  private expression(): Expression {
    return this.deeper(() => this.binary(["or"], () => this.binary(["and"], () => this.negation())));
  }

  private negation(): Expression {
    if (!this.is("not")) return this.comparison();
    const at = this.next().span;
    const value = this.deeper(() => this.negation());
    return operator("not", at, [value], { start: at.start, end: value.span.end });
  }

  private comparison(): Expression {
    const left = this.sum();
    const sign = this.take(COMPARISONS);
    if (!sign) return left;
    const both = binaryOperator(sign, left, this.sum());
    const another = this.take(COMPARISONS);
    if (another)
      throw new ExpressionError(this.text, another.span, "comparisons do not follow one another: write a < b and b < c for a < b < c");
    return both;
  }

  private sum(): Expression {
    return this.binary(["+", "-"], () => this.binary(["*", "/"], () => this.unary()));
  }

  private unary(): Expression {
    this.skipLine();
    if (!this.is("-")) return this.power();
    const at = this.next().span;
    const value = this.deeper(() => this.unary());
    return operator("neg", at, [value], { start: at.start, end: value.span.end });
  }

  private power(): Expression {
    const base = this.primary();
    const sign = this.take(["^"]);
    return sign
      ? binaryOperator(
          sign,
          base,
          this.deeper(() => this.unary()),
        )
      : base;
  }

  private primary(): Expression {
    this.skipLine();
    const token = this.peek();
    if (token.type === "number") {
      const value = Number(this.next().value);
      if (!Number.isFinite(value)) throw new ExpressionError(this.text, token.span, "this number is too large");
      return { type: "number", value, span: token.span };
    }
    if (token.type === "text") {
      this.at++;
      return { type: "text", value: token.value, span: token.span };
    }
    if (this.is("if")) return this.branch();
    if (token.type === "name" && !isKeyword(token.value)) {
      this.at++;
      if (this.is("(")) return this.call(token);
      return { type: "name", name: token.value, span: token.span };
    }
    if (this.is("(")) {
      this.at++;
      const inner = this.expression();
      const close = this.peek();
      if (!this.is(")")) this.fail('")"');
      this.at++;
      return { ...inner, span: { start: token.span.start, end: close.span.end } };
    }
    return this.fail('a number, a name, "(", "-" or "if"');
  }

  private call(name: Token): Expression {
    this.at++;
    const args: Expression[] = [];
    if (!this.is(")")) {
      do args.push(this.expression());
      while (this.take([","]));
    }
    const close = this.peek();
    if (!this.is(")")) this.fail('"," or ")"');
    this.at++;
    const span = { start: name.span.start, end: close.span.end };
    return { type: "call", name: name.value, at: name.span, args, span, operator: false };
  }

  private branch(): Expression {
    const at = this.next().span;
    const condition = this.expression();
    if (!this.take(["then"])) this.fail('"then"');
    const yes = this.expression();
    if (!this.take(["else"])) this.fail('"else"');
    const no = this.expression();
    return operator("if", at, [condition, yes, no], { start: at.start, end: no.span.end });
  }

  /** Operators of one tightness, from the left. */
  private binary(signs: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    for (let sign = this.take(signs); sign; sign = this.take(signs)) left = binaryOperator(sign, left, operand());
    return left;
  }

  private peek(): Token {
    return this.tokens[this.at];
  }

  private next(): Token {
    return this.tokens[this.at++];
  }

  private is(value: string): boolean {
    const token = this.peek();
    return (token.type === "symbol" || token.type === "name") && token.value === value;
  }

  /** The next token if it is one of these, across the end of a line that it goes on from. */
  private take(values: readonly string[]): Token | null {
    const ahead = this.peek().type === "line" ? this.at + 1 : this.at;
    const token = this.tokens[ahead];
    if (ahead > this.at && !CONTINUES.has(token.value)) return null;
    if ((token.type !== "symbol" && token.type !== "name") || !values.includes(token.value)) return null;
    this.at = ahead + 1;
    return token;
  }

  /** An operand may begin on the next line. */
  private skipLine(): void {
    if (this.peek().type === "line" && this.at > 0) this.at++;
  }

  private deeper<T>(read: () => T): T {
    if (++this.depth > MAX_DEPTH) {
      throw new ExpressionError(this.text, this.peek().span, `it is nested too deeply: at most ${MAX_DEPTH} levels`);
    }
    const result = read();
    this.depth--;
    return result;
  }

  private failAfterExpression(): never {
    if (this.is(")")) throw new ExpressionError(this.text, this.peek().span, 'this ")" closes no "("');
    return this.fail(
      "an operator or the end of the line",
      this.is("=") ? 'to compare write "==", to name a value begin the line with let' : undefined,
    );
  }

  private fail(expected: string, hint?: string): never {
    const token = this.peek();
    const got =
      token.type === "end"
        ? "the end of the formula"
        : token.type === "line"
          ? "the end of the line"
          : JSON.stringify(token.type === "text" ? `"${token.value}"` : token.value);
    throw new ExpressionError(this.text, token.span, `expected ${expected}, got ${got}${hint ? `; ${hint}` : ""}`);
  }
}

const isKeyword = (word: string) => (KEYWORDS as readonly string[]).includes(word);

const operator = (name: string, at: Span, args: readonly Expression[], span: Span): Expression => ({
  type: "call",
  name,
  at,
  args,
  span,
  operator: true,
});

const binaryOperator = (sign: Token, left: Expression, right: Expression): Expression =>
  operator(sign.value, sign.span, [left, right], { start: left.span.start, end: right.span.end });
