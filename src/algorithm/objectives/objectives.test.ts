import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupRelative } from "../advantages/group.ts";
import { AGGREGATIONS } from "../aggregation/aggregation.ts";
import { spreadRows, type UpdateBatch } from "../batch.ts";
import { type Parameters, withDefaults } from "../plugin.ts";
import { OBJECTIVES } from "./index.ts";
import { anyRandom, centralDifferences, randomBatch, relativeError } from "./testing.ts";

const objective = (id: string) => OBJECTIVES.find((o) => o.id === id)!;
const run = (id: string, batch: UpdateBatch, params: Parameters = {}) =>
  objective(id).lossAndCoefficients(batch, withDefaults(objective(id), params), undefined, anyRandom());
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

describe("gradients of objectives agree with central differences", () => {
  it.each<[string, Parameters]>([
    ["clipped", {}],
    ["clipped", { dualClip: 1.3, clipHigh: 0.28 }],
    ["clipped", { delta: 1.3 }],
    ["clipped", { level: "sequence", clipLow: 0.1 }],
    ["clipped", { level: "sequence", delta: 1.1 }],
    ["clipped", { level: "sequence-sum", clipHigh: 0.5 }],
    ["luspo", {}],
    ["sapo", {}],
    ["sapo", { level: "sequence", temperatureNegative: 3 }],
    ["gmpo", { clipLow: 0.2, clipHigh: 0.3 }],
    ["clip-cov", { share: 0.3, lower: 0, upper: 1000 }],
    ["kl-cov", { share: 0.3 }],
    ["gpg", {}],
    ["reinforce", {}],
    ["dro", { beta: 0.7 }],
  ])("%s %o", (id, params) => {
    for (const seed of SEEDS) {
      const batch = randomBatch(seed);
      const value = (logProb: Float64Array) => run(id, { ...batch, logProb }, params).value;
      expect(relativeError(run(id, batch, params).coefficient, centralDifferences(value, batch.logProb))).toBeLessThan(1e-6);
    }
  });

  // A factor that is constant in the gradient depends on the difference to the old log-probs alone: it stays when both move together.
  it.each<[string, Parameters]>([
    ["cispo", {}],
    ["cispo", { bound: "around-one", clipLow: 0.2, clipHigh: 0.1 }],
    ["cispo", { level: "sequence", clipHigh: 1.01 }],
    ["vespo", {}],
    ["dppo", {}],
    ["dppo", { divergence: "kl", clipLow: 0.02, clipHigh: 0.02 }],
    ["reinforce", { importance: true, cap: 1.2 }],
  ])("%s %o, with constant factors held", (id, params) => {
    for (const seed of SEEDS) {
      const batch = randomBatch(seed);
      const value = (logProb: Float64Array) => {
        const oldLogProb = logProb.map((x, t) => x - (batch.logProb[t] - batch.oldLogProb[t]));
        return run(id, { ...batch, logProb, oldLogProb }, params).value;
      };
      expect(relativeError(run(id, batch, params).coefficient, centralDifferences(value, batch.logProb))).toBeLessThan(1e-6);
    }
  });

  it("a sequence ratio with token gradients has the gradient of the sequence ratio, where an answer's tokens weigh the same", () => {
    for (const seed of SEEDS) {
      const batch = randomBatch(seed, { perToken: false });
      const params = { clipLow: 0.1, clipHigh: 0.1 };
      const value = (logProb: Float64Array) => run("gspo", { ...batch, logProb }, params).value;
      const { coefficient } = run("gspo", batch, params);
      expect(relativeError(coefficient, centralDifferences(value, batch.logProb))).toBeLessThan(1e-6);
      expect(relativeError(run("clipped", batch, { ...params, level: "sequence" }).coefficient, coefficient)).toBeLessThan(1e-12);
    }
  });
});

