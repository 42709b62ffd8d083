import { renderToString } from "katex";
import { expect, it } from "vitest";
import { formulaHtml } from "./formula-html.ts";

const options = { throwOnError: true, strict: false, trust: ({ command }: { command: string }) => command === "\\htmlData" } as const;
const term = (key: string, symbol: string, number: string) => `{\\htmlData{term=${key}}{\\underset{\\textsf{${number}}}{${symbol}}}}`;

it("is what KaTeX makes of the formula, whatever numbers are in it", () => {
  const numbers = ["0", "1", "-0.725", "0.00237", "12", "1.2e-7", "-3e+8", "422", "0.2", "0.2"];
  for (const [i, number] of numbers.entries()) {
    const other = numbers[(i + 3) % numbers.length];
    for (const latex of [
      `-\\min(${term("ratio", "\\rho_t", number)} ${term("A", "A_t", other)}, 1 - ${term("low", "\\epsilon", "0.2")})`,
      `\\frac{1}{${term("n", "\\sum_i |o_i|", other)}} \\textsf{of ${number}} + 0.5`,
    ])
      for (const displayMode of [false, true])
        expect(formulaHtml(latex, { ...options, displayMode })).toBe(renderToString(latex, { ...options, displayMode }));
  }
});

it("keeps formulas apart that differ in more than numbers", () => {
  const set = (symbol: string, number: string) => formulaHtml(term("x", symbol, number), options);
  expect(set("A", "0.5")).not.toBe(set("B", "0.5"));
  expect(set("A", "0.5")).not.toBe(set("A", "-0.5"));
  expect(set("A", "0.5")).toContain(">0.5<");
  expect(formulaHtml("x", {})).not.toBe(formulaHtml("x", { displayMode: true }));
});
