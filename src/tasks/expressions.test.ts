import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate, parseExpression } from "./arithmetic.ts";
import { allForms } from "./expressions.ts";

/** Every value that some bracketing of some order of the numbers has, by brute force in floating point. */
function bruteForce(numbers: readonly number[]): Set<string> {
  if (numbers.length === 1) return new Set([`${numbers[0]}`]);
  const values = new Set<string>();
  for (let i = 0; i < numbers.length; i++) {
    for (let j = 0; j < numbers.length; j++) {
      if (i === j) continue;
      const rest = numbers.filter((_, k) => k !== i && k !== j);
      const [a, b] = [numbers[i], numbers[j]];
      for (const c of [a + b, a - b, a * b, ...(b === 0 ? [] : [a / b])]) {
        for (const v of bruteForce([...rest, c])) values.add(v);
      }
    }
  }
  return values;
}
const rounded = (values: Iterable<number>) =>
  [...new Set([...values].map((v) => (v + 0).toFixed(6).replace("-0.000000", "0.000000")))].sort();

describe("all forms of some numbers", () => {
  it("are 6 for two numbers and 68 for three that have nothing in common", () => {
    expect(allForms([11, 7])).toHaveLength(6);
    expect(allForms([11, 7, 5])).toHaveLength(68);
  });

  it("are expressions of exactly these numbers, with the value they claim", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 3 }), (numbers) => {
        const forms = allForms(numbers);
        expect(new Set(forms.map(({ text }) => text)).size).toBe(forms.length);
        for (const { text, value } of forms) {
          const parsed = parseExpression(text);
          expect(parsed.ok).toBe(true);
          if (!parsed.ok) continue;
          expect([...parsed.numbers].sort()).toEqual([...numbers].sort());
          expect(evaluate(parsed.expression)).toEqual(value);
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each([[[3, 8]], [[1, 1, 1]], [[2, 5, 9]], [[4, 4, 10]], [[1, 5, 5, 5]], [[3, 3, 8, 8]]])(
    "reach all values that %j can reach",
    (numbers) => {
      const ours = rounded(allForms(numbers).map(({ value }) => value.n / value.d));
      expect(ours).toEqual(rounded([...bruteForce(numbers)].map(Number).filter(Number.isFinite)));
    },
  );

  it("do not depend on the order of the numbers", () => {
    expect(allForms([9, 2, 5])).toEqual(allForms([5, 9, 2]));
  });
});
