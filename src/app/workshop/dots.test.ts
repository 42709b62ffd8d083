import { expect, it } from "vitest";
import { dotsOf, experimentsOf } from "./dots.ts";
import type { Entry } from "./result-code.ts";

const entry = (setup: number, seed: number, after: number, before = 0.2): Entry => ({
  setup,
  seed,
  before,
  after,
  steps: 40,
  code: `${setup} ${seed}`,
});

it("stacks results of about the same value", () => {
  const dots = dotsOf([entry(1, 3, 0.51), entry(1, 1, 0.5), entry(1, 2, 0.8)], "after");
  expect(dots.map((dot) => [dot.entry.seed, dot.height])).toEqual([
    [1, 0],
    [3, 1],
    [2, 0],
  ]);
  expect(dotsOf([entry(1, 1, 0.5)], "gain")[0].value).toBeCloseTo(0.3, 9);
});

it("tells experiments apart, with the mean and its interval over seeds", () => {
  const [many, one] = experimentsOf([entry(9, 1, 0.9), entry(5, 1, 0.4), entry(5, 2, 0.6), entry(5, 3, 0.5)], "after");
  expect(many).toMatchObject({ setup: 5, name: "0000" });
  expect(many.mean).toBeCloseTo(0.5, 9);
  expect(many.interval![0]).toBeLessThan(0.5);
  expect(many.interval![1]).toBeGreaterThan(0.5);
  expect(one).toMatchObject({ setup: 9, interval: null });
});
