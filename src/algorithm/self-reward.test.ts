import { describe, expect, it } from "vitest";
import type { UpdateBatch } from "./batch.ts";
import { selfRewardLoss } from "./losses/laser.ts";
import type { Parameters, PluginDeclaration } from "./plugin.ts";
import { classWeights, scaleOf, selfAdvantages, selfRewards } from "./self-reward.ts";
import { selfRewardMix } from "./shapers/self-reward.ts";

const defaultsOf = (plugin: PluginDeclaration): Parameters =>
  Object.fromEntries(Object.entries(plugin.parameters).map(([name, { default: value }]) => [name, value]));

/** Four answers to one prompt, of two tokens each, with the log-probs of the worked example. */
function batchOf(changes: Partial<UpdateBatch> = {}): UpdateBatch {
  const reward = changes.reward ?? [1, 0, 0, 1];
  const rows = reward.length;
  const offsets = Array.from({ length: rows + 1 }, (_, r) => 2 * r);
  const verdictLogProb = [-14, -20, -23, -13.5];
  return {
    rows,
    offsets,
    group: Array.from({ length: rows }, () => 0),
    groups: [Array.from({ length: rows }, (_, r) => r)],
    reward,
    parts: {},
    maxLength: 8,
    step: 1,
    scores: { verdictLogProb, refVerdictLogProb: [-23, -23, -23, -23] },
    verdictLogProb,
    logProb: new Float64Array(2 * rows),
    oldLogProb: new Float64Array(2 * rows),
    advantage: new Float64Array(2 * rows),
    weight: new Float64Array(2 * rows).fill(1),
    temperature: 1,
    ...changes,
  };
}
const released = { reference: -23, beta: 0.1 };
const lossOf = (batch: UpdateBatch, params: Parameters = {}) =>
  selfRewardLoss.lossAndCoefficients(batch, { ...defaultsOf(selfRewardLoss), ...released, ...params }, undefined, null!);
const mixOf = (batch: UpdateBatch, advantage: Float64Array, params: Parameters = {}) =>
  Array.from(
    selfRewardMix.shape(batch, advantage, { ...defaultsOf(selfRewardMix), ...released, warmup: 0, ...params }, undefined, null!).advantage,
  );

