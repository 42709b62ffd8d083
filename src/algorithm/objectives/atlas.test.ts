import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomSequence, STREAM } from "../../policy/random.ts";
import type { UpdateBatch } from "../batch.ts";
import { positiveNll } from "../losses/positive-nll.ts";
import { type Parameters, withDefaults } from "../plugin.ts";
import type { LossResult, ObjectivePlugin } from "../slots.ts";
import { clippedSurrogate } from "./clipped.ts";
import { decoupledReward } from "./drpo.ts";
import { dynamicBounds, dynamicClip } from "./dynamic-clip.ts";
import { gradientPreserving } from "./gradient-preserving.ts";
import { implicitCritic } from "./pacs.ts";

const random = randomSequence({ seed: 1, stream: STREAM.plugin, step: 1 });
const run = (plugin: ObjectivePlugin, batch: UpdateBatch, params: Parameters = {}): LossResult =>
  plugin.lossAndCoefficients(batch, withDefaults(plugin, params), undefined, random);

/** Two groups of three answers: right and wrong, short and long, one empty, one masked. */
function batchOf(more: Partial<UpdateBatch> = {}): UpdateBatch {
  const offsets = [0, 4, 6, 9, 9, 14, 16];
  const n = offsets[6];
  const spread = (i: number) => (i * 0.6180339887 + 0.3) % 1;
  const oldLogProb = Float64Array.from({ length: n }, (_, t) => -0.05 - 4 * spread(t));
  return {
    rows: 6,
    offsets,
    group: [0, 0, 0, 1, 1, 1],
    groups: [
      [0, 1, 2],
      [3, 4, 5],
    ],
    reward: [1, 1, 0, 1, 0, 1],
    parts: {},
    maxLength: 6,
    scores: {},
    step: 1,
    oldLogProb,
    logProb: oldLogProb.map((x, t) => x + 2.2 * (spread(3 * t + 1) - 0.5)),
    advantage: Float64Array.from({ length: n }, (_, t) => 2 * spread(7 * t) - 1),
    weight: Float64Array.from({ length: n }, (_, t) => (t >= 14 ? 0 : 0.05 + 0.1 * spread(5 * t))),
    temperature: 1,
    ...more,
  };
}

/** ∂f/∂logProb by central differences. */
function slopeOf(f: (batch: UpdateBatch) => number, batch: UpdateBatch): number[] {
  return Array.from(batch.logProb, (_, t) => {
    const moved = (by: number) => f({ ...batch, logProb: Float64Array.from(batch.logProb, (x, i) => (i === t ? x + by : x)) });
    return (moved(1e-6) - moved(-1e-6)) / 2e-6;
  });
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[]) {
  expected.forEach((x, t) => {
    expect(Math.abs(actual[t] - x), `token ${t}: ${actual[t]}, ${x}`).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(x)));
  });
}

describe("dynamic clipping", () => {
  it("has the gradient of its value", () => {
    const batch = batchOf();
    const { coefficient, clipped } = run(dynamicClip, batch);
    expect(new Set(clipped)).toContain(-1);
    expectClose(
      coefficient,
      slopeOf((b) => run(dynamicClip, b).value, batch),
    );
  });

  it("bounds the change of probability: (ρ − 1)·ρq meets the limits where no outer bound does", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.7, max: 1, noNaN: true }), fc.double({ min: 0.01, max: 0.17, noNaN: true }), (q, eps) => {
        const [low, high] = dynamicBounds(q, eps, eps, 10);
        expect((high - 1) * high * q).toBeCloseTo(eps, 10);
        expect((1 - low) * low * q).toBeCloseTo(eps, 10);
      }),
    );
  });

  it("is wider the rarer the token, up to the cap", () => {
    const bounds = [1, 0.5, 0.1, 0.01, 1e-6, 0].map((q) => dynamicBounds(q, 0.16, 0.2, 10));
    for (let i = 1; i < bounds.length; i++) {
      expect(bounds[i][0]).toBeLessThanOrEqual(bounds[i - 1][0]);
      expect(bounds[i][1]).toBeGreaterThanOrEqual(bounds[i - 1][1]);
    }
    expect(bounds[5]).toEqual([0.5, 10]);
    expect(dynamicBounds(1e-9, 0.16, 0.2, 25)[1]).toBe(25);
  });
});

