/** A symbol of a formula that is a term: hovering it lights the term up, and its number stands under it. */
export interface Mark {
  /** LaTeX, as the formula writes it. */
  readonly symbol: string;
  readonly key: string;
  readonly number?: string | undefined;
}

/** In these, letters are no symbols. */
const VERBATIM = /\\(?:text|mathrm|operatorname\*?|begin|end|htmlData|quad|qquad)\s*(?=\{)/y;
/** What stands for all of a group or batch, not for this token: `mean(r)`. */
const OVER_ALL = /\\mathrm\{(?:mean|std|var|mad|median|mode)\}\s*(?:_\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})?\([^()]*\)/y;
const MACRO = /\\(?:[a-zA-Z]+|.)/y;

const matchAt = (pattern: RegExp, text: string, at: number) => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
};

/** The place after a brace's end. */
function afterBraces(latex: string, at: number): number {
  let depth = 0;
  for (let i = at; i < latex.length; i++) {
    if (latex[i] === "\\") i++;
    else if (latex[i] === "{") depth++;
    else if (latex[i] === "}" && --depth === 0) return i + 1;
  }
  return latex.length;
}

/** The place after what `_` or `^` applies to. */
function afterArgument(latex: string, at: number): number {
  while (latex[at] === " ") at++;
  if (latex[at] === "{") return afterBraces(latex, at);
  return at + (matchAt(MACRO, latex, at)?.length ?? 1);
}

/** Whether a symbol that was found is not the beginning of another: of `A_t`, `A` is none, and of `\pi_{\text{ref}}`, `\pi`. */
function endsThere(latex: string, at: number, symbol: string): boolean {
  const next = latex[at + symbol.length] ?? "";
  if (next === "_" || next === "^" || next === "'") return false;
  return !(/\\[a-zA-Z]+$/.test(symbol) && /[a-zA-Z]/.test(next)) && !(symbol.endsWith("\\pi") && next === "(");
}

/** A formula whose symbols carry their terms' keys (`data-term`), with their numbers under them. What is not a term stays as it is. */
export function annotate(latex: string, marks: readonly Mark[]): string {
  const longestFirst = [...marks].sort((a, b) => b.symbol.length - a.symbol.length);
  let out = "";
  let at = 0;
  while (at < latex.length) {
    const here = at;
    const mark = longestFirst.find(({ symbol }) => latex.startsWith(symbol, here) && endsThere(latex, here, symbol));
    if (mark) {
      const { symbol, key, number } = mark;
      const shown = number === undefined ? symbol : `\\underset{\\textsf{${number}}}{${symbol}}`;
      out += `{\\htmlData{term=${key}}{${shown}}}`;
      at += symbol.length;
      continue;
    }
    const overAll = matchAt(OVER_ALL, latex, at);
    const verbatim = matchAt(VERBATIM, latex, at);
    const to = overAll
      ? at + overAll.length
      : verbatim
        ? afterBraces(latex, at + verbatim.length)
        : latex[at] === "_" || latex[at] === "^"
          ? afterArgument(latex, at + 1)
          : at + (matchAt(MACRO, latex, at)?.length ?? 1);
    out += latex.slice(at, to);
    at = to;
  }
  return out;
}