describe("self-reward", () => {
  it("is a scaled log-prob, measured against the reference where no scale is given", () => {
    expect(selfRewards([-14, -20, -23, -13.5], { reference: -23, beta: 0.1 }).map((x) => Number(x.toFixed(9)))).toEqual([
      0.9, 0.3, 0, 0.95,
    ]);
    const measured = scaleOf({ reference: 0, beta: 0 }, { refVerdictLogProb: [-10, Number.NaN, -12] });
    expect(measured.reference).toBe(-11);
    // A right answer's target is a log-probability, so it must not lie above 0.
    const [one] = selfRewards([-11 * 0.55], measured);
    expect(one).toBeCloseTo(1, 12);
    expect(Number.isFinite(scaleOf({ reference: 0, beta: 0 }, {}).beta)).toBe(true);
    expect(Number.isFinite(scaleOf({ reference: 0, beta: 0 }, { refVerdictLogProb: [0] }).beta)).toBe(true);
  });

  it("weighs right and wrong answers alike, whatever their numbers", () => {
    expect(classWeights([1, 0, 1, 1], [true, true, true, true])).toEqual([2 / 3, 2, 2 / 3, 2 / 3]);
    expect(classWeights([1, 0, 1, Number.NaN], [true, false, true, true])).toEqual([0.5, 0, 0.5, 0]);
  });

  it("loss: the value and slope of the worked example; the slope is the value's by central differences", () => {
    expect(lossOf(batchOf()).value).toBeCloseTo(0.1 * 0.025625, 12);
    const batch = batchOf({ reward: [1, 0, 0, 0], verdictLogProb: [-5, -30, Number.NaN, -12.5], finished: [true, true, false, true] });
    const { verdictCoefficient, coefficient, loss } = lossOf(batch);
    for (let r = 0; r < 4; r++) {
      const moved = (by: number) =>
        lossOf({ ...batch, verdictLogProb: Array.from(batch.verdictLogProb!, (x, i) => (i === r ? x + by : x)) }).value;
      const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
      expect(Math.abs(verdictCoefficient![r] - slope)).toBeLessThan(1e-6 * Math.max(1e-2, Math.abs(slope)));
    }
    expect(verdictCoefficient![2]).toBe(0);
    expect([...coefficient, ...loss].every((x) => x === 0)).toBe(true);
  });

  it("loss: demonstrations do not thin it", () => {
    const own = lossOf(batchOf({ reward: [1, 0] as number[], verdictLogProb: [-14, -20], groups: [[0, 1]] }));
    const beside = lossOf(
      batchOf({
        reward: [1, 0, Number.NaN, Number.NaN],
        verdictLogProb: [-14, -20, -15, -16],
        groups: [[0, 1]],
        source: ["policy", "policy", "expert", "expert"],
      }),
    );
    expect(beside.value).toBeCloseTo(own.value, 12);
    expect(Array.from(beside.verdictCoefficient!)).toEqual([...own.verdictCoefficient!, 0, 0]);
  });

  it("loss: waits for its warm-up, and has no NaN for batches of one class, unscorable or cut off", () => {
    expect(lossOf(batchOf(), { warmup: 1 }).value).toBe(0);
    expect(lossOf(batchOf({ step: 2 }), { warmup: 1 }).value).toBeGreaterThan(0);
    for (const changes of [
      { reward: [1, 1, 1, 1] },
      { reward: [Number.NaN, 0, Number.NaN, 1e6] },
      { verdictLogProb: [Number.NaN, Number.NaN, Number.NaN, Number.NaN] },
      { verdictLogProb: [-1e30, 0, -1, -2] },
    ]) {
      const { value, verdictCoefficient, metrics } = lossOf(batchOf(changes));
      expect([value, ...verdictCoefficient!, ...Object.values(metrics!)].every(Number.isFinite)).toBe(true);
    }
  });

  it("loss: counts how often the judgement agrees with the verifier", () => {
    expect(lossOf(batchOf()).metrics!["self_reward/accuracy"]).toBe(1);
    expect(lossOf(batchOf({ reward: [0, 0, 0, 1] })).metrics!["self_reward/accuracy"]).toBe(0.75);
    expect(lossOf(batchOf()).metrics!["self_reward/auc"]).toBe(1);
    expect(lossOf(batchOf({ reward: [1, 1, 0, 0] })).metrics!["self_reward/auc"]).toBe(0.5);
    expect(lossOf(batchOf({ reward: [0, 0, 0, 0] })).metrics).not.toHaveProperty("self_reward/auc");
  });

  it("mix: the advantages of the worked example, on every token", () => {
    const half = 0.866;
    const mixed = mixOf(batchOf(), Float64Array.from([half, half, -half, -half, -half, -half, half, half]));
    for (const [r, expected] of [0.8575, -0.8306, -0.8952, 0.8683].entries()) {
      expect(mixed[2 * r]).toBeCloseTo(expected, 3);
      expect(mixed[2 * r + 1]).toBe(mixed[2 * r]);
    }
  });

  it("mix: the verifier alone counts during the warm-up, in groups of nearly equal or single judgements, and where a row is unscorable", () => {
    const advantage = Float64Array.from([1, 1, -1, -1, -1, -1, 1, 1]);
    expect(mixOf(batchOf(), advantage, { warmup: 1 })).toEqual(Array.from(advantage));
    const alike = batchOf({ scores: { verdictLogProb: [-14, -14.2, -13.9, -14] } });
    expect(mixOf(alike, advantage)).toEqual(Array.from(advantage));
    expect(mixOf(batchOf({ groups: [[0], [1], [2], [3]] }), advantage)).toEqual(Array.from(advantage));
    const odd = mixOf(batchOf({ reward: [1, Number.NaN, 0, 1] }), Float64Array.from([1, 1, 0, 0, -1, -1, 1, 1]));
    expect(odd.slice(2, 4)).toEqual([0, 0]);
    expect(odd.every(Number.isFinite)).toBe(true);
  });

  it("mix: an answer that was cut off counts as judged wrong", () => {
    const { advantage, means } = selfAdvantages([0.9, 0, 0.3, 1], [[0, 1, 2, 3]], 0.1);
    expect(means[0]).toBeCloseTo(0.55, 12);
    expect(advantage[1]).toBeCloseTo(-0.55 / 0.4795831523, 9);
    const cut = batchOf({ scores: { verdictLogProb: [-14, Number.NaN, -20, -12] } });
    expect(mixOf(cut, new Float64Array(8))[2]).toBeCloseTo(0.1 * advantage[1], 12);
  });
});