describe("at ratio 1, with answers of equal length", () => {
  const lengths = [4, 4, 4, 4];
  /** Objectives of rewards, in which advantages play no part. */
  const WITHOUT_ADVANTAGES = ["decoupled-reward", "implicit-critic"];
  it.each(OBJECTIVES.filter((o) => !WITHOUT_ADVANTAGES.includes(o.id)).map((o) => [o.id]))("%s has the plain policy gradient", (id) => {
    for (const seed of SEEDS) {
      const drawn = randomBatch(seed, { lengths, perToken: false });
      const weight = new Float64Array(16).fill(1 / 16);
      const batch = { ...drawn, weight, oldLogProb: drawn.logProb };
      const wanted = Float64Array.from(batch.advantage, (a, t) => -weight[t] * a);
      // Clip-Cov would leave tokens out on purpose; a window that nothing lies in keeps it from that.
      const params: Parameters = id === "clip-cov" ? { lower: 999, upper: 1000 } : {};
      expect(relativeError(run(id, batch, params).coefficient, wanted)).toBeLessThan(1e-12);
    }
  });

  it("a summed ratio has it times the length, since each of its tokens moves all of them", () => {
    const drawn = randomBatch(3, { lengths, perToken: false });
    const weight = new Float64Array(16).fill(1 / 16);
    const batch = { ...drawn, weight, oldLogProb: drawn.logProb };
    const wanted = Float64Array.from(batch.advantage, (a) => (-4 * a) / 16);
    expect(relativeError(run("clipped", batch, { level: "sequence-sum" }).coefficient, wanted)).toBeLessThan(1e-12);
  });
});

/** One token of that advantage whose probability has changed by a factor. */
const oneToken = (ratio: number, advantage: number): UpdateBatch => ({
  ...randomBatch(1, { lengths: [1] }),
  logProb: [-1 + Math.log(ratio)],
  oldLogProb: [-1],
  advantage: [advantage],
  weight: [1],
});

describe("clipping", () => {
  const bounds = fc.record({ clipLow: fc.double({ min: 0, max: 0.9, noNaN: true }), clipHigh: fc.double({ min: 0, max: 2, noNaN: true }) });
  const ratios = fc.double({ min: 0.05, max: 6, noNaN: true });
  const size = fc.double({ min: 0.01, max: 10, noNaN: true });

  it("a better ratio never costs more, and beyond the bound nothing more is to be gained", () => {
    fc.assert(
      fc.property(bounds, ratios, ratios, size, (params, x, y, a) => {
        const [low, high] = [Math.min(x, y), Math.max(x, y)];
        const loss = (ratio: number, advantage: number) => run("clipped", oneToken(ratio, advantage), params).value;
        expect(loss(high, a)).toBeLessThanOrEqual(loss(low, a) + 1e-12);
        expect(loss(low, -a)).toBeLessThanOrEqual(loss(high, -a) + 1e-12);
        if (low > 1 + params.clipHigh + 1e-9) expect(run("clipped", oneToken(low, a), params).coefficient[0]).toBe(0);
        if (high < 1 - params.clipLow - 1e-9) expect(Math.abs(run("clipped", oneToken(high, -a), params).coefficient[0])).toBe(0);
      }),
    );
  });

  it("wider bounds, a dual clip or a cap never raise the loss where they should not", () => {
    fc.assert(
      fc.property(bounds, ratios, size, fc.boolean(), (params, ratio, a, good) => {
        const batch = oneToken(ratio, good ? a : -a);
        const narrow = run("clipped", batch, params).value;
        expect(run("clipped", batch, { clipLow: params.clipLow + 0.1, clipHigh: params.clipHigh + 0.5 }).value).toBeLessThanOrEqual(
          narrow + 1e-12,
        );
        const dual = run("clipped", batch, { ...params, dualClip: 3 }).value;
        expect(dual).toBeLessThanOrEqual(narrow + 1e-12);
        if (good) expect(dual).toBe(narrow);
        else expect(dual).toBeLessThanOrEqual(3 * a * (1 + 1e-12));
      }),
    );
  });

  it("a cap is the dual clip where answers are bad and the cap lies beyond the bounds", () => {
    for (const seed of SEEDS) {
      const drawn = randomBatch(seed, { moved: 2 });
      const batch = { ...drawn, advantage: Float64Array.from(drawn.advantage, (a) => -Math.abs(a)) };
      const [capped, dual] = [run("clipped", batch, { delta: 3 }), run("clipped", batch, { dualClip: 3 })];
      expect(capped.value).toBeCloseTo(dual.value, 12);
      expect(relativeError(capped.coefficient, dual.coefficient)).toBeLessThan(1e-12);
      expect(Array.from(capped.clipped!)).toEqual(Array.from(dual.clipped!));
    }
  });

  it("has no kernel for what the kernel does not know", () => {
    const { device } = objective("clipped");
    const params = withDefaults(objective("clipped"));
    expect(device!.uniforms(params, 0, 3)).toMatchObject({ clipLow: 0.2, count: 3 });
    expect(device!.uniforms({ ...params, delta: 2 }, 0, 3)).toBeNull();
    expect(device!.uniforms({ ...params, level: "sequence" }, 0, 3)).toBeNull();
  });
});

