import { describe, expect, it } from "vitest";
import { compare, outputsOf, worstOf } from "./compare.ts";

const atlas = (output: unknown) => ({ id: "x", cases: [{ name: "one", output }] });
const only = (given: unknown, own: unknown, unknown: string[] = []) =>
  compare(atlas({ a: given }), atlas({ a: own }), unknown).differences[0];

describe("comparing numbers", () => {
  it("tells the largest absolute error, the error relative to the array, and the error in units of each number above 1", () => {
    expect(only([[100, 0.5]], [[100.5, 0.25]])).toEqual({
      name: "one",
      output: "a",
      count: 2,
      absolute: 0.5,
      relative: 0.005,
      scaled: 0.25,
    });
    expect(only([-0, 3], [0, 3])).toMatchObject({ count: 2, absolute: 0, relative: 0, scaled: 0 });
  });

  it.each<[string, unknown, unknown]>([
    ["an array that is longer", [1, 2, 3], [1, 2]],
    ["an array that is shorter", [1, 2], [1, 2, 3]],
    ["an output that is missing", [1], undefined],
    ["a number that is none", [1], [Number.NaN]],
    ["a number that should be none", [null], [1]],
    ["an infinity of the other sign", [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY]],
    ["a number in the place of an infinity", [Number.POSITIVE_INFINITY], [1e308]],
    ["a row in the place of a number", [1], [[1]]],
    ["an object without a key", { b: 1, c: 2 }, { b: 1 }],
    ["another truth", true, false],
    ["another word", "low", "high"],
  ])("%s is an error, never skipped", (_, given, own) => {
    const { absolute, scaled, problem } = only(given, own);
    expect([absolute, scaled]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(problem).toMatch(/^a/);
  });

  it.each<[string, unknown, unknown]>([
    ["NaN and NaN", [Number.NaN], [Number.NaN]],
    ["null, which stands for NaN in JSON, and NaN", [null], [Number.NaN]],
    ["infinities of one sign", [Number.NEGATIVE_INFINITY, 1], [Number.NEGATIVE_INFINITY, 1]],
    ["the same words", { kind: "low" }, { kind: "low" }],
  ])("%s agree", (_, given, own) => {
    const difference = only(given, own);
    expect(difference).toMatchObject({ absolute: 0, relative: 0, scaled: 0 });
    expect(difference.problem).toBeUndefined();
  });

  it("leaves out what is not known, wholes and parts, and does not count it", () => {
    const given = atlas({ a: [1, 2], b: { c: [5], d: [6] } });
    const own = atlas({ a: [1, 2], b: { c: [5], d: [7] } });
    expect(compare(given, own).count).toBe(4);
    expect(worstOf(compare(given, own).differences)).toMatchObject({ output: "b", absolute: 1 });
    expect(compare(given, own, ["one: b.d"])).toMatchObject({ count: 3, differences: [{ absolute: 0 }, { absolute: 0 }] });
    expect(compare(given, own, ["one: b"]).differences.map(({ output }) => output)).toEqual(["a"]);
    expect(compare(given, own, ["one"])).toEqual({ differences: [], count: 0 });
  });
});

describe("where documents keep their outputs", () => {
  it("TRL's by loss type and options", () => {
    const document = { fixtures: [0, 1].map((loss) => ({ cases: [{ options: { loss_type: "grpo", beta: 0.1 }, loss }] })) };
    expect(outputsOf(document).map(({ name }) => name)).toEqual(["fixture 0: grpo beta=0.1", "fixture 1: grpo beta=0.1"]);
    expect(compare(document, document).count).toBe(2);
    expect(compare(document, document, ["grpo beta=0.1"]).count).toBe(0);
    expect(compare(document, document, ["fixture 1: grpo beta=0.1"]).count).toBe(1);
  });

  it("verl's by estimator, loss and KL; a loss's configuration is no output", () => {
    const document = {
      advantages: [{ rewards: [1], advantages: { grpo: [[1, 2]] } }],
      losses: [{ losses: { "vanilla|token-mean": { config: { clip_ratio: 0.2 }, loss: 3 } }, kl: { k1: { value: [4] } } }],
    };
    expect(outputsOf(document).map(({ name }) => name)).toEqual(["grpo", "vanilla|token-mean", "kl k1"]);
    expect(compare(document, document).count).toBe(4);
  });
});