describe("gradient-preserving clipping", () => {
  it("has the value of ordinary clipping, and its gradient where nothing is held", () => {
    const clip = { clipLow: 0.2, clipHigh: 0.28, dualClip: 3 };
    const batch = batchOf();
    const kept = run(gradientPreserving, batch, clip);
    const ordinary = run(clippedSurrogate, batch, clip);
    expect(kept.value).toBeCloseTo(ordinary.value, 12);
    expect([...kept.clipped!]).toEqual([...ordinary.clipped!]);
    expect(kept.clipped!.filter((c) => c === 1 || c === -1).length).toBeGreaterThan(1);
    kept.clipped!.forEach((held, t) => {
      if (held === 0 || held === -2) expect(kept.coefficient[t]).toBeCloseTo(ordinary.coefficient[t], 12);
      else expect(ordinary.coefficient[t]).toBe(0);
    });
  });

  it("is the gradient of the surrogate whose held ratios are constant up to a factor that is 1", () => {
    const batch = batchOf();
    const { coefficient, clipped, terms } = run(gradientPreserving, batch);
    const stopped = (b: UpdateBatch) =>
      Array.from(b.logProb, (x, t) => {
        const ratio = Math.exp(x - b.oldLogProb[t]);
        const bound = clipped![t] === 1 ? terms.high[t] : clipped![t] === -1 ? terms.low[t] : terms.ratio[t];
        return -b.weight[t] * b.advantage[t] * (bound / terms.ratio[t]) * ratio;
      }).reduce((a, b) => a + b, 0);
    expectClose(coefficient, slopeOf(stopped, batch));
  });
});

describe("decoupled reward", () => {
  const unguarded = { penalty: 0, tau: 0.7, lambda: 0.3 };

  it("has the gradient of its value, and of the guard with a constant strength", () => {
    for (const divergence of ["kl", "low_var_kl"]) {
      // Old and new swapped, so that the mean log-ratio is on the guarded side for both measures.
      const one = batchOf();
      const mean = Array.from(one.logProb, (x, t) => (one.weight[t] === 0 ? 0 : one.oldLogProb[t] - x)).reduce((a, b) => a + b, 0);
      const batch = mean > 0 ? one : batchOf({ logProb: one.oldLogProb, oldLogProb: one.logProb });
      const free = run(decoupledReward, batch, { ...unguarded, divergence });
      expectClose(
        free.coefficient,
        slopeOf((b) => run(decoupledReward, b, { ...unguarded, divergence }).value, batch),
      );
      const guarded = run(decoupledReward, batch, { ...unguarded, penalty: 50, delta: 0.001, divergence });
      const guard = guarded.metrics!["drpo/guard"];
      expect(guard).toBeGreaterThan(0.001);
      expect(guarded.value - free.value).toBeCloseTo(50 * (guard - 0.001) * guard, 10);
      const rise = slopeOf((b) => run(decoupledReward, b, { ...unguarded, divergence }).metrics!["drpo/guard"], batch);
      expectClose(
        guarded.coefficient.map((c, t) => c - free.coefficient[t]),
        rise.map((slope) => 50 * (guard - 0.001) * slope),
      );
    }
  });

  it("never pushes a right answer down, and prefers the short ones", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 0, noNaN: true }), { minLength: 16, maxLength: 16 }), (logProb) => {
        const batch = batchOf({ logProb, reward: [1, 1, 0, 0, 0, 1] });
        const { coefficient, terms } = run(decoupledReward, batch, unguarded);
        for (const r of [0, 1, 5])
          for (let t = batch.offsets[r]; t < batch.offsets[r + 1]; t++) expect(coefficient[t]).toBeLessThanOrEqual(0);
        expect(terms.positiveWeight[1]).toBeGreaterThan(terms.positiveWeight[0]);
        expect((terms.positiveWeight[0] + terms.positiveWeight[1]) / 2).toBeCloseTo(1, 10);
      }),
    );
  });

  it("pushes up and down in equal measure, group by group", () => {
    const { terms } = run(decoupledReward, batchOf({ reward: [1, 0, 0, 0, 0, 1] }), unguarded);
    expect(terms.push[1] + terms.push[2]).toBeCloseTo(1, 12);
    // The second group's right answer is masked, so the group teaches nothing.
    expect([terms.push[3], terms.push[4], terms.positiveWeight[5]]).toEqual([0, 0, 0]);
  });

  it("counts a question that teaches nothing", () => {
    const alone = run(decoupledReward, batchOf({ groups: [[0, 1, 2]] }), unguarded).value;
    expect(run(decoupledReward, batchOf({ reward: [1, 1, 0, 1, 1, 1] }), unguarded).value).toBeCloseTo(alone / 2, 12);
  });
});

