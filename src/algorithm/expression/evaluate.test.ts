import { describe, expect, it } from "vitest";
import { randomSequence } from "../../policy/random.ts";
import { expressionAdvantage } from "../advantages/expression.ts";
import type { RolloutBatch } from "../batch.ts";
import { expressionObjective } from "../objectives/expression.ts";
import { makeDomain } from "./domain.ts";
import { ExpressionError } from "./error.ts";
import { evaluate } from "./evaluate.ts";
import { ADVANTAGE } from "./inputs.ts";
import { smallBatch } from "./testing.ts";
import { compile } from "./types.ts";

const random = randomSequence({ seed: 1, stream: 6, step: 1 });
const advantage = (formula: string, batch: RolloutBatch = smallBatch()) =>
  expressionAdvantage.estimate(batch, { formula }, undefined, random);
const values = (formula: string, batch?: RolloutBatch) => [...advantage(formula, batch).advantage];
const loss = (formula: string, batch = smallBatch()) => expressionObjective.lossAndCoefficients(batch, { formula }, undefined, random);

describe("what each value is one of", () => {
  it("one value for all, or for a group, goes to every rollout; a rollout's to every token where tokens are wanted", () => {
    expect(values("step")).toEqual([7, 7, 7, 7]);
    expect(values("group_size")).toEqual([3, 3, 3, 1]);
    expect(values("G + rollouts / 10 + max_length / 100")).toEqual(Array(4).fill(3.48));
    expect(values("reward - group_mean(reward)")).toEqual([0.5, -0.5, 0, 0]);
    expect(advantage("reward + position")).toMatchObject({ level: "token", advantage: Float64Array.of(1, 2, 0.5, 2, 3, 4) });
    expect(advantage("reward").level).toBe("rollout");
  });

  it("tokens are reduced to rollouts, rollouts to groups, anything to the batch", () => {
    expect(values("mean(entropy)")).toEqual([1.5, 0, 3, 5]);
    expect(values("sum(entropy)")).toEqual([3, 0, 3, 15]);
    expect(values("max(entropy) - min(entropy)")).toEqual([1, 0, 0, 2]);
    expect(values("median(entropy)")).toEqual([1.5, 0, 3, 5]);
    expect(values("std(entropy)")).toEqual([Math.sqrt(0.5), 1, 1, 1]);
    expect(values("count(entropy > 1.5)")).toEqual([1, 0, 1, 3]);
    expect(values("group_max(reward)")).toEqual([1, 1, 1, 2]);
    expect(values("group_median(reward)")).toEqual([0.5, 0.5, 0.5, 2]);
    expect(values("group_std(reward)")).toEqual([0.5, 0.5, 0.5, 1]);
    expect(values("group_count(finished)")).toEqual([2, 2, 2, 1]);
    expect(values("batch_mean(reward)")).toEqual(Array(4).fill(0.875));
    expect(values("batch_mean(entropy)")).toEqual(Array(4).fill(3.5));
    expect(values("batch_mean(group_mean(reward))")).toEqual(Array(4).fill(1.25));
  });
});

it("knows facts of the batch", () => {
  expect(values("length")).toEqual([2, 0, 1, 3]);
  expect(values("if finished and reward > 0 then 1 else -1")).toEqual([1, -1, -1, 1]);
  expect(values('part("format") + 10 * part("correct")')).toEqual([10, 0, 0.5, 11]);
  expect(values("token_reward")).toEqual([0, 1, 0.5, 0, 0, 2]);
  expect(values("if demonstration then 1 else 0", smallBatch({ source: ["policy", "expert", "policy", "policy"] }))).toEqual([0, 1, 0, 0]);
  const score = (s: number) => ({ score: s, parts: { wellFormed: 1, correct: s }, reason: "" });
  expect(values("score", smallBatch({ verdicts: [1, 0, 0, 1].map(score) }))).toEqual([1, 0, 0, 1]);
});

it("shows its named values as terms", () => {
  const { terms } = advantage("let baseline = group_mean(reward)\nlet good = entropy > 2\nreward - baseline");
  expect(terms).toEqual({ baseline: Float64Array.of(0.5, 0.5, 0.5, 2), good: Float64Array.of(0, 0, 1, 1, 1, 1) });
});

it("says what must be measured", () => {
  const needs = (formula: string) => expressionAdvantage.needsOf!({ formula });
  expect(needs("reward")).toEqual([]);
  expect(needs("reward - greedy_reward + mean(entropy - ref_log_prob) + mean(entropy)")).toEqual(["greedyRollout", "entropy", "reference"]);
  expect(expressionObjective.needsOf!({ formula: "-log_prob * advantage - 0.01 * entropy" })).toEqual(["currentEntropy"]);
});

