import { describe, expect, it } from "vitest";
import { GoldenError } from "../policy/golden.ts";
import document from "./fixtures/verl.golden.json" with { type: "json" };
import { recomputeVerlAdvantages } from "./verl-advantages.ts";

type Case = { advantages: Record<string, number[][]>; rewards: number[]; lengths?: number[] } & Record<string, unknown>;
const given = document.advantages as unknown as Case[];
const copy = () => structuredClone(given);

/** Largest absolute difference between two outputs of the same shape. */
function worst(a: number[][], b: number[][]): number {
  expect(a.map((row) => row.length)).toEqual(b.map((row) => row.length));
  return Math.max(...a.flatMap((row, r) => row.map((x, t) => Math.abs(x - b[r][t]))));
}

describe("verl's advantages", () => {
  const { section, unknown } = recomputeVerlAdvantages(given);
  const recomputed = section as Case[];

  it("are all known", () => {
    expect(unknown).toEqual([]);
    expect(recomputed.length).toBe(given.length);
  });

  it.each(Object.keys(given[0].advantages))("%s equals the framework to the digits given", (name) => {
    for (const [i, entry] of recomputed.entries()) expect(worst(entry.advantages[name], given[i].advantages[name])).toBeLessThan(1e-9);
  });

  it("come from the inputs, not from the given outputs", () => {
    const blank = copy();
    for (const entry of blank) for (const name of Object.keys(entry.advantages)) entry.advantages[name] = [];
    expect((recomputeVerlAdvantages(blank).section as Case[])[3].advantages).toEqual(recomputed[3].advantages);
  });

  it("leave the document that came in as it was", () => {
    const mine = copy();
    recomputeVerlAdvantages(mine);
    expect(mine).toEqual(given);
  });

  it("follow parameters in a name, and lengths from the mask", () => {
    const mine = copy().slice(3, 4);
    mine[0].advantages = {
      "gae (gamma=0.9, lam=0.5)": [],
      gae: [],
      "gae (gamma=1, lam=1)": [],
      "grpo (norm_adv_by_std_in_grpo=False)": [],
    };
    delete mine[0].lengths;
    const { advantages } = (recomputeVerlAdvantages(mine).section as Case[])[0];
    expect(advantages.gae).toEqual(advantages["gae (gamma=1, lam=1)"]);
    expect(advantages["gae (gamma=0.9, lam=0.5)"]).not.toEqual(advantages.gae);
    expect(
      worst(advantages["grpo (norm_adv_by_std_in_grpo=False)"], recomputed[3].advantages["dr_grpo (grpo, norm_adv_by_std=False)"]),
    ).toBe(0);
  });

  it("take groups of one, empty rollouts and equal rewards", () => {
    const mine = copy().slice(3, 4);
    Object.assign(mine[0], {
      groupSize: 1,
      groups: 12,
      rewards: mine[0].rewards.map(() => 1),
      lengths: mine[0].lengths!.map((n, i) => (i ? n : 0)),
    });
    mine[0].advantages = Object.fromEntries(
      [...Object.keys(mine[0].advantages), "rloo_vectorized", "grpo_vectorized", "gdpo", "tir_optimal_token_baseline"].map((name) => [
        name,
        [],
      ]),
    );
    const { section: lone, unknown: none } = recomputeVerlAdvantages(mine);
    expect(none).toEqual([]);
    const { advantages } = (lone as Case[])[0];
    for (const rows of Object.values(advantages)) expect(rows.flat().every(Number.isFinite)).toBe(true);
    // verl gives a lone rollout no baseline, except in the vectorised form of RLOO.
    expect(advantages.rloo[1].slice(0, 2)).toEqual([1, 1]);
    expect(advantages.grpo[1][0]).toBeCloseTo(1 / (1 + 1e-6), 12);
    expect(advantages.rloo_vectorized.flat().every((a) => a === 0)).toBe(true);
  });

  it("keep what has no known name, or no known parameter", () => {
    const mine = copy().slice(0, 1);
    mine[0].advantages = { "grpo (temperature=2)": [[1]], mystery: [[2]], remax: [[3]] };
    const result = recomputeVerlAdvantages(mine);
    expect(result.unknown).toEqual(["grpo (temperature=2)", "mystery", "remax"]);
    expect((result.section as Case[])[0].advantages).toEqual(mine[0].advantages);
  });

  it.each([
    ["advantages[0]: rewards", (d: Case) => Object.assign(d, { rewards: [1, "x"] })],
    ["advantages[0]: values: row 2", (d: Case) => Object.assign(d, { values: (d.values as number[][]).map((v, r) => (r === 2 ? [] : v)) })],
    ["advantages[0]: groupSize", (d: Case) => Object.assign(d, { groupSize: 0 })],
    ["advantages[0]: lengths", (d: Case) => Object.assign(d, { lengths: [1] })],
    ["gamma must be a number", (d: Case) => Object.assign(d, { advantages: { "gae (gamma=high)": [] } })],
  ])("refuse a malformed document and name %s", (place, damage) => {
    const mine = copy().slice(0, 1);
    damage(mine[0]);
    expect(() => recomputeVerlAdvantages(mine)).toThrow(GoldenError);
    expect(() => recomputeVerlAdvantages(mine)).toThrow(place);
  });
});
