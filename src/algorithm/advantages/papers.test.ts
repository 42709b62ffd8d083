import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { notAllRight } from "../filters/not-all-right.ts";
import { conditional, restartedCosine } from "./canon.ts";
import { groupRelative } from "./group.ts";
import { virtualBest } from "./ngrpo.ts";
import { signedOutcome } from "./signed.ts";
import { batchOf, ofGroup, run } from "./testing.ts";

const near = (actual: ArrayLike<number>, expected: readonly number[], digits = 4) =>
  expect(Array.from(actual)).toEqual(expected.map((x) => expect.closeTo(x, digits)));
const reward = fc.double({ min: -1, max: 1, noNaN: true });

describe("an imaginary best answer", () => {
  it("pushes a group of wrong answers away", () => {
    near(ofGroup(virtualBest, [0, 0, 0, 0]), [-0.4472, -0.4472, -0.4472, -0.4472]);
    near(ofGroup(virtualBest, [1, 0, 0, 1]), [0.7303, -1.0954, -1.0954, 0.7303]);
    expect(ofGroup(virtualBest, [1, 1, 1])).toEqual([0, 0, 0]);
  });

  it("pushes any flat group below the best with a force that does not depend on how far below", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -5, max: 0.5, noNaN: true }),
        fc.integer({ min: 2, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        (r, n, count) => {
          const expected = -Math.sqrt(count / n) * Math.sqrt((n + count - 1) / (n + count));
          near(ofGroup(virtualBest, new Array(n).fill(r), { count, eps: 0 }), new Array(n).fill(expected), 6);
        },
      ),
    );
  });

  it("with none of them is GRPO", () => {
    fc.assert(
      fc.property(fc.array(reward, { minLength: 2, maxLength: 6 }), (rewards) => {
        near(ofGroup(virtualBest, rewards, { count: 0 }), ofGroup(groupRelative, rewards), 8);
      }),
    );
  });

  it("goes with a filter that replaces solved prompts alone", () => {
    expect(
      [
        [1, 1],
        [1, 0],
        [0, 0],
        [0.5, 0.5],
      ].map((scores) => notAllRight.reject(scores, {})),
    ).toEqual(["all right", null, null, null]);
  });
});

describe("half against half", () => {
  const entropies = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];
  const rewards = [1, 0, 1, 1, 0, 0, 0, 1];
  const split = (params = {}) =>
    run(conditional, batchOf([rewards], { lengths: new Array(8).fill(1), scores: { entropy: entropies } }), params).advantage;

  it("compares with the other half, the own, or both", () => {
    near(split(), [0.75, -0.25, 0.75, 0.75, -0.75, -0.75, -0.75, 0.25]);
    near(split({ mu: 0 }), [0.25, -0.75, 0.25, 0.25, -0.25, -0.25, -0.25, 0.75]);
    near(split({ alpha: 0.5 }), [0.875, -0.125, 0.875, 0.875, -0.75, -0.75, -0.75, -0.25]);
  });

  it("is Dr. GRPO at equal weights and even halves, whatever the metric", () => {
    fc.assert(
      fc.property(fc.array(reward, { minLength: 1, maxLength: 4 }), (half) => {
        const group = [...half, ...half.map((x) => 1 - 2 * x)];
        near(ofGroup(conditional, group, { mu: 0.5 }), ofGroup(groupRelative, group, { scale: "none" }), 8);
      }),
    );
  });

  it("with an asymmetry favours short answers when split by length", () => {
    const of = (alpha: number) => ofGroup(conditional, [1, 1], { metric: "length", alpha }, [5, 2]);
    near(of(1), [0, 0]);
    near(of(0.8), [-0.2, 0.2]);
  });

  it("changes its share with the step, or with what is right", () => {
    const at = (schedule: string, step: number) =>
      run(conditional, batchOf([[0, 0, 1, 1]], { step, lengths: [1, 2, 3, 4] }), { schedule, metric: "length" }).advantage;
    // Halves differ by their reward alone: the advantage is ±1 against the other half, 0 within the own.
    near(at("cosine", 30), [-0.4, -0.4, 0.4, 0.4]);
    near(at("cosine-reversed", 1), [-1 / 30, -1 / 30, 1 / 30, 1 / 30]);
    near(at("accuracy", 1), [-0.5, -0.5, 0.5, 0.5]);
    expect(restartedCosine(30 + 40 * 7 + 20, 30, 40, false)).toBeCloseTo(0.3, 12);
  });

  it("has nothing to compare a lone answer with", () => {
    expect(ofGroup(conditional, [1])).toEqual([0]);
    expect(ofGroup(conditional, [Number.NaN, 1])).toEqual([0, 0]);
  });
});

describe("reward and punish", () => {
  it("knows right and wrong, and nothing between", () => {
    expect(ofGroup(signedOutcome, [1, 0, 0.5, Number.NaN, -1])).toEqual([0.1, -1, 0, 0, 0]);
    expect(ofGroup(signedOutcome, [1, 0], { positive: 0, negative: 1 })).toEqual([0, -1]);
    expect(Object.is(ofGroup(signedOutcome, [0], { negative: 0 })[0], 0)).toBe(true);
  });
});
