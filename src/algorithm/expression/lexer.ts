import { ExpressionError, type Span } from "./error.ts";

export interface Token {
  readonly type: "number" | "name" | "text" | "symbol" | "line" | "end";
  /** A text without its quotes; "" for the ends of lines and of the formula. */
  readonly value: string;
  readonly span: Span;
}

/** Words that cannot be names. */
export const KEYWORDS = ["let", "if", "then", "else", "and", "or", "not"] as const;

const BLANK = /[^\S\n]+|#[^\n]*/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y;
const NAME = /[A-Za-z][A-Za-z0-9_]*/y;
const TEXT = /"([^"\n]*)"/y;
const SYMBOL = /<=|>=|==|!=|[-+*/^(),=<>]|[−×·÷≤≥≠]/y;

/** Signs as they come from typeset text. */
const ALIKE: Readonly<Record<string, string>> = { "−": "-", "×": "*", "·": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!=" };

/**
 * The tokens of a formula. The ends of lines (or `;`) count outside brackets only, once for any number of empty lines; `#` begins a
 * remark.
 * @throws ExpressionError at a character that no token begins with.
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const push = (type: Token["type"], value: string, length: number) => {
    tokens.push({ type, value, span: { start: at, end: at + length } });
    at += length;
  };
  while (at < text.length) {
    const blank = match(BLANK);
    if (blank) {
      at += blank[0].length;
      continue;
    }
    if (text[at] === "\n" || text[at] === ";") {
      if (depth === 0 && tokens.length > 0 && tokens[tokens.length - 1].type !== "line") push("line", "", 1);
      else at++;
      continue;
    }
    const number = match(NUMBER);
    const name = match(NAME);
    const quoted = match(TEXT);
    const symbol = match(SYMBOL);
    if (number) push("number", number[0], number[0].length);
    else if (name) push("name", name[0], name[0].length);
    else if (quoted) push("text", quoted[1], quoted[0].length);
    else if (symbol) {
      if (symbol[0] === "(") depth++;
      if (symbol[0] === ")") depth = Math.max(0, depth - 1);
      push("symbol", ALIKE[symbol[0]] ?? symbol[0], symbol[0].length);
    } else {
      const character = String.fromCodePoint(text.codePointAt(at)!);
      const sentence = character === '"' ? 'this text has no closing "' : `a formula has no ${JSON.stringify(character)}`;
      throw new ExpressionError(text, { start: at, end: at + character.length }, sentence);
    }
  }
  push("end", "", 0);
  return tokens;
}
