import { expect, it } from "vitest";
import { randomSequence, STREAM } from "../../policy/random.ts";
import { batchOf } from "../advantages/testing.ts";
import { withDefaults } from "../plugin.ts";
import { likelihoodRanks, meanLogProbs, unlikelyReward } from "./unlikely.ts";

const random = randomSequence({ seed: 1, stream: STREAM.reward, step: 1 });
const batch = batchOf([[1, 1, 0, 1], [1, Number.NaN]], { lengths: [2, 1, 1, 3, 0, 1], scores: { oldLogProb: [-1, -3, -1, -9, -1, -1, -1, -5] } }); // biome-ignore format: a table

it("ranks answers by their mean log-prob within the group, ties by position", () => {
  expect([...meanLogProbs(batch)]).toEqual([-2, -1, -9, -1, 0, -5]);
  expect([...likelihoodRanks(meanLogProbs(batch), batch.groups)]).toEqual([1, 2, 0, 3, 1, 0]);
});

it("takes from right answers what they were likely, nothing from the least likely and from wrong ones", () => {
  const { parts } = unlikelyReward.parts(batch, withDefaults(unlikelyReward, { beta: 0.4 }), undefined, random);
  expect([...(parts.unlikely as Float64Array)].slice(0, 5)).toEqual([-0.1, -0.2, 0, expect.closeTo(-0.3, 12), -0.2]);
  expect(parts.unlikely[5]).toBeNaN();
});
