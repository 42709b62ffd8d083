import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RolloutBatch } from "../batch.ts";
import type { Parameters } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { bestMinusSecond } from "./bestMinusSecond.ts";
import { gdpo } from "./gdpo.ts";
import { gpg } from "./gpg.ts";
import { groupRelative } from "./group.ts";
import { ADVANTAGES } from "./index.ts";
import { maxRl } from "./maxrl.ts";
import { opo } from "./opo.ts";
import { optimalTokenBaseline } from "./optimalTokenBaseline.ts";
import { passAtK } from "./passAtK.ts";
import { reinforcePlusPlus } from "./reinforcePlusPlus.ts";
import { reMax } from "./remax.ts";
import { selectedOnly } from "./selected.ts";
import { batchOf, near, ofGroup, perToken, run } from "./testing.ts";

/** An estimator with each value of each of its choices and switches, one at a time. */
const forms = (plugin: AdvantagePlugin): Parameters[] => [
  {},
  ...Object.entries(plugin.parameters).flatMap(([name, parameter]) => {
    const values =
      parameter.kind === "choice" ? parameter.options.map((option) => option.value) : parameter.kind === "boolean" ? [true, false] : [];
    return values.map((value): Parameters => ({ [name]: value }));
  }),
];
/** Estimators that pair rollouts by their place in the group. */
const PAIRED = ["risk", "conditional"];
// A person's own formula has terms and errors of its own.
const ALL = ADVANTAGES.filter((plugin) => plugin.id !== "expression").flatMap((plugin) =>
  forms(plugin).map((params) => [`${plugin.id} ${JSON.stringify(params)}`, plugin, params] as const),
);

