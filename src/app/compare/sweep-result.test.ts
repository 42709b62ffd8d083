import { describe, expect, it } from "vitest";
import { bandOf, findingOf, type SweptRun } from "./sweep-result.ts";

const run = (arm: number, seed: number, end: number, rewards: readonly number[] = [0.1, 0.2, 0.3]): SweptRun => ({
  arm,
  seed,
  steps: rewards.map((reward, i) => ({ step: i + 1, reward, ...(i % 2 === 1 ? { "pass@1": reward } : {}) })),
  end: { "pass@1": end },
});

describe("a sweep's finding", () => {
  it("tells of one recipe how far seeds lie apart", () => {
    const { sentence, outcome } = findingOf([run(0, 1, 0.2), run(0, 2, 0.4)], ["GRPO"])!;
    expect(outcome).toBeUndefined();
    expect(sentence).toContain("30% on average over 2 seeds (from 20% to 40%");
    expect(findingOf([], ["GRPO"])).toBeUndefined();
  });

  it("compares two recipes by pairs of seeds", () => {
    const pairs = (gain: (seed: number) => number) =>
      [1, 2, 3, 4, 5].flatMap((seed) => [run(0, seed, 0.2 + 0.05 * seed), run(1, seed, 0.2 + 0.05 * seed + gain(seed))]);
    const names = ["GRPO", "DAPO"];
    const holds = findingOf(
      pairs((seed) => 0.1 + 0.002 * seed),
      names,
    )!;
    expect(holds.outcome).toBe("holds");
    expect(holds.sentence).toContain("DAPO against GRPO: +10.6 points (pass@1 35% → 46%");
    expect(findingOf(pairs((seed) => -0.1 - 0.002 * seed), names)!.outcome).toBe("does not hold"); // biome-ignore format: one line a case
    expect(findingOf(pairs((seed) => (seed % 2 ? 0.1 : -0.1)), names)!.outcome).toBe("inconclusive"); // biome-ignore format: one line a case
    expect(findingOf(pairs(() => 0.1).slice(0, 2), names)!.sentence).toContain("One pair of runs says nothing about chance");
  });

  it("counts whole pairs only", () => {
    expect(findingOf([run(0, 1, 0.2)], ["GRPO", "DAPO"])).toBeUndefined();
    expect(findingOf([run(0, 1, 0.2), run(1, 1, 0.3), run(0, 2, 0.9)], ["GRPO", "DAPO"])!.sentence).toContain("20% → 30%");
  });
});

describe("a band", () => {
  it("is the mean with its interval, where every run measured", () => {
    const runs = [run(0, 1, 0, [0, 0.2, 0.4]), run(0, 2, 0, [0.2, 0.4, 0.6])];
    const band = bandOf(runs, "reward");
    expect(band.map((p) => [p.step, Number(p.value.toFixed(6))])).toEqual([
      [1, 0.1],
      [2, 0.3],
      [3, 0.5],
    ]);
    for (const { low, value, high } of band) expect(low! < value && value < high!).toBe(true);
    expect(bandOf(runs, "pass@1").map((p) => p.step)).toEqual([2]);
    expect(bandOf(runs, "kl")).toEqual([]);
  });

  it("thins long runs", () => {
    const long = run(
      0,
      1,
      0,
      Array.from({ length: 400 }, (_, i) => i),
    );
    expect(bandOf([long], "reward").length).toBeLessThanOrEqual(60);
  });
});
