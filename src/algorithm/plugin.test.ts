import { expect, it } from "vitest";
import { checkValue, type NumberParameter, parametersAt, parseSchedule, RecipeError, valueAt } from "./plugin.ts";

const rate: NumberParameter = { kind: "number", label: "Rate", effect: "", default: 0.1, min: 0, max: 1, slider: [0, 1, 0.1] };

it("reads schedules and follows them over steps", () => {
  expect(parseSchedule("0.3 to 0.2 over 100")).toEqual({ from: 0.3, to: 0.2, steps: 100, shape: "linear" });
  expect(parseSchedule(" 1e-3 TO .5 over 10 cosine ")).toEqual({ from: 1e-3, to: 0.5, steps: 10, shape: "cosine" });
  for (const text of ["0.3", "0.3 to over 100", "0.3 to 0.2", "a to b over 3", "0.3 to 0.2 over -1", ""])
    expect(parseSchedule(text)).toBeNull();
  const linear = [1, 51, 101, 900].map((step) => valueAt("0.4 to 0.2 over 100", step));
  expect(linear[0]).toBe(0.4);
  expect(linear[1]).toBeCloseTo(0.3, 12);
  expect(linear.slice(2)).toEqual([0.2, 0.2]);
  expect(valueAt("0 to 1 over 100 cosine", 26)).toBeCloseTo((1 - Math.SQRT1_2) / 2, 12);
  expect(valueAt(0.7, 5)).toBe(0.7);
});

it("holds both ends of a schedule to the parameter's range", () => {
  expect(checkValue(rate, "0 to 1 over 5", "x.rate")).toBe("0 to 1 over 5");
  expect(() => checkValue(rate, "0 to 2 over 5", "x.rate")).toThrow(new RecipeError("x.rate (to) must lie between 0 and 1, got 2"));
  expect(() => checkValue(rate, "fast", "x.rate")).toThrow(RecipeError);
});

it("rounds scheduled whole numbers and leaves texts alone", () => {
  const declared = {
    count: { ...rate, kind: "integer", max: 100 },
    text: { kind: "text", label: "", effect: "", default: "", maxLength: 50, check: () => {} },
  } as const;
  expect(parametersAt(declared, { count: "1 to 4 over 2", text: "1 to 4 over 2" }, 2)).toEqual({ count: 3, text: "1 to 4 over 2" });
});
