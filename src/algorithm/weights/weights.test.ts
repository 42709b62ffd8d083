import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UpdateBatch } from "../batch.ts";
import { anyRandom, randomBatch } from "../objectives/testing.ts";
import { type Parameters, withDefaults } from "../plugin.ts";
import type { TokenWeightPlugin } from "../slots.ts";
import { finishedOnly } from "./finished-only.ts";
import { TOKEN_WEIGHTS } from "./index.ts";
import { offPolicyMask } from "./off-policy-mask.ts";
import { samplerCorrection } from "./sampler-correction.ts";
import { quantile32, topEntropy } from "./top-entropy.ts";

const weigh = (plugin: TokenWeightPlugin, batch: UpdateBatch, params: Parameters = {}) =>
  plugin.weigh(batch, withDefaults(plugin, params), undefined, anyRandom());
const ones = (batch: UpdateBatch): UpdateBatch => ({ ...batch, weight: new Float64Array(batch.logProb.length).fill(1) });

/** Two answers whose trainer's log-probs lie above the sampler's by ln of these. */
const drift = (ratios: number[]): UpdateBatch => ({
  ...randomBatch(1, { lengths: [2, 2] }),
  oldLogProb: ratios.map((x) => Math.log(x) - 2),
  scores: { samplerLogProb: [-2, -2, -2, -2] },
  weight: [1, 1, 1, 1],
});

describe("the correction between sampler and trainer", () => {
  const of = (mode: string, ratios: number[], bounds: Parameters = {}) =>
    Array.from(weigh(samplerCorrection, drift(ratios), { mode, max: 3, ...bounds }).weight, (x) => Math.round(x * 1e6) / 1e6);

  it("bounds or drops tokens", () => {
    expect(of("token_truncate", [0.1, 1, 2, 5])).toEqual([0.1, 1, 2, 3]);
    expect(of("token_truncate", [0.1, 1, 2, 5], { min: 0.5 })).toEqual([0.5, 1, 2, 3]);
    expect(of("token_mask", [0.1, 1, 2, 5], { min: 0.5 })).toEqual([0, 1, 2, 0]);
  });

  it("bounds or drops answers by the product of their tokens", () => {
    expect(of("sequence_truncate", [0.5, 1, 2, 5])).toEqual([0.5, 0.5, 3, 3]);
    expect(of("sequence_mask", [0.5, 1, 2, 5])).toEqual([0.5, 0.5, 0, 0]);
  });

  it("reports what TRL reports", () => {
    const { metrics, keepDenominator } = weigh(samplerCorrection, drift([0.5, 1, 2, 5]), { mode: "token_truncate" });
    expect(keepDenominator).toBe(true);
    expect(metrics!["sampling/importance_sampling_ratio/mean"]).toBeCloseTo((0.5 + 1 + 2 + 3) / 4, 12);
    expect(metrics!["sampling/importance_sampling_ratio/min"]).toBeCloseTo(0.5, 12);
    expect(metrics!["sampling/importance_sampling_ratio/max"]).toBe(3);
    expect(metrics!["sampling/sampling_logp_difference/max"]).toBeCloseTo(Math.log(5), 12);
    expect(metrics!["sampling/sampling_logp_difference/mean"]).toBeCloseTo((2 * Math.log(2) + Math.log(5)) / 4, 12);
  });
});

