import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Parameters } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { bestMinusSecond } from "./bestMinusSecond.ts";
import { gdpo } from "./gdpo.ts";
import { gpg } from "./gpg.ts";
import { groupRelative } from "./group.ts";
import { maxRl } from "./maxrl.ts";
import { opo } from "./opo.ts";
import { optimalTokenBaseline } from "./optimalTokenBaseline.ts";
import { passAtK } from "./passAtK.ts";
import { reinforce } from "./reinforce.ts";
import { reinforcePlusPlus } from "./reinforcePlusPlus.ts";
import { reMax } from "./remax.ts";
import { selectedOnly } from "./selected.ts";
import { batchOf, near, ofGroup, run } from "./testing.ts";

/** Estimators by their names: what frameworks and papers give for the same rewards. */

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

  it("group-relative: the device is asked only for what its kernel knows", () => {
    const known = {
      baseline: "mean",
      scale: "std",
      scope: "group",
      ddof: 1,
      eps: 0,
      zeroSpread: "divide",
      factor: "one",
      singleton: "zero",
    };
    const uniforms = (params: Parameters) => groupRelative.device!.uniforms({ ...known, ...params }, 4);
    expect(uniforms({})).toMatchObject({ rows: 4, ddof: 1 });
    const foreign: Parameters[] = [
      { baseline: "batchMean" },
      { scale: "leaveOneOutStd" },
      { zeroSpread: "zero" },
      { factor: "leaveOneOut" },
      { singleton: "raw" },
    ];
    for (const params of foreign) expect(uniforms(params)).toBeNull();
  });
});
