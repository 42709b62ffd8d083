import { type KatexOptions, renderToString } from "katex";

/** A number under a symbol, as the inspector writes it. (A plus reaches lower than digits.) */
const NUMBER = /\\textsf\{(-?)[\d.]+(?:e-?\d+)?\}/g;
/** What stands for the i-th number in a formula that is kept: no formula has it, and all digits are equally high. */
const place = (i: number) => String(780_451_000 + i);

/** Formulas without their numbers, set. From token to token only numbers change, and KaTeX takes milliseconds. */
const kept = new Map<string, string>();
/** More than all recipes have. */
const MOST_KEPT = 1000;

/** The formula as HTML with MathML, the same that KaTeX makes of it. */
export function formulaHtml(latex: string, options: KatexOptions): string {
  const numbers: string[] = [];
  const skeleton = latex.replaceAll(NUMBER, (found, sign: string) => {
    numbers.push(found.slice("\\textsf{".length + sign.length, -1));
    return `\\textsf{${sign}${place(numbers.length - 1)}}`;
  });
  const key = `${options.displayMode} ${options.trust !== undefined} ${skeleton}`;
  let html = kept.get(key);
  if (html === undefined) {
    html = renderToString(skeleton, options);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(key, html);
  }
  return numbers.reduce((all, number, i) => all.replaceAll(place(i), number), html);
}