describe("masks", () => {
  it("a token that a token weight drops still counts in its answer's ratio and in metrics", () => {
    const batch = randomBatch(2, { lengths: [3] });
    const mask = [1, 1, 1];
    const dropped = { ...batch, weight: [batch.weight[0], 0, batch.weight[2]] };
    const whole = run("gspo", { ...dropped, mask }).terms.ratio;
    expect(whole).toEqual(run("gspo", batch).terms.ratio);
    expect(run("gspo", dropped).terms.ratio).not.toEqual(whole);
    expect(run("clipped", { ...dropped, mask }).metrics).toEqual(run("clipped", batch).metrics);
    expect(run("clipped", { ...dropped, mask }).coefficient[1]).toBe(0);
  });
});

describe("degenerate batches give numbers", () => {
  const batch = randomBatch(4, { lengths: [3, 0, 4, 2] });
  const n = batch.logProb.length;
  const fill = (x: number) => new Float64Array(n).fill(x);
  const cases: [string, UpdateBatch][] = [
    ["empty answers", batch],
    ["nothing at all", randomBatch(1, { lengths: [] })],
    ["only empty answers", randomBatch(1, { lengths: [0, 0] })],
    ["huge ratios", { ...batch, logProb: fill(0), oldLogProb: fill(-1000) }],
    ["vanished ratios", { ...batch, logProb: fill(-1000), oldLogProb: fill(0) }],
    ["rewards of a million", { ...batch, advantage: Float64Array.from(batch.advantage, (a) => a * 1e6) }],
    ["no signal", { ...batch, advantage: fill(0) }],
    ["unscorable rewards", { ...batch, advantage: fill(0), reward: [Number.NaN, 1, Number.NaN, 0] }],
    ["everything masked", { ...batch, weight: fill(0) }],
    ["one answer masked", { ...batch, weight: Float64Array.from(batch.weight, (w, t) => (t < 3 ? 0 : w)) }],
  ];
  it.each(OBJECTIVES.map((o) => [o.id]))("%s", (id) => {
    for (const [name, degenerate] of cases) {
      const { value, loss, coefficient, terms, metrics } = run(id, degenerate);
      for (const numbers of [[value], loss, coefficient, ...Object.values(terms), Object.values(metrics ?? {})]) {
        expect(Array.from(numbers).every(Number.isFinite), `${id}: ${name}`).toBe(true);
      }
      if (name === "everything masked") expect(Array.from(coefficient).every((c) => c === 0)).toBe(true);
      if (name === "one answer masked") expect(Array.from(coefficient.slice(0, 3)).every((c) => c === 0)).toBe(true);
    }
  });
});

/** Two answers whose losses both frameworks compute in full, for a check by hand. */
const byHand = (id: string, params: Parameters, aggregation: string, maxLength = 3) => {
  const { weights } = AGGREGATIONS.find((a) => a.id === aggregation)!;
  const perRow = weights({ lengths: [2, 3], kept: [true, true], maxLength }, { maxLength });
  const batch: UpdateBatch = {
    ...randomBatch(1, { lengths: [2, 3] }),
    oldLogProb: [-1, -0.5, -2, -0.3, -1.5],
    logProb: [-0.7, -0.6, -0.6, -0.4, -1.2],
    advantage: [1, 1, -1, -1, -1],
    weight: spreadRows(perRow, { rows: 2, offsets: [0, 2, 5] }),
  };
  return run(id, batch, params);
};

