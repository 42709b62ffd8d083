import { expect, it } from "vitest";
import { randomSequence, STREAM } from "../../policy/random.ts";
import { flippedVerdicts } from "./flipped.ts";

const random = () => randomSequence({ seed: 1, stream: STREAM.reward, step: 1 });
const scores = Array.from({ length: 4000 }, (_, i) => i % 2);
const flipped = (falseNegatives: number, falsePositives: number) => {
  const seen = flippedVerdicts.transmit(scores, { falseNegatives, falsePositives }, random());
  const rate = (kind: number) => scores.filter((s, i) => s === kind && seen[i] !== s).length / 2000;
  return [rate(1), rate(0)];
};

it("turns right and wrong verdicts round at rates of their own", () => {
  expect(flipped(0, 0)).toEqual([0, 0]);
  expect(flipped(1, 1)).toEqual([1, 1]);
  expect(flipped(1, 0)).toEqual([1, 0]);
  const [negatives, positives] = flipped(0.3, 0.1);
  expect(negatives).toBeCloseTo(0.3, 1);
  expect(positives).toBeCloseTo(0.1, 1);
});

it("leaves the draws of right answers alone when the rate for wrong ones turns", () => {
  const a = flippedVerdicts.transmit(scores, { falseNegatives: 0.3, falsePositives: 0 }, random());
  const b = flippedVerdicts.transmit(scores, { falseNegatives: 0.3, falsePositives: 0.5 }, random());
  expect(scores.filter((s, i) => s === 1 && a[i] !== b[i])).toEqual([]);
});
