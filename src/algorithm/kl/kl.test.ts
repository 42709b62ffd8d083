import { describe, expect, it } from "vitest";
import type { UpdateBatch } from "../batch.ts";
import type { Level } from "../objectives/ratio.ts";
import { anyRandom, centralDifferences, randomBatch, relativeError } from "../objectives/testing.ts";
import { type Parameters, withDefaults } from "../plugin.ts";
import { KLS } from "./index.ts";

const penalty = (id: string) => KLS.find((kl) => kl.id === id)!;
const run = (id: string, batch: UpdateBatch, params: Parameters = {}) =>
  penalty(id).lossAndCoefficients(batch, withDefaults(penalty(id), { coefficient: 0.3, ...params }), undefined);
const SEEDS = [1, 2, 3, 4, 5];
const SAMPLED = ["k3", "k1", "k2", "abs", "low-var-kl"];

/** One token whose log-probability lies `x` above the reference's. */
const oneToken = (x: number): UpdateBatch => ({
  ...randomBatch(1, { lengths: [1] }),
  logProb: [x - 3],
  oldLogProb: [x - 3],
  scores: { refLogProb: [-3] },
  weight: [1],
});

describe("sampled KL penalties", () => {
  it.each(SAMPLED)("%s has the gradient of its value", (id) => {
    for (const seed of SEEDS) {
      const batch = randomBatch(seed);
      const value = (logProb: Float64Array) => run(id, { ...batch, logProb }).value;
      expect(relativeError(run(id, batch).coefficient, centralDifferences(value, batch.logProb))).toBeLessThan(1e-6);
    }
  });

  it.each(["token", "sequence", "sequence-sum"] as Level[])("times the ratio of a %s, the gradient goes through both", (ratioLevel) => {
    for (const seed of SEEDS) {
      const batch = randomBatch(seed, { moved: 0.3 });
      const params = { biasCorrection: true, ratioLevel };
      const value = (logProb: Float64Array) => run("k3", { ...batch, logProb }, params).value;
      expect(relativeError(run("k3", batch, params).coefficient, centralDifferences(value, batch.logProb))).toBeLessThan(1e-6);
    }
  });

  it.each(SAMPLED)("%s straight through has its own value and k2's gradient; with the score function it adds its value", (id) => {
    const batch = randomBatch(7);
    const [own, straight, score] = ["own", "k2", "score"].map((gradient) => run(id, batch, { gradient }));
    expect(straight.value).toBe(own.value);
    expect(straight.coefficient).toEqual(run("k2", batch).coefficient);
    expect(score.value).toBe(own.value);
    score.coefficient.forEach((c, t) => {
      expect(c).toBeCloseTo(own.coefficient[t] + batch.weight[t] * own.loss[t], 12);
    });
  });

  it("have the values that verl gives", () => {
    const values = (x: number) => ["k1", "k2", "k3", "abs"].map((id) => run(id, oneToken(x), { coefficient: 1 }).value);
    for (const [i, v] of [0.5, 0.125, 0.106531, 0.5].entries()) expect(values(0.5)[i]).toBeCloseTo(v, 6);
    for (const [i, v] of [-1, 0.5, 0.718282, 1].entries()) expect(values(-1)[i]).toBeCloseTo(v, 6);
  });

  it("stay finite, however far the policies lie apart; the bounded one stops at 10", () => {
    for (const id of SAMPLED) {
      for (const x of [-1000, -21, 21, 1000]) {
        const { value, coefficient } = run(id, oneToken(x), { coefficient: 1 });
        expect(Number.isFinite(value) && Number.isFinite(coefficient[0]), `${id} at ${x}`).toBe(true);
      }
    }
    expect(run("low-var-kl", oneToken(-8), { coefficient: 1 })).toMatchObject({ value: 10, coefficient: Float64Array.of(0) });
    expect(run("k3", oneToken(-8), { coefficient: 1 }).value).toBeGreaterThan(2900);
  });

  it("give masked tokens nothing and count only the others in the mean", () => {
    const batch = randomBatch(3, { lengths: [2] });
    const masked = run("k3", { ...batch, weight: [0, 0.5] });
    expect(masked.coefficient[0]).toBe(0);
    expect(masked.metrics!.kl).toBe(masked.terms.kl[1]);
    expect(run("k3", { ...batch, weight: [0, 0] })).toMatchObject({ value: 0, metrics: { kl: 0 } });
  });

  it("estimate what enters a reward, token by token", () => {
    const batch = randomBatch(3);
    const estimate = penalty("k1").estimate(batch, batch.scores.refLogProb!, withDefaults(penalty("k1")));
    estimate.forEach((x, t) => {
      expect(x).toBeCloseTo(batch.logProb[t] - batch.scores.refLogProb![t], 12);
    });
  });
});

