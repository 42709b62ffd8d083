import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomSequence, STREAM } from "../policy/random.ts";
import { bootstrapBand, bootstrapInterval, combine, judge, type Pairs } from "./statistics.ts";

/** A standard normal draw (Box–Muller). */
function normals(seed: number): () => number {
  const random = randomSequence({ seed, stream: STREAM.plugin, step: 1 });
  return () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** Pairs that share a large part (their seed's luck) and differ by `effect` with noise. */
function pairs(seeds: number, effect: number, noise: number, seed = 1): Pairs {
  const normal = normals(seed);
  const baseline = Array.from({ length: seeds }, () => 1 + 0.3 * normal());
  return { baseline, method: baseline.map((b) => b + effect + noise * normal()) };
}

describe("a condition", () => {
  const higher = { direction: "higher", margin: 0 } as const;
  const lower = { direction: "lower", margin: 0 } as const;

  it("holds for a known effect, does not for the reverse, and neither for noise", () => {
    expect(judge(pairs(5, 0.2, 0.02), higher).outcome).toBe("holds");
    expect(judge(pairs(5, 0.2, 0.02), lower).outcome).toBe("does not hold");
    expect(judge(pairs(5, -0.2, 0.02), lower).outcome).toBe("holds");
    expect(judge(pairs(5, -0.2, 0.02), higher).outcome).toBe("does not hold");
    for (const direction of [higher, lower]) expect(judge(pairs(5, 0, 0.2), direction).outcome).toBe("inconclusive");
  });

  it("sees an effect that is small beside the spread over seeds, because seeds are paired", () => {
    const { method, baseline } = pairs(8, 0.05, 0.01);
    expect(judge({ method, baseline }, higher).outcome).toBe("holds");
    expect(judge({ method, baseline: [...baseline.slice(1), baseline[0]] }, higher).outcome).toBe("inconclusive");
  });

  it("counts the margin on the claimed side; a negative one allows a loss", () => {
    const found = pairs(6, 0.2, 0.01);
    expect(judge(found, { ...higher, margin: 0.1 }).outcome).toBe("holds");
    expect(judge(found, { ...higher, margin: 0.2 }).outcome).toBe("inconclusive");
    expect(judge(found, { ...higher, margin: 0.3 }).outcome).toBe("does not hold");
    const loss = pairs(6, -0.02, 0.003);
    expect(judge(loss, { ...higher, margin: -0.05 }).outcome).toBe("holds");
    expect(judge(loss, { ...higher, margin: -0.005 }).outcome).toBe("does not hold");
  });

  it("compares ratios with a factor", () => {
    const baseline = [10, 12, 9, 11, 10];
    const method = baseline.map((b, i) => b * (0.5 + 0.01 * (i % 3)));
    const found = judge({ method, baseline }, { direction: "lower", margin: 0.6, compare: "ratio" });
    expect(found.effect).toBeCloseTo(0.51, 2);
    expect(found.outcome).toBe("holds");
    expect(judge({ method, baseline }, { direction: "lower", margin: 0.4, compare: "ratio" }).outcome).toBe("does not hold");
    expect(judge({ method: baseline, baseline: method }, { direction: "higher", margin: 1.5, compare: "ratio" }).outcome).toBe("holds");
    expect(judge({ method, baseline: baseline.map(() => 0) }, { direction: "lower", margin: 1, compare: "ratio" })).toMatchObject({
      interval: null,
      outcome: "inconclusive",
    });
  });

  it("stays open with one seed, with two that differ, and where something was not measured", () => {
    expect(judge(pairs(1, 5, 0), higher)).toMatchObject({ interval: null, outcome: "inconclusive" });
    expect(judge({ method: [2, 1.1], baseline: [1, 1] }, higher).outcome).toBe("inconclusive");
    expect(judge({ method: [2, 2, Number.NaN], baseline: [1, 1, 1] }, higher)).toMatchObject({ interval: null, outcome: "inconclusive" });
  });

  it("of a method that changes nothing does not hold, but is no loss", () => {
    const same = { method: [1, 2, 3, 4], baseline: [1, 2, 3, 4] };
    expect(judge(same, higher).outcome).toBe("does not hold");
    expect(judge(same, { ...higher, margin: -0.01 }).outcome).toBe("holds");
  });
});

describe("the interval", () => {
  it("covers the true effect about as often as it says, with five seeds too", () => {
    for (const n of [5, 10]) {
      const trials = 120;
      let covered = 0;
      for (let trial = 0; trial < trials; trial++) {
        const [low, high] = bootstrapInterval(pairs(n, 0.3, 0.1, 100 + trial))!;
        if (low < 0.3 && 0.3 < high) covered++;
      }
      expect(covered / trials).toBeGreaterThan(0.88);
      expect(covered / trials).toBeLessThan(1);
    }
  });

  it("is the same each time, moves with a shift, and holds the effect", () => {
    const values = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(values, fc.double({ min: -5, max: 5, noNaN: true }), (method, shift) => {
        const baseline = method.map((_, i) => i / 7);
        const [low, high] = bootstrapInterval({ method, baseline })!;
        expect(bootstrapInterval({ method, baseline })).toEqual([low, high]);
        const effect = judge({ method, baseline }, { direction: "higher", margin: 0 }).effect!;
        expect(low).toBeLessThanOrEqual(effect + 1e-9);
        expect(high).toBeGreaterThanOrEqual(effect - 1e-9);
        const moved = bootstrapInterval({ method: method.map((m) => m + shift), baseline })!;
        expect(moved[0]).toBeCloseTo(low + shift, 8);
        expect(moved[1]).toBeCloseTo(high + shift, 8);
      }),
      { numRuns: 10 },
    );
  });
});

describe("a claim of several conditions", () => {
  it("holds if all do, and is refuted by one", () => {
    expect(combine(["holds", "holds"])).toBe("holds");
    expect(combine(["holds", "inconclusive"])).toBe("inconclusive");
    expect(combine(["inconclusive", "does not hold", "holds"])).toBe("does not hold");
  });
});

describe("a band", () => {
  it("has the interval of each place within what resampling may differ, and none for one run", () => {
    const normal = normals(3);
    const curves = Array.from({ length: 6 }, () => [1, 2, 3].map((at) => at + 0.2 * normal()));
    bootstrapBand(curves).forEach(({ mean, interval }, at) => {
      const method = curves.map((curve) => curve[at]);
      expect(mean).toBeCloseTo(method.reduce((a, b) => a + b) / 6, 12);
      const [low, high] = bootstrapInterval({ method, baseline: method.map(() => 0) })!;
      expect(Math.abs(interval![0] - low)).toBeLessThan(0.1 * (high - low));
      expect(Math.abs(interval![1] - high)).toBeLessThan(0.1 * (high - low));
    });
    expect(bootstrapBand([[1, 2]])).toEqual([
      { mean: 1, interval: null },
      { mean: 2, interval: null },
    ]);
  });
});
