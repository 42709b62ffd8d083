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
import { reinforce } from "./reinforce.ts";
import { reinforcePlusPlus } from "./reinforcePlusPlus.ts";
import { reMax } from "./remax.ts";
import { selectedOnly } from "./selected.ts";
import { batchOf, ofGroup, perToken, run } from "./testing.ts";

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

const near = (actual: ArrayLike<number>, expected: readonly number[], digits = 6) => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((x, i) => {
    expect(actual[i]).toBeCloseTo(x, digits);
  });
};

describe("numbers that the frameworks give", () => {
  const oneOfFour = [1, 0, 0, 0];
  const twoOfFour = [1, 0, 0, 1];
  const rest = (best: number, other: number) => [best, other, other, other];
  const ends = (outer: number, inner: number) => [outer, inner, inner, outer];

  it.each<[string, AdvantagePlugin, Parameters, number[], number[]]>([
    ["TRL", groupRelative, { eps: 1e-4 }, rest(1.4997, -0.4999), ends(0.865875, -0.865875)],
    ["verl", groupRelative, {}, rest(1.499997, -0.499999), ends(0.866024, -0.866024)],
    ["GRPO-Zero", groupRelative, { ddof: 0, eps: 1e-4 }, rest(1.731651, -0.577217), ends(0.9998, -0.9998)],
    ["open-instruct standard", groupRelative, { ddof: 0, eps: 1e-8 }, rest(1.732051, -0.57735), ends(1, -1)],
    ["RLOO, others' mean", groupRelative, { baseline: "leaveOneOut", scale: "none" }, rest(1, -1 / 3), ends(2 / 3, -2 / 3)],
    ["RLOO, n/(n − 1)", groupRelative, { factor: "leaveOneOut", scale: "none" }, rest(1, -1 / 3), ends(2 / 3, -2 / 3)],
    ["Dr. GRPO", groupRelative, { scale: "none" }, rest(0.75, -0.25), ends(0.5, -0.5)],
    ["pass@k best minus second", bestMinusSecond, {}, rest(1.999996, 0), [0, 0, 0, 0]],
    ["GPG", gpg, {}, rest(3, -1), ends(1, -1)],
    ["MaxRL", maxRl, {}, rest(3, -1), ends(1, -1)],
  ])("%s", (_, plugin, params, first, second) => {
    near(ofGroup(plugin, oneOfFour, params), first);
    near(ofGroup(plugin, twoOfFour, params), second);
  });

  it("NeMo-RL: mean and spread of the others", () => {
    const params = { baseline: "leaveOneOut", scale: "leaveOneOutStd", zeroSpread: "unscaled" };
    near(ofGroup(groupRelative, twoOfFour, params), ends(1.154699, -1.154699));
    // The others of the one right answer do not spread, so it is not divided.
    near(ofGroup(groupRelative, oneOfFour, params).slice(0, 1), [1]);
  });

  it("with lengths 3, 6, 4, 2: OPO and REINFORCE++ with a baseline", () => {
    const lengths = [3, 6, 4, 2];
    near(ofGroup(opo, twoOfFour, {}, lengths), ends(2 / 3, -1 / 3));
    near(ofGroup(reinforcePlusPlus, twoOfFour, { baseline: "groupMean" }, lengths), ends(1.36626, -0.68313));
    near(ofGroup(reinforcePlusPlus, twoOfFour, { baseline: "groupMean", ddof: 0 }, lengths), ends(Math.SQRT2, -Math.SQRT1_2));
  });

  it("GDPO over rollouts and over tokens", () => {
    const columns = (rows: number[][], names: string[]) => Object.fromEntries(names.map((name, k) => [name, rows.map((row) => row[k])]));
    const two = columns([[1, 1], [1, 0], [0, 1], [0, 0], [1, 1], [0, 1], [0, 1], [0, 1]], ["a", "b"]); // biome-ignore format: a table
    const byRollout = run(gdpo, batchOf([[2, 1, 1, 0], [2, 1, 1, 1]], { parts: two })); // biome-ignore format: a table
    near(byRollout.terms.sums, [1.73175086, 0, 0, -1.73175086, 1.49970006, -0.49990002, -0.49990002, -0.49990002], 8);
    near(byRollout.advantage, [1.527404143, 0, 0, -1.527404143, 1.322735354, -0.4409117845, -0.4409117845, -0.4409117845], 8);

    const three = columns([[1, 0.2, 0], [0, 0.2, 1], [1, 0.8, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]], ["a", "b", "c"]); // biome-ignore format: a table
    const weighted = run(gdpo, batchOf([[1, 1, 1], [1, 1, 1]], { parts: three }), { weights: "b=0.5, c=2" }); // biome-ignore format: a table
    near(weighted.advantage, [-1.465893763, -0.2093926738, 1.675286436, 0, 0, 0], 8);

    const table = [[1, 0], [1, 0], [0, 1], [0, 1], [0, 1], [0, 1], [0, 1], [0, 0], [1, 1], [0, 1], [1, 1], [1, 1]]; // biome-ignore format: a table
    const rewards = table.map(([a, b]) => a + b);
    const lengths = [5, 3, 4, 5, 5, 5, 3, 5, 5, 2, 4, 1];
    const batch = batchOf([rewards.slice(0, 4), rewards.slice(4, 8), rewards.slice(8)], { parts: columns(table, ["a", "b"]), lengths });
    const byToken = run(gdpo, batch, { statistics: "tokens", eps: 1e-6, epsBatch: 1e-8 });
    near(byToken.advantage.slice(0, 5), new Array(5).fill(-0.03113700387), 8);
  });

  it("GDPO names a part that is not there", () => {
    const batch = batchOf([[0, 1]], { parts: { correct: [0, 1] } });
    expect(() => run(gdpo, batch, { weights: "corect=2" })).toThrow(/corect.*correct/);
    const { weights } = gdpo.parameters;
    expect(() => weights.kind === "text" && weights.check("correct 2")).toThrow("correct 2");
  });
});