describe("every estimator", () => {
  it("has terms for what it declares, of one length or the other", () => {
    for (const [, plugin, params] of ALL) {
      const batch = batchOf([[1, 0, 0.5], [0, 0]]); // biome-ignore format: a table
      const { level, advantage, terms } = run(plugin, batch, params);
      expect(advantage.length).toBe(level === "token" ? batch.offsets[batch.rows] : batch.rows);
      expect(Object.keys(terms).sort()).toEqual(Object.keys(plugin.terms).sort());
      for (const term of Object.values(terms)) expect([batch.rows, batch.offsets[batch.rows]]).toContain(term.length);
    }
  });

  it("declares distinct ids, and defaults that lie in range", () => {
    expect(new Set(ADVANTAGES.map((p) => p.id)).size).toBe(ADVANTAGES.length);
    for (const plugin of ADVANTAGES)
      for (const p of Object.values(plugin.parameters)) {
        if (p.kind === "number" || p.kind === "integer") {
          expect(p.default).toBeGreaterThanOrEqual(p.min);
          expect(p.default).toBeLessThanOrEqual(p.max);
        }
        if (p.kind === "choice") expect(p.options.map((o) => o.value)).toContain(p.default);
      }
  });

  const odd: [string, RolloutBatch][] = [
    ["no rollouts", batchOf([])],
    ["no groups with members", batchOf([[], []])], // biome-ignore format: a table
    ["single-rollout groups", batchOf([[1], [0], [0.3]])], // biome-ignore format: a table
    ["equal rewards", batchOf([[0.1, 0.1, 0.1], [1, 1, 1, 1], [0, 0]])], // biome-ignore format: a table
    ["NaN rewards", batchOf([[Number.NaN, 1, 0], [Number.NaN, Number.NaN], [Number.NaN]])], // biome-ignore format: a table
    ["infinite rewards", batchOf([[Number.POSITIVE_INFINITY, 1, 0], [Number.NEGATIVE_INFINITY, 0]])], // biome-ignore format: a table
    ["huge rewards", batchOf([[1e6, -1e6, 0], [1e6, 1e6 - 1e-9]])], // biome-ignore format: a table
    ["empty completions", batchOf([[1, 0, 0], [1, 0]], { lengths: [0, 3, 0, 0, 0] })], // biome-ignore format: a table
    [
      "impossible and certain tokens",
      batchOf([[1, 0]], {
        scores: {
          oldLogProb: [Number.NEGATIVE_INFINITY, 0, 0, 0],
          sumSquares: [0, 1, 1, 1],
          entropy: [0, 0, 0, 0],
          hidden: new Float64Array(12),
        },
      }),
    ],
    ["token rewards that are no numbers", batchOf([[1, 0]], { tokenReward: [0, Number.NaN, 0, 1] })],
    ["parts that are no numbers", batchOf([[1, 0, 1]], { parts: { a: [Number.NaN, 0, 1], b: [Number.NaN, Number.NaN, Number.NaN] } })],
    ["greedy answers that cannot be scored", batchOf([[1, 0]], { greedyReward: [Number.NaN] })],
  ];
  it.each(ALL)("%s: no NaN from odd input, and 0 for what cannot be scored", (_, plugin, params) => {
    for (const eps of ("eps" in plugin.parameters ? [{}, { eps: 0 }] : [{}]) as Parameters[])
      for (const [what, batch] of odd) {
        const { advantage, terms, level } = run(plugin, batch, { ...params, ...eps });
        expect(advantage.every(Number.isFinite), what).toBe(true);
        for (const term of Object.values(terms)) expect(Array.from(term).every(Number.isFinite), what).toBe(true);
        const tokens = level === "token" ? advantage : null;
        for (let r = 0; r < batch.rows; r++) {
          if (Number.isFinite(batch.reward[r])) continue;
          const mine = tokens ? [...tokens.subarray(batch.offsets[r], batch.offsets[r + 1])] : [advantage[r]];
          expect(
            mine.every((a) => a === 0),
            what,
          ).toBe(true);
        }
      }
  });

  const rewardLists = fc.array(fc.array(fc.constantFrom(0, 1, 0.25, -0.5, 2), { minLength: 2, maxLength: 5 }), {
    minLength: 1,
    maxLength: 3,
  });

  it.each(ALL.filter(([, plugin]) => !PAIRED.includes(plugin.id)))(
    "%s: rollouts that cannot be scored change nothing for the others",
    (_, plugin, params) => {
      fc.assert(
        fc.property(rewardLists, (lists) => {
          const more = batchOf([...lists.map((list) => [...list, Number.NaN])]);
          const offsets = more.offsets;
          const kept = lists.flatMap((list, g) => list.map((_, i) => lists.slice(0, g).reduce((n, l) => n + l.length + 1, 0) + i));
          const take = (values: ArrayLike<number>, width: number) =>
            kept.flatMap((r) => Array.from({ length: (offsets[r + 1] - offsets[r]) * width }, (_, i) => values[offsets[r] * width + i]));
          const { oldLogProb, sumSquares, entropy, hidden } = more.scores;
          const less = batchOf(lists, {
            scores: {
              oldLogProb: take(oldLogProb!, 1),
              sumSquares: take(sumSquares!, 1),
              entropy: take(entropy!, 1),
              hidden: take(hidden!, 3),
            },
          });
          near(take(perToken(plugin, more, params), 1), [...perToken(plugin, less, params)], 9);
        }),
        { numRuns: 8 },
      );
    },
  );

  it.each(ALL.filter(([, plugin]) => !PAIRED.includes(plugin.id)))(
    "%s: the order of rollouts in a group does not matter",
    (_, plugin, params) => {
      fc.assert(
        fc.property(rewardLists, fc.infiniteStream(fc.nat()), (lists, shuffle) => {
          const batch = batchOf(lists);
          const order = batch.groups.flatMap((members) => members.map((r) => [shuffle.next().value as number, r]).sort((a, b) => a[0] - b[0]).map(([, r]) => r)); // biome-ignore format: one thing
          const { offsets } = batch;
          const permuted = (values: ArrayLike<number>, width = 1) =>
            Float64Array.from(
              order.flatMap((r) => Array.from({ length: (offsets[r + 1] - offsets[r]) * width }, (_, i) => values[offsets[r] * width + i])),
            );
          const { oldLogProb, sumSquares, entropy, hidden } = batch.scores;
          const other: RolloutBatch = {
            ...batch,
            reward: order.map((r) => batch.reward[r]),
            scores: {
              oldLogProb: permuted(oldLogProb!),
              sumSquares: permuted(sumSquares!),
              entropy: permuted(entropy!),
              hidden: permuted(hidden!, 3),
            },
          };
          near(perToken(plugin, other, params), [...permuted(perToken(plugin, batch, params))], 9);
        }),
        { numRuns: 8 },
      );
    },
  );

  const named = (wanted: readonly [AdvantagePlugin, Parameters][]) => wanted.map(([plugin, params]) => [`${plugin.id} ${JSON.stringify(params)}`, plugin, params] as const); // biome-ignore format: one thing
  const centred = named([
    [groupRelative, {}],
    [groupRelative, { scale: "none" }],
    [groupRelative, { scale: "meanAbsoluteDeviation" }],
    [groupRelative, { scope: "batch" }],
    [groupRelative, { baseline: "leaveOneOut", scale: "none" }],
    [maxRl, {}],
    [gpg, {}],
    [passAtK, { k: 2 }],
    [passAtK, { k: 3, scale: "none" }],
  ]);
  it.each(centred)("%s: advantages of a group add up to 0", (_, plugin, params) => {
    fc.assert(
      fc.property(rewardLists, (lists) => {
        const batch = batchOf(lists);
        const { advantage } = run(plugin, batch, params);
        for (const members of batch.groups) expect(members.reduce((sum, r) => sum + advantage[r], 0)).toBeCloseTo(0, 8);
      }),
      { numRuns: 20 },
    );
  });

  const shiftFree = named([
    ...forms(groupRelative).map((params): [AdvantagePlugin, Parameters] => [groupRelative, params]),
    [opo, {}],
    [reinforcePlusPlus, { baseline: "groupMean" }],
    [reinforcePlusPlus, { gamma: 1 }],
    [bestMinusSecond, {}],
    [passAtK, { k: 2 }],
    [passAtK, { k: 2, baseline: "leaveOneOut" }],
    [selectedOnly, { keep: "best" }],
    [gdpo, {}],
  ]);
  it.each(shiftFree)("%s: the same for all rewards plus a constant", (_, plugin, params) => {
    fc.assert(
      fc.property(rewardLists, fc.constantFrom(1, -3, 0.5), (lists, shift) => {
        const moved = lists.map((list) => list.map((x) => x + shift));
        // verl's whitening adds 1e-8 to the count of tokens, which a batch of equal values shows.
        const digits = plugin === reinforcePlusPlus ? 3 : 6;
        near(perToken(plugin, batchOf(moved), params), [...perToken(plugin, batchOf(lists), params)], digits);
      }),
      { numRuns: 20 },
    );
  });

  const scaleFree = named([
    [groupRelative, { eps: 0 }],
    [groupRelative, { eps: 0, ddof: 0 }],
    [groupRelative, { eps: 0, scope: "batch" }],
    [groupRelative, { eps: 0, scale: "leaveOneOutStd", baseline: "leaveOneOut" }],
    [groupRelative, { eps: 0, scale: "meanAbsoluteDeviation", baseline: "median" }],
    [reinforcePlusPlus, { eps: 0 }],
    [bestMinusSecond, { eps: 0 }],
    [passAtK, { eps: 0, k: 2 }],
    [maxRl, {}],
    [gdpo, { eps: 0, epsBatch: 0 }],
    [selectedOnly, { keep: "best" }],
  ]);
  it.each(scaleFree)("%s: the same for all rewards times a positive factor", (_, plugin, params) => {
    fc.assert(
      fc.property(rewardLists, fc.constantFrom(2, 0.25, 8), (lists, factor) => {
        // Two members and leave-one-out leave one other, whose spread is taken as 1.
        const wide = lists.map((list) => (list.length > 2 ? list : [...list, 0]));
        const scaled = wide.map((list) => list.map((x) => x * factor));
        near(perToken(plugin, batchOf(scaled), params), [...perToken(plugin, batchOf(wide), params)], 6);
      }),
      { numRuns: 20 },
    );
  });

  it("the averaged gradient over pairs of rollouts (P3O) is RLOO's", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 0.25, -0.5, 2), { minLength: 2, maxLength: 7 }), (rewards) => {
        const n = rewards.length;
        // Of each pair the loss is −(r_i − r_j)(log π_i − log π_j)/2, averaged over ordered pairs; here differentiated at log π_i.
        const pairLoss = (logProbs: readonly number[]) => {
          let sum = 0;
          for (let i = 0; i < n; i++)
            for (let j = 0; j < n; j++) if (i !== j) sum -= ((rewards[i] - rewards[j]) * (logProbs[i] - logProbs[j])) / 2;
          return sum / (n * (n - 1));
        };
        const rloo = ofGroup(groupRelative, rewards, { baseline: "leaveOneOut", scale: "none" });
        const at = rewards.map((_, i) => -1 - i / 3);
        const moved = (i: number, by: number) => at.map((x, j) => (i === j ? x + by : x));
        const gradient = at.map((_, i) => (pairLoss(moved(i, 1e-3)) - pairLoss(moved(i, -1e-3))) / 2e-3);
        near(
          gradient,
          rloo.map((a) => -a / n),
          9,
        );
      }),
      { numRuns: 30 },
    );
  });

  it("without a division advantages grow with the rewards", () => {
    for (const [plugin, params] of [
      [groupRelative, { scale: "none" }],
      [opo, {}],
      [gpg, {}],
      [optimalTokenBaseline, {}],
      [reMax, {}],
      [passAtK, { k: 2, scale: "none" }],
    ] as [AdvantagePlugin, Parameters][]) {
      // biome-ignore format: a table
      const rewards = [1, 0, 0.25, -0.5];
      const batch = (factor: number) => batchOf([rewards.map((x) => x * factor)], { greedyReward: [0.25 * factor] });
      near(
        perToken(plugin, batch(4), params),
        [...perToken(plugin, batch(1), params)].map((a) => 4 * a),
        6,
      );
    }
  });
});
