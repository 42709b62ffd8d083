import { expect, it } from "vitest";
import { randomSequence, STREAM } from "../../policy/random.ts";
import { batchOf } from "../advantages/testing.ts";
import type { UpdateBatch } from "../batch.ts";
import { withDefaults } from "../plugin.ts";
import { taughtOnly } from "./taught-only.ts";
import { keptCount, topEntropy } from "./top-entropy.ts";

const random = randomSequence({ seed: 1, stream: STREAM.plugin, step: 1 });
const batch: UpdateBatch = {
  ...batchOf([[1, 0, 1, 0, 0]]),
  logProb: new Float64Array(10),
  oldLogProb: new Float64Array(10),
  advantage: [1, 1, 0, 0, -1, -1, 2, 2, 0, 3],
  weight: [1, 1, 1, 1, 1, 1, 0, 0, 1, 1],
  entropy: [0.1, 2, 0.05, 1.5, 0.3, 0.02, 9, 9, 0.4, 0.6],
  temperature: 1,
};

it("drops tokens without an advantage from the mean, and leaves masked ones masked", () => {
  const { weight, keepDenominator } = taughtOnly.weigh(batch, {}, undefined, random);
  expect([...weight]).toEqual([1, 1, 0, 0, 1, 1, 0, 0, 0, 1]);
  expect(keepDenominator).toBe(false);
});

it("keeps a number of tokens, rounded up, at least one, whatever their ties", () => {
  expect([10, 11, 7, 1, 0].map((n) => keptCount(n, 0.2))).toEqual([2, 3, 2, 1, 0]);
  expect(keptCount(10, 0)).toBe(1);
  const kept = (entropy: number[], share: number) => [
    ...topEntropy.weigh({ ...batch, entropy }, withDefaults(topEntropy, { rule: "count", share }), undefined, random).weight,
  ];
  expect(kept(batch.entropy as number[], 0.2)).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
  expect(kept(new Array(10).fill(1), 0.5).reduce((a, b) => a + b, 0)).toBe(4);
});
