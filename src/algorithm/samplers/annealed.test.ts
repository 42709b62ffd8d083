import { describe, expect, it } from "vitest";
import type { Parameters } from "../plugin.ts";
import { type Annealing, annealedSampler, annealedTemperature, decayAt } from "./annealed.ts";

const annealing: Annealing = { start: 1.2, floor: 0.1, decay: 500, warmup: 10 };
const defaults = Object.fromEntries(Object.entries(annealedSampler.parameters).map(([name, { default: value }]) => [name, value]));

describe("annealed temperature", () => {
  it("is 1 during the warm-up, crosses 1 at d·ln(start) and stays at the floor from d·ln(1 + start − floor) on", () => {
    for (let t = 0; t < 10; t++) expect(annealedTemperature(t, annealing)).toBe(1);
    expect(annealedTemperature(10, annealing)).toBeCloseTo(2.2 - Math.exp(0.02), 12);
    expect(annealedTemperature(500 * Math.log(1.2), annealing)).toBeCloseTo(1, 12);
    expect(annealedTemperature(500 * Math.log(2.1) - 1, annealing)).toBeGreaterThan(0.1);
    for (const t of [372, 1000, 1e9]) expect(annealedTemperature(t, annealing)).toBe(0.1);
    expect(annealedTemperature(0, { ...annealing, warmup: 0 })).toBeCloseTo(1.2, 12);
  });

  it("cools later as steps go by, up to a cap", () => {
    expect([0, 1, 100, 1e6].map((step) => 20 * decayAt(step, 25, 5, 40000))).toEqual([500, 600, 10500, 800000]);
  });

  it("is one valid temperature for each token, falling after the warm-up", () => {
    const { temperature } = annealedSampler.drawing(defaults, 1, 24);
    expect(temperature).toBeInstanceOf(Float32Array);
    expect(temperature).toHaveLength(24);
    const taus = Array.from(temperature as Float32Array);
    expect(taus[0]).toBe(1);
    expect(taus[1]).toBeGreaterThan(1);
    expect(taus[23]).toBeCloseTo(0.1, 6);
    for (let t = 2; t < 24; t++) expect(taus[t]).toBeLessThanOrEqual(taus[t - 1]);
    const extremes: Parameters[] = [
      { start: 5, floor: 0.05, decay: 0.1, decayCap: 0.1 },
      { start: 0.05, floor: 5, warmup: 120 },
    ];
    for (const extreme of extremes) {
      const drawn = annealedSampler.drawing({ ...defaults, ...extreme }, 1e6, 120).temperature as Float32Array;
      expect(drawn.every((tau) => tau > 0 && tau <= 5)).toBe(true);
    }
  });
});