describe("the exact KL", () => {
  const vocabSize = 5;
  const drawn = randomBatch(2, { lengths: [3, 1] });
  const random = anyRandom();
  const draw = () => Float64Array.from({ length: 4 * vocabSize }, () => 4 * random.next() - 2);
  const batch: UpdateBatch = { ...drawn, vocabSize, logits: draw(), refLogits: draw(), temperature: 0.7 };

  it.each(["reverse", "forward"])("%s has the gradient of its value in every logit", (direction) => {
    const value = (logits: Float64Array) => run("exact", { ...batch, logits }, { direction }).value;
    const { logitCoefficient, coefficient } = run("exact", batch, { direction });
    expect(relativeError(logitCoefficient!, centralDifferences(value, batch.logits!))).toBeLessThan(1e-6);
    expect(coefficient).toEqual(new Float64Array(4));
  });

  it("is what the sampled estimates give on average", () => {
    const params = withDefaults(penalty("exact"));
    const [kl] = penalty("exact").estimate(batch, batch.scores.refLogProb!, params);
    const logSoftmax = (logits: ArrayLike<number>) => {
      const scaled = Array.from({ length: vocabSize }, (_, v) => logits[v] / 0.7);
      const total = Math.log(scaled.reduce((sum, z) => sum + Math.exp(z), 0));
      return scaled.map((z) => z - total);
    };
    const [now, ref] = [logSoftmax(batch.logits!), logSoftmax(batch.refLogits!)];
    for (const id of ["k1", "k3"]) {
      const each = penalty(id).estimate({ ...batch, logProb: now }, ref, withDefaults(penalty(id)));
      expect(each.reduce((sum, x, v) => sum + Math.exp(now[v]) * x, 0)).toBeCloseTo(kl, 12);
    }
  });

  it("is 0 between equals, positive otherwise, and finite with tokens that cannot come", () => {
    expect(run("exact", { ...batch, refLogits: batch.logits }).value).toBeCloseTo(0, 12);
    for (const direction of ["reverse", "forward"]) {
      expect(run("exact", batch, { direction }).value).toBeGreaterThan(0);
      const banned = (logits: ArrayLike<number>) =>
        Float64Array.from(logits, (z, i) => (i % vocabSize === 0 ? Number.NEGATIVE_INFINITY : z));
      const { value, logitCoefficient } = run(
        "exact",
        { ...batch, logits: banned(batch.logits!), refLogits: banned(batch.refLogits!) },
        { direction },
      );
      expect(Number.isFinite(value) && logitCoefficient!.every(Number.isFinite)).toBe(true);
    }
  });
});

describe("the coefficient", () => {
  const k3 = penalty("k3");
  it("is the parameter when fixed, and has no state", () => {
    const params = withDefaults(k3, { coefficient: 0.2 });
    expect(k3.control({ kl: 5, rollouts: 64 }, params, undefined)).toBeUndefined();
    expect(k3.coefficient(params, { coefficient: 9 })).toBe(0.2);
  });

  it("rises above the target and falls below, by verl's rule", () => {
    const params = withDefaults(k3, { coefficient: 0.2, controller: "adaptive", target: 0.1, horizon: 1000 });
    const up = k3.control({ kl: 0.105, rollouts: 100 }, params, undefined);
    expect(k3.coefficient(params, up)).toBeCloseTo(0.2 * (1 + (0.05 * 100) / 1000), 12);
    const bounded = k3.control({ kl: 50, rollouts: 100 }, params, up);
    expect(k3.coefficient(params, bounded)).toBeCloseTo(0.2 * 1.005 * 1.02, 12);
    expect(k3.coefficient(params, k3.control({ kl: 0, rollouts: 100 }, params, undefined))).toBeCloseTo(0.2 * 0.98, 12);
    expect(k3.control({ kl: Number.NaN, rollouts: 100 }, params, up)).toEqual(up);
  });
});
