import { describe, expect, it } from "vitest";
import type { RolloutBatch } from "../batch.ts";
import { anyRandom, randomBatch } from "../objectives/testing.ts";
import { type Parameters, withDefaults } from "../plugin.ts";
import type { RewardPlugin } from "../slots.ts";
import { kimiLength } from "./kimi-length.ts";
import { overlongPenalty } from "./overlong.ts";
import { stopProperly } from "./stop-properly.ts";

/** One group of answers with these scores and lengths; the longest possible answer has 20 tokens. */
const batchOf = (reward: number[], lengths: number[], more: Partial<RolloutBatch> = {}): RolloutBatch => ({
  ...randomBatch(1, { lengths }),
  group: lengths.map(() => 0),
  groups: [lengths.map((_, r) => r)],
  reward,
  maxLength: 20,
  ...more,
});
const parts = (plugin: RewardPlugin, batch: RolloutBatch, params: Parameters = {}) =>
  Array.from(Object.values(plugin.parts(batch, withDefaults(plugin, params), undefined, anyRandom()).parts)[0]);

describe("the overlong penalty", () => {
  const batch = batchOf([1, 1, 1, 1, 1], [10, 16, 18, 20, 24]);
  it("soft grows within the buffer and is complete at the limit (DAPO)", () => {
    expect(parts(overlongPenalty, batch, { buffer: 4 })).toEqual([0, 0, -0.5, -1, -1]);
    expect(parts(overlongPenalty, batch, { buffer: 4, limit: 18, penalty: 2 })).toEqual([0, -1, -2, -2, -2]);
  });
  it("hard comes all at once", () => {
    expect(parts(overlongPenalty, batch, { kind: "hard", buffer: 4 })).toEqual([0, 0, -1, -1, -1]);
    expect(parts(overlongPenalty, batch, { buffer: 0 })).toEqual([0, 0, 0, 0, -1]);
  });
});

describe("Kimi's length reward", () => {
  it("gives short right answers more, and wrong answers nothing for being short", () => {
    expect(parts(kimiLength, batchOf([1, 0, 1, 0, 1], [2, 2, 4, 6, 6]), { weight: 2 })).toEqual([1, 0, 0, -1, -1]);
  });
  it("is nothing where all are equally long, during the warm-up, and for what cannot be scored", () => {
    expect(parts(kimiLength, batchOf([1, 0], [3, 3]))).toEqual([0, 0]);
    expect(parts(kimiLength, batchOf([1, 0], [2, 4], { step: 5 }), { warmup: 5 })).toEqual([0, 0]);
    expect(parts(kimiLength, batchOf([1, 1], [2, 4], { step: 6 }), { warmup: 5, weight: 1 })).toEqual([0.5, -0.5]);
    expect(parts(kimiLength, batchOf([1, Number.NaN, 1], [2, 100, 4]), { weight: 1 })).toEqual([0.5, 0, -0.5]);
    expect(parts(kimiLength, batchOf([Number.NaN], [2]))).toEqual([0]);
  });
});

describe("stopping properly", () => {
  const batch = batchOf([1, 1, 0.5, Number.NaN], [2, 2, 2, 2], { finished: [true, false, false, false] });
  it("leaves cut-off answers a share of their score, or replaces it", () => {
    expect(parts(stopProperly, batch, { coefficient: 0.25 })).toEqual([0, -0.75, -0.375, 0]);
    expect(parts(stopProperly, batch, { coefficient: -1 })).toEqual([0, -2, -1.5, 0]);
    expect(parts(stopProperly, { ...batch, finished: undefined })).toEqual([0, 0, 0, 0]);
  });
});
