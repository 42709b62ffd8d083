import { VOCABULARY } from "../policy/tokenizer.ts";

/** Numbers and tokens as a person reads them. A minus sign is a real one, so that columns line up. */

const minus = (text: string) => text.replace(/^-/, "−").replace(/e-/, "e−");

/** A number in about `digits` significant digits, without needless zeros: 0.0003, 1.25, 42, 3.1e−7. */
export function short(value: number, digits = 3): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return minus(value.toExponential(Math.max(0, digits - 2)).replace(/\.?0*e/, "e"));
  return minus(String(Number(value.toPrecision(digits))));
}

/** A fixed number of decimals. */
export const fixed = (value: number, decimals = 2) => minus(value.toFixed(decimals));

/** With its sign, + or −. */
export const signed = (value: number, decimals = 2) => {
  const text = fixed(value, decimals);
  return Number(value.toFixed(decimals)) === 0 ? text.replace("−", "") : value > 0 ? `+${text}` : text;
};

/** A share as a percentage; with a decimal near the ends, where it matters. */
export const percent = (value: number) => {
  const size = Math.abs(value * 100);
  return `${minus((value * 100).toFixed((size > 0 && size < 9.95) || (size >= 98.95 && size < 99.95) ? 1 : 0))}%`;
};

/** 41200 → "41k". */
export const rate = (value: number) =>
  value >= 9950 ? `${Math.round(value / 1000)}k` : value >= 995 ? `${(value / 1000).toFixed(1)}k` : value.toFixed(0);

export const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** A token in a sentence: a special by name, a space or line break in words, anything else in quotes. */
export function tokenName(id: number): string {
  const text = VOCABULARY[id] ?? `#${id}`;
  if (text === "<eos>") return "end of text";
  if (text === "\n") return "line break";
  if (text === " ") return "space";
  return text.length > 1 ? text : `“${text}”`;
}

/** A token in a box: end-of-text as a square, a line break as an arrow. */
export function tokenGlyph(id: number): string {
  const text = VOCABULARY[id] ?? "?";
  if (text === "<eos>") return "■";
  if (text === "\n") return "⏎";
  if (text === " ") return "␣";
  return text.length > 1 ? "◇" : text;
}
