import { describe, expect, it } from "vitest";
import { type FinishedRun, measureRun, measureText, metricsIn } from "./measure.ts";

const run: FinishedRun = {
  steps: [
    { step: 1, tokens: 100, entropy: 1, "clip_ratio/high_mean": 0.1 },
    { step: 2, tokens: 300, entropy: 0.5 },
    { step: 3, tokens: 100, entropy: 0.2, "clip_ratio/high_mean": 0.3 },
  ],
  end: { "pass@1": 0.4, "pass@8": 0.9 },
  tokens: 500,
  cpuSeconds: 1,
};

describe("a measure", () => {
  it("reduces a metric over steps, over tokens, at the last step or at the end", () => {
    expect(measureRun(run, { metric: "entropy", reduce: "last" })).toBe(0.2);
    expect(measureRun(run, { metric: "entropy", reduce: "mean" })).toBeCloseTo(1.7 / 3, 12);
    expect(measureRun(run, { metric: "entropy", reduce: "mean", steps: 2 })).toBeCloseTo(0.35, 12);
    expect(measureRun(run, { metric: "entropy", reduce: "area" })).toBeCloseTo((100 + 150 + 20) / 500, 12);
    expect(measureRun(run, { metric: "clip_ratio/high_mean", reduce: "min" })).toBe(0.1);
    expect(measureRun(run, { metric: "pass@8", reduce: "end" })).toBe(0.9);
  });

  it("leaves out steps without the metric, and is NaN where no step has it", () => {
    expect(measureRun(run, { metric: "clip_ratio/high_mean", reduce: "mean" })).toBeCloseTo(0.2, 12);
    expect(measureRun(run, { metric: "clip_ratio/high_mean", reduce: "area" })).toBeCloseTo(0.2, 12);
    for (const reduce of ["mean", "last", "min", "area", "end"] as const) expect(measureRun(run, { metric: "none", reduce })).toBeNaN();
  });

  it("can be a ratio or a difference of two, and be said in words", () => {
    const ratio = {
      ratio: [
        { metric: "pass@1", reduce: "end" },
        { metric: "pass@8", reduce: "end" },
      ],
    } as const;
    expect(measureRun(run, ratio)).toBeCloseTo(0.4 / 0.9, 12);
    expect(measureRun(run, { difference: [ratio.ratio[1], ratio.ratio[0]] })).toBeCloseTo(0.5, 12);
    expect(metricsIn(ratio)).toEqual(["pass@1", "pass@8"]);
    expect(measureText(ratio)).toBe("pass@1, after training ÷ pass@8, after training");
  });
});