describe("classifying the own answers", () => {
  it.each(["leave-one-out", "group-normalised", "group-centred", "raw"])("has the gradient of its value: %s", (score) => {
    for (const classWeight of ["question", "none", "only_positive", "only_negative"]) {
      const batch = batchOf();
      const { coefficient, value } = run(implicitCritic, batch, { score, classWeight, beta: 1.5 });
      expect(value).toBeGreaterThan(0);
      expectClose(
        coefficient,
        slopeOf((b) => run(implicitCritic, b, { score, classWeight, beta: 1.5 }).value, batch),
      );
    }
  });

  it("starts with predictions of one half, and gives right and wrong the same say", () => {
    const fresh = batchOf();
    const { value, terms, coefficient } = run(implicitCritic, { ...fresh, logProb: fresh.oldLogProb, groups: [[0, 1, 2]] });
    expect(value).toBeCloseTo(Math.log(2), 12);
    expect(Array.from(terms.classWeight).slice(0, 3)).toEqual([0.75, 0.75, 1.5]);
    const slopes = [0, 4, 6].map((t) => coefficient[t]);
    expect(slopes[0] + slopes[1] + slopes[2]).toBeCloseTo(0, 12);
    expect(slopes.map(Math.sign)).toEqual([-1, -1, 1]);
  });
});

describe("likelihood of right answers", () => {
  it("has the gradient of its value: the mean over tokens of answers with reward 1", () => {
    const batch = batchOf({ reward: [1, 0.99, 0, 1, 1, 1] });
    const { value, coefficient } = run(positiveNll, batch, { coefficient: 0.3 });
    expectClose(
      coefficient,
      slopeOf((b) => run(positiveNll, b, { coefficient: 0.3 }).value, batch),
    );
    const right = Array.from(batch.logProb).filter((_, t) => t < 4 || (t >= 9 && t < 14));
    expect(value).toBeCloseTo((-0.3 * right.reduce((a, b) => a + b, 0)) / right.length, 12);
  });
});

describe("input that teaches nothing or too much", () => {
  const strange: [string, Partial<UpdateBatch>][] = [
    ["all masked", { weight: new Float64Array(16) }],
    ["no reward can be scored", { reward: new Array(6).fill(Number.NaN), advantage: new Float64Array(16) }],
    ["enormous rewards", { reward: [1e6, -1e6, 1e6, 0, 1, 1e6], advantage: new Float64Array(16).fill(1e6) }],
    ["tokens that have become all but impossible", { logProb: new Float64Array(16).fill(-1e4) }],
    ["tokens that were all but impossible", { oldLogProb: new Float64Array(16).fill(-1e4) }],
    ["no groups", { groups: [] }],
    [
      "no rows",
      {
        rows: 0,
        offsets: [0],
        group: [],
        groups: [],
        reward: [],
        ...Object.fromEntries(["logProb", "oldLogProb", "advantage", "weight"].map((key) => [key, new Float64Array(0)])),
      },
    ],
  ];
  it.each(strange)("%s", (_, more) => {
    for (const plugin of [dynamicClip, gradientPreserving, decoupledReward, implicitCritic, positiveNll]) {
      const { value, loss, coefficient } = run(plugin, batchOf(more));
      expect(Number.isFinite(value), plugin.id).toBe(true);
      expect([...loss, ...coefficient].every(Number.isFinite), plugin.id).toBe(true);
    }
  });
  it("a masked token has no coefficient", () => {
    for (const plugin of [dynamicClip, gradientPreserving, decoupledReward, implicitCritic, positiveNll]) {
      expect([...run(plugin, batchOf()).coefficient.slice(14)], plugin.id).toEqual([0, 0]);
    }
  });
});