describe("numbers that the frameworks' own functions give", () => {
  it.each<[string, string, Parameters, string, number]>([
    ["verl vanilla", "clipped", { dualClip: 3 }, "token-mean", 0.629972],
    ["verl dppo_tv", "dppo", { clipLow: 0.2, clipHigh: 0.2 }, "token-mean", -0.458792],
    ["verl dppo_kl", "dppo", { clipLow: 0.2, clipHigh: 0.2, divergence: "kl" }, "token-mean", -0.458792],
    ["verl gspo", "gspo", { clipLow: 0.2, clipHigh: 0.2 }, "sequence-mean-token-mean", 0.299717],
    ["verl sapo", "sapo", {}, "sequence-mean-token-mean", 0.224169],
    ["verl gpg", "gpg", {}, "token-mean", -0.18],
    ["verl kl_cov", "kl-cov", { coefficient: 0.1 }, "token-mean", 0.81704],
    ["verl clip_cov", "clip-cov", {}, "token-mean", 0.841012],
    ["verl geo_mean", "gmpo", { clipLow: 0.2, clipHigh: 0.2 }, "sequence-mean-token-mean", 0.326667],
    ["verl dro", "dro", { beta: 0.1 }, "token-mean", -0.1584],
    ["verl cispo", "cispo", { bound: "around-one", clipLow: 0.2, clipHigh: 0.2 }, "token-mean", -0.227807],
    ["TRL grpo", "clipped", {}, "sequence-mean-token-mean", 0.52544],
    ["TRL dapo", "clipped", {}, "batch-tokens", 0.841012],
    ["TRL dr_grpo", "clipped", {}, "constant-length", 0.700843],
    ["TRL bnpo with delta", "clipped", { delta: 3 }, "token-mean", 0.629972],
    ["TRL luspo", "luspo", {}, "sequence-mean-token-sum", 1.451736],
    ["TRL cispo", "cispo", { clipHigh: 5 }, "batch-tokens", -0.585416],
    ["TRL cispo with the default cap", "cispo", { clipHigh: 0.2 }, "batch-tokens", -0.036],
    ["TRL vespo", "vespo", {}, "batch-tokens", 0.17993],
  ])("%s", (_, id, params, aggregation, loss) => {
    expect(byHand(id, params, aggregation).value).toBeCloseTo(loss, 6);
  });

  it("verl's vanilla gradient and metrics, and TRL's VESPO weights", () => {
    const vanilla = byHand("clipped", { dualClip: 3 }, "token-mean");
    for (const [t, c] of [0, -0.180967, 0, 0.180967, 0.269972].entries()) expect(vanilla.coefficient[t]).toBeCloseTo(c, 6);
    expect(Array.from(vanilla.clipped!)).toEqual([1, 0, -2, 0, 0]);
    expect(vanilla.metrics!["actor/pg_clipfrac"]).toBeCloseTo(0.2, 12);
    expect(vanilla.metrics!["actor/pg_clipfrac_lower"]).toBeCloseTo(0.2, 12);
    expect(vanilla.metrics!["actor/ppo_kl"]).toBeCloseTo(-0.36, 12);
    const { phi } = byHand("vespo", {}, "token-mean").terms;
    expect(phi[0]).toBeCloseTo(0.767814, 6);
    expect(phi[4]).toBeCloseTo(0.044777, 6);
  });
});

describe("the pairwise gradient of P3O", () => {
  it("averaged over all ordered pairs of a group is RLOO's", () => {
    const reward = fc.double({ min: -5, max: 5, noNaN: true });
    fc.assert(
      fc.property(fc.array(reward, { minLength: 2, maxLength: 8 }), (rewards) => {
        const size = rewards.length;
        // Each ordered pair (i, j) adds half its difference to i's log-probability and takes it from j's.
        const pairwise = rewards.map((own) => rewards.reduce((sum, other) => sum + (own - other), 0) / (size * (size - 1)));
        const lengths = rewards.map((_, r) => 1 + (r % 3));
        const drawn = randomBatch(1, { lengths });
        const rows = rewards.map((_, r) => r);
        const batch = { ...drawn, reward: rewards, group: rows.map(() => 0), groups: [rows], oldLogProb: drawn.logProb };
        const params = withDefaults(groupRelative, { baseline: "leaveOneOut", scale: "none" });
        const { advantage } = groupRelative.estimate(batch, params, undefined, anyRandom());
        const sums = AGGREGATIONS.find((a) => a.id === "sequence-mean-token-sum")!;
        const weight = spreadRows(sums.weights({ lengths, kept: rows.map(() => true), maxLength: 8 }, {}), batch);
        const { coefficient } = run("reinforce", { ...batch, advantage: spreadRows(advantage, batch), weight });
        rows.forEach((r) => {
          expect(coefficient[batch.offsets[r]]).toBeCloseTo(-pairwise[r], 10);
        });
      }),
    );
  });

  it("the atlas card's example", () => {
    const rewards = [1, 0.2, 0.6, 0.6];
    const pairwise = rewards.map((own) => rewards.reduce((sum, other) => sum + (own - other), 0) / 12);
    for (const [r, c] of [0.1333, -0.1333, 0, 0].entries()) expect(pairwise[r]).toBeCloseTo(c, 4);
  });
});
