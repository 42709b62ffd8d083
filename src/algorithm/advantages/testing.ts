import { expect } from "vitest";
import { randomSequence, STREAM } from "../../policy/random.ts";
import { type RolloutBatch, spreadRows } from "../batch.ts";
import { type Parameters, withDefaults } from "../plugin.ts";
import type { AdvantagePlugin, AdvantageResult } from "../slots.ts";

export const HIDDEN = 3;

/** A batch with everything that an estimator may need. `groups` holds each group's rewards; lengths default to 2 tokens a rollout. */
export function batchOf(
  groups: readonly (readonly number[])[],
  more: Partial<RolloutBatch> & { lengths?: readonly number[] } = {},
): RolloutBatch {
  const reward = groups.flat();
  const rows = reward.length;
  const offsets = [0];
  for (let r = 0; r < rows; r++) offsets.push(offsets[r] + (more.lengths?.[r] ?? 2));
  const tokens = offsets[rows];
  // Spread evenly over (0, 1), the same at every call.
  const fraction = (i: number) => (i * 0.6180339887498949 + 0.1) % 1;
  const numbers = (count: number, f: (x: number) => number) => Float64Array.from({ length: count }, (_, i) => f(fraction(i)));
  let next = 0;
  return {
    rows,
    offsets,
    reward,
    group: groups.flatMap((members, g) => members.map(() => g)),
    groups: groups.map((members) => members.map(() => next++)),
    parts: {},
    maxLength: 8,
    scores: {
      oldLogProb: numbers(tokens, (x) => Math.log(x)),
      entropy: numbers(tokens, (x) => 2 * x),
      sumSquares: numbers(tokens, (x) => 0.1 + 0.8 * x),
      hidden: numbers(tokens * HIDDEN, (x) => 2 * x - 1),
    },
    hiddenSize: HIDDEN,
    greedyReward: groups.map((_, g) => g % 2),
    step: 1,
    ...more,
  };
}

export const run = (
  plugin: AdvantagePlugin,
  batch: RolloutBatch,
  params: Parameters = {},
  state?: AdvantageResult["state"],
): AdvantageResult =>
  plugin.estimate(batch, withDefaults(plugin, params), state, randomSequence({ seed: 3, stream: STREAM.reward, step: 1 }));

/** `[N]`: what an estimator gives each token. */
export function perToken(plugin: AdvantagePlugin, batch: RolloutBatch, params: Parameters = {}): Float64Array {
  const { level, advantage } = run(plugin, batch, params);
  return level === "token" ? advantage : spreadRows(advantage, batch);
}

/** Advantages of the rollouts of one group, from their first tokens. */
export function ofGroup(
  plugin: AdvantagePlugin,
  rewards: readonly number[],
  params: Parameters = {},
  lengths?: readonly number[],
): number[] {
  const batch = batchOf([rewards], { lengths });
  const tokens = perToken(plugin, batch, params);
  return rewards.map((_, r) => tokens[batch.offsets[r]]);
}

/** Expects the same numbers, to so many digits. */
export const near = (actual: ArrayLike<number>, expected: readonly number[], digits = 6) => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((x, i) => {
    expect(actual[i]).toBeCloseTo(x, digits);
  });
};