describe("the off-policy mask", () => {
  const batch: UpdateBatch = {
    ...randomBatch(1, { lengths: [2, 2, 2] }),
    logProb: [-1, -1, -1, -1, -1, -1],
    scores: { samplerLogProb: [-0.8, -0.8, -0.8, -0.8, -1, -0.99] },
    advantage: [-1, -1, 1, 1, -1, -1],
    weight: [1, 1, 1, 1, 1, 1],
  };
  it("drops bad answers that have become improbable, and no others", () => {
    const { weight, keepDenominator, metrics } = weigh(offPolicyMask, batch, { threshold: 0.05 });
    expect(Array.from(weight)).toEqual([0, 0, 1, 1, 1, 1]);
    expect(keepDenominator).toBe(true);
    expect(metrics!.off_policy_masked).toBeCloseTo(1 / 3, 12);
  });
  it("looks at the old log-probs where the sampler's are unknown", () => {
    const old = { ...batch, scores: {}, oldLogProb: [-1, -1, -1, -1, -0.5, -0.5] };
    expect(Array.from(weigh(offPolicyMask, old).weight)).toEqual([1, 1, 1, 1, 0, 0]);
  });
});

describe("the entropy quantile", () => {
  it("interpolates as its definition says, in 32 bits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, q) => {
          const sorted = [...values].sort((a, b) => a - b);
          const rank = q * (sorted.length - 1);
          const below = Math.floor(rank);
          const exact = sorted[below] + (rank - below) * (sorted[Math.min(sorted.length - 1, below + 1)] - sorted[below]);
          const got = quantile32(values, q);
          expect(Math.fround(got)).toBe(got);
          expect(Math.abs(got - exact)).toBeLessThan(2e-5);
        },
      ),
    );
    expect(quantile32([], 0.5)).toBe(0);
    expect(quantile32([4, 1, 3, 2], 0.5)).toBe(2.5);
  });

  it("keeps the share of tokens that it says; the others stay in the average", () => {
    const batch = { ...ones(randomBatch(1, { lengths: [5, 5] })), entropy: [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5, 0.55] };
    const { weight, keepDenominator } = weigh(topEntropy, batch, { share: 0.25 });
    expect(Array.from(weight)).toEqual([0, 1, 0, 1, 0, 1, 0, 0, 0, 0]);
    expect(keepDenominator).toBe(true);
    expect(Array.from(weigh(topEntropy, batch, { share: 1 }).weight)).toEqual(new Array(10).fill(1));
  });

  it("asks only tokens that count", () => {
    const batch = { ...randomBatch(1, { lengths: [4] }), entropy: [9, 1, 2, 3], weight: [0, 1, 1, 1] };
    expect(Array.from(weigh(topEntropy, batch, { share: 0.1 }).weight)).toEqual([0, 0, 0, 1]);
  });
});

describe("finished answers only", () => {
  it("drops what was cut off, from the average too unless it is told otherwise", () => {
    const batch = { ...ones(randomBatch(1, { lengths: [2, 1] })), finished: [false, true] };
    expect(Array.from(weigh(finishedOnly, batch).weight)).toEqual([0, 0, 1]);
    expect(weigh(finishedOnly, batch).keepDenominator).toBe(false);
    expect(weigh(finishedOnly, batch, { countMasked: true }).keepDenominator).toBe(true);
    expect(Array.from(weigh(finishedOnly, { ...batch, finished: undefined }).weight)).toEqual([1, 1, 1]);
  });
});

describe("every token weight", () => {
  it.each(TOKEN_WEIGHTS.map((plugin) => [plugin.id, plugin] as const))("%s is finite, and 0 where a token does not count", (_, plugin) => {
    const drawn = ones(randomBatch(2, { lengths: [3, 0, 4] }));
    const weight = Float64Array.from(drawn.weight, (_, t) => (t === 1 ? 0 : 1));
    for (const far of [0, 1000, -1000]) {
      const scores = { ...drawn.scores, samplerLogProb: Float64Array.from(drawn.logProb, (x) => x + far) };
      for (const batch of [{ ...drawn, scores, weight }, { ...ones(randomBatch(1, { lengths: [] })) }]) {
        const result = weigh(plugin, batch);
        expect(result.weight.length).toBe(batch.weight.length);
        expect([...result.weight, ...Object.values(result.metrics ?? {})].every(Number.isFinite)).toBe(true);
        if (batch.weight.length > 0) expect(result.weight[1]).toBe(0);
      }
    }
  });
});