describe("the analytic pass@k advantage", () => {
  /** Every team of k, by brute force: the mean reward of those with row i, and of all; and their standard deviation. */
  function brute(rewards: readonly number[], k: number) {
    const teams: number[][] = [];
    for (let bits = 0; bits < 1 << rewards.length; bits++) {
      const team = rewards.flatMap((_, i) => ((bits >> i) & 1 ? [i] : []));
      if (team.length === k) teams.push(team);
    }
    const worth = (team: number[]) => Math.max(...team.map((i) => rewards[i]));
    const average = (of: number[][]) => of.reduce((sum, team) => sum + worth(team), 0) / of.length;
    const all = average(teams);
    const std = Math.sqrt(teams.reduce((sum, team) => sum + (worth(team) - all) ** 2, 0) / teams.length);
    return {
      all,
      std,
      withRow: (i: number) => average(teams.filter((t) => t.includes(i))),
      without: (i: number) => average(teams.filter((t) => !t.includes(i))),
    };
  }

  it("counts the teams that there are", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 0.25, 0.5, 1, -1), { minLength: 3, maxLength: 7 }),
        fc.integer({ min: 1, max: 6 }),
        (rewards, k) => {
          fc.pre(k < rewards.length && new Set(rewards).size > 1);
          const { all, std, withRow, without } = brute(rewards, k);
          near(
            ofGroup(passAtK, rewards, { k, scale: "none" }),
            rewards.map((_, i) => withRow(i) - all),
            9,
          );
          near(
            ofGroup(passAtK, rewards, { k, scale: "none", baseline: "leaveOneOut" }),
            rewards.map((_, i) => withRow(i) - without(i)),
            9,
          );
          if (std > 1e-9)
            near(
              ofGroup(passAtK, rewards, { k }),
              rewards.map((_, i) => (withRow(i) - all) / (std + 1e-6)),
              9,
            );
        },
      ),
      { numRuns: 60 },
    );
  });

  it("has the paper's closed form for right and wrong answers", () => {
    const choose = (n: number, k: number): number => (k < 0 || k > n ? 0 : k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
    for (const [n, c, k] of [
      [8, 1, 4],
      [8, 3, 4],
      [16, 2, 8],
      [6, 5, 2],
      [4, 2, 4],
    ]) {
      // biome-ignore format: a table
      const rewards = Array.from({ length: n }, (_, i) => (i < c ? 1 : 0));
      const rho = 1 - choose(n - c, k) / choose(n, k);
      const sigma = Math.sqrt(rho * (1 - rho)) + 1e-6;
      const advantages = ofGroup(passAtK, rewards, { k });
      expect(advantages[0]).toBeCloseTo((1 - rho) / sigma, 9);
      expect(advantages[n - 1]).toBeCloseTo((1 - rho - choose(n - c - 1, k - 1) / choose(n - 1, k - 1)) / sigma, 9);
    }
  });

  it("is the usual advantage at k = 1, RLOO without the answer's own teams", () => {
    const rewards = [1, 0, 0.5, 1, 0];
    near(ofGroup(passAtK, rewards, { k: 1 }), ofGroup(groupRelative, rewards, { ddof: 0 }), 9);
    const rloo = ofGroup(groupRelative, rewards, { baseline: "leaveOneOut", scale: "none" });
    near(ofGroup(passAtK, rewards, { k: 1, baseline: "leaveOneOut", scale: "none" }), rloo, 9);
  });
});

