import { describe, expect, it } from "vitest";
import {
  bestOfSubsetWeights,
  maskedWhitening,
  mean,
  meanAbsoluteDeviation,
  median,
  returnsToGo,
  scorableRows,
  standardDeviation,
  variance,
} from "./statistics.ts";

describe("statistics", () => {
  it("are exact where all values are equal", () => {
    const thirds = [0.1, 0.1, 0.1];
    expect(mean(thirds)).toBe(0.1);
    expect([variance(thirds, 1), variance(thirds, 0), meanAbsoluteDeviation(thirds)]).toEqual([0, 0, 0]);
  });

  it("have values for no and for one number", () => {
    expect([mean([]), median([]), variance([], 0), meanAbsoluteDeviation([])]).toEqual([0, 0, 0, 0]);
    expect([standardDeviation([5], 1), standardDeviation([5], 0)]).toEqual([1, 0]);
  });

  it("are those of the books", () => {
    const x = [2, 4, 4, 4, 5, 5, 7, 9];
    expect([mean(x), median(x), variance(x, 0), standardDeviation(x, 0), variance(x, 1), meanAbsoluteDeviation(x)]).toEqual([
      5,
      4.5,
      4,
      2,
      32 / 7,
      1.5,
    ]);
  });

  it("whiten with 1e-8 in the count, as verl does: equal values keep a trace", () => {
    const { mean: center, factor } = maskedWhitening([1, 1, 1, 1], 1, 1e-8);
    expect((1 - center) * factor).toBeCloseTo(2.5e-5, 12);
    expect(maskedWhitening([], 1, 1e-8).mean).toBe(0);
    expect(maskedWhitening([7], 1, 0).factor).toBe(0);
  });

  it("know the best of a drawn team", () => {
    // Of 4 sorted values, teams of 2: the best is the 2nd once, the 3rd twice, the 4th three times in six.
    const weights = bestOfSubsetWeights(4, 2).map((w) => w * 6);
    [0, 1, 2, 3].forEach((expected, j) => {
      expect(weights[j]).toBeCloseTo(expected, 12);
    });
    expect(bestOfSubsetWeights(3, 3)).toEqual([0, 0, 1]);
    expect(bestOfSubsetWeights(2, 1)).toEqual([0.5, 0.5]);
    expect(bestOfSubsetWeights(2000, 1000).every(Number.isFinite)).toBe(true);
  });

  it("discount within a row", () => {
    expect([...returnsToGo([0, 0, 8, 1], { rows: 2, offsets: [0, 3, 4] }, 0.5)]).toEqual([2, 4, 8, 1]);
  });

  it("count rows by their rewards, and by their tokens' rewards", () => {
    const batch = { rows: 3, offsets: [0, 1, 2, 3], reward: [1, Number.NaN, 0] };
    expect(scorableRows(batch)).toEqual([true, false, true]);
    expect(scorableRows({ ...batch, tokenReward: [1, 0, Number.POSITIVE_INFINITY] })).toEqual([true, false, false]);
  });
});