describe("rollouts that could not be scored, and masked tokens", () => {
  it("have no advantage and count nowhere", () => {
    const batch = smallBatch({ reward: [1, Number.NaN, 0.5, Number.NaN] });
    expect(values("reward - group_mean(reward)", batch)).toEqual([0.25, 0, -0.25, 0]);
    expect(values("group_size + rollouts * 10", batch)).toEqual([43, 0, 43, 0]);
    expect(values("reward + batch_sum(entropy)", batch)).toEqual([7, 0, 6.5, 0]);
    expect(values("reward", smallBatch({ reward: Array(4).fill(Number.NaN) }))).toEqual([0, 0, 0, 0]);
    expect(values("reward", smallBatch({ rows: 0, offsets: [0], group: [], reward: [] }))).toEqual([]);
  });

  it("nor do those without a part, or a greedy answer, that the formula reads", () => {
    const batch = smallBatch({ parts: { correct: [1, Number.NaN, 0, 1] }, greedyReward: [0.25, Number.NaN] });
    expect(values('group_mean(part("correct"))', batch)).toEqual([0.5, 0, 0.5, 1]);
    expect(values("reward - greedy_reward", batch)).toEqual([0.75, -0.25, 0.25, 0]);
    expect(values("group_mean(reward)", smallBatch({ reward: [1, Number.POSITIVE_INFINITY, 0, 2] }))).toEqual([0.5, 0, 0.5, 2]);
  });

  it("masked tokens have no loss and are not reduced over", () => {
    const batch = smallBatch({ weight: [1, 0, 1, 0, 0, 0] });
    const { loss: each, coefficient, value } = loss("-mean(log_prob) + batch_sum(advantage)", batch);
    expect([...each]).toEqual([0.5, 0, 1.5, 0, 0, 0]);
    expect(value).toBe(2);
    expect([...coefficient]).toEqual([-1, 0, -1, 0, 0, 0]);
    expect(loss("-log_prob", smallBatch({ weight: Array(6).fill(0) }))).toMatchObject({ value: 0, coefficient: new Float64Array(6) });
  });

  it("a loss that reads rewards leaves out rollouts without one; others do not", () => {
    const batch = smallBatch({ reward: [1, Number.NaN, Number.NaN, 2] });
    expect([...loss("-log_prob * reward", batch).loss]).toEqual([0.5, 1, 0, 4, 5, 6]);
    expect([...loss("-log_prob", batch).loss]).toEqual([0.5, 1, 1.5, 2, 2.5, 3]);
  });
});

describe("what goes wrong in a step is shown where it begins", () => {
  const complaint = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof ExpressionError) return `${error.place.line}:${error.place.column} ${error.sentence}`;
      throw error;
    }
    throw new Error("nothing went wrong");
  };

  it("values that are not finite: the first operation, with its numbers, rollout and token", () => {
    expect(complaint(() => advantage("let a = log(reward)\nlet b = a * 2\nb + 1"))).toBe("1:9 log(0) is -Infinity for rollout 2");
    expect(complaint(() => advantage("reward + group_mean(1 / (reward - 0.5))"))).toBe("1:21 1 / 0 is Infinity for rollout 3");
    expect(complaint(() => advantage("position / mean(entropy - 5)"))).toBe("1:1 0 / 0 is NaN for rollout 4, token 1");
    expect(complaint(() => advantage("exp(1000)"))).toBe("1:1 exp(1000) is Infinity");
    expect(complaint(() => loss("exp(1000 * log_prob) ^ -1"))).toMatch(/is Infinity for rollout 1, token 2/);
  });

  it("but a branch that is not taken may be anything", () => {
    expect(values("if reward > 0 then log(reward) else 0")[1]).toBe(0);
    expect(complaint(() => advantage("if reward > 0 then 0 else log(reward)"))).toBe("1:27 log(0) is -Infinity for rollout 2");
    const { coefficient } = loss("-(if log_prob < -2 then sqrt(-2 - log_prob) else log_prob)");
    expect([...coefficient].every(Number.isFinite)).toBe(true);
  });

  it("slopes that are not finite", () => {
    expect(complaint(() => loss("(log_prob + 0.5) ^ 0.5 + 1", smallBatch({ weight: [1, 0, 0, 0, 0, 0] })))).toBe(
      "1:1 its slope is Infinity for rollout 1, token 1",
    );
  });

  it("what was not measured, and parts that are not there", () => {
    expect(complaint(() => advantage("ref_log_prob + 1"))).toBe("1:1 ref_log_prob was not measured in this step");
    expect(complaint(() => advantage('1 + part("corect")'))).toBe('1:5 the reward has no part "corect"; did you mean "correct"?');
    expect(complaint(() => advantage('part("length")'))).toBe('1:1 the reward has no part "length"; it has correct, format');
  });

  it("a formula that takes too long, at the operation that does", () => {
    const graph = compile("let a = reward + 1\nbatch_median(entropy) + a", ADVANTAGE);
    const batch = smallBatch();
    const domain = makeDomain(
      batch,
      () => true,
      () => true,
    );
    expect(() => evaluate(graph, batch, domain, 100)).not.toThrow();
    expect(complaint(() => evaluate(graph, batch, domain, 30))).toMatch(/^2:1 it takes too long on this batch/);
  });
});

it("reaches nothing but its batch", () => {
  for (const formula of ["fetch(1)", "globalThis", "process", "self", "__proto__", "constructor(1)", "valueOf(1)", 'part("__proto__")']) {
    expect(() => advantage(formula)).toThrow(ExpressionError);
  }
});