describe("single estimators", () => {
  it("ReMax takes the greedy answer's reward away", () => {
    const batch = batchOf([[1, 0], [1, 0.5]], { greedyReward: [1, 0.25], lengths: [2, 1, 1, 2] }); // biome-ignore format: a table
    expect([...run(reMax, batch).advantage]).toEqual([0, 0, -1, 0.75, 0.25, 0.25]);
    expect(() => run(reMax, { ...batch, greedyReward: undefined })).toThrow("greedy");
    // Token rewards come as return-to-go.
    const stepwise = { ...batch, tokenReward: [0.5, 0.5, 0, 1, 0.25, 0.25] };
    expect([...run(reMax, stepwise).advantage]).toEqual([0, -0.5, -1, 0.75, 0.25, 0]);
  });

  it("REINFORCE compares with a running mean that starts without a pull to 0", () => {
    const first = run(reinforce, batchOf([[1, 0], [1, 0]]), { decay: 0.5 }); // biome-ignore format: a table
    expect([...first.advantage]).toEqual([1, 0, 1, 0]);
    const second = run(reinforce, batchOf([[1, 1]]), { decay: 0.5 }, structuredClone(first.state));
    expect([...second.advantage]).toEqual([0.5, 0.5]);
    const third = run(reinforce, batchOf([[0]]), { decay: 0.5 }, second.state);
    expect(third.advantage[0]).toBeCloseTo(-(0.5 / 3 + 2 / 3), 12);
    expect([...run(reinforce, batchOf([[1, 0]]), { baseline: "none" }, second.state).advantage]).toEqual([1, 0]);
    // A step in which nothing could be scored leaves the mean alone.
    expect(run(reinforce, batchOf([[Number.NaN]]), {}, second.state).state).toEqual(second.state);
  });

  it("REINFORCE++ discounts the way to the reward", () => {
    const batch = batchOf([[1], [0]], { lengths: [3, 1] });
    const { terms } = run(reinforcePlusPlus, batch, { gamma: 0.5 });
    expect([...(terms.returns as Float64Array)]).toEqual([0.25, 0.5, 1, 0]);
  });

  it("best-of-n shares a tie, expert iteration takes every right answer", () => {
    expect(ofGroup(selectedOnly, [0.2, 0.9, 0.9, 0], { keep: "best" })).toEqual([0, 0.5, 0.5, 0]);
    expect(ofGroup(selectedOnly, [1, 0, 1, 0.9])).toEqual([1, 0, 1, 0]);
    expect(ofGroup(selectedOnly, [1, 0, 1, 0.9], { threshold: 0.5 })).toEqual([1, 0, 1, 1]);
  });

  it("the token baseline weights returns with the energy of the way so far; the longest answer's tail has none", () => {
    const scores = { oldLogProb: [0.5, 0.5, 0.8].map(Math.log), sumSquares: [0.5, 0.5, 0.7] };
    const batch = batchOf([[1, 0]], { lengths: [2, 1], scores });
    // W: 0.5 and 1 for row 0, 0.1 for row 1.
    const { advantage, terms } = run(optimalTokenBaseline, batch, { eps: 0 });
    near(terms.energies, [0.5, 1, 0.1], 12);
    near(advantage, [1 - 5 / 6, 1, -5 / 6], 12);
    near(run(optimalTokenBaseline, batch, { eps: 0, zeroTail: false }).advantage, [1 - 5 / 6, 0, -5 / 6], 12);
  });

  it("group-relative: each rule for a spread of 0", () => {
    const params = { baseline: "leaveOneOut", scale: "leaveOneOutStd", eps: 0.5 };
    const first = (zeroSpread: string) => ofGroup(groupRelative, [1, 0, 0], { ...params, zeroSpread })[0];
    expect([first("divide"), first("zero"), first("unscaled")]).toEqual([2, 0, 1]);
    expect(ofGroup(groupRelative, [1, 0, 0], { ...params, eps: 0 })[0]).toBe(0);
  });

  it("group-relative: a lone rollout, and the batch as the yardstick", () => {
    const batch = batchOf([[1], [1, 0]]); // biome-ignore format: a table
    expect([...run(groupRelative, batch, { scale: "none" }).advantage]).toEqual([0, 0.5, -0.5]);
    expect([...run(groupRelative, batch, { scale: "none", singleton: "raw" }).advantage]).toEqual([1, 0.5, -0.5]);
    near(run(groupRelative, batch, { scale: "none", baseline: "batchMean" }).advantage, [1 / 3, 1 / 3, -2 / 3], 12);
    near(run(groupRelative, batch, { scope: "batch", eps: 0 }).advantage, [0, 0.5 * Math.sqrt(3), -0.5 * Math.sqrt(3)], 9);
  });
});

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
