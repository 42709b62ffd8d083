import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { centralDifferences, relativeError } from "../algorithm/objectives/testing.ts";
import { GoldenError } from "../policy/golden.ts";
import { recompute as recomputeTrl } from "./trl.ts";
import { recompute as recomputeVerl } from "./verl.ts";
import { recomputeVerlLosses } from "./verl-losses.ts";

const read = (file: string) => JSON.parse(readFileSync(fileURLToPath(new URL(`fixtures/${file}`, import.meta.url)), "utf8"));
type Table = number[][];
interface Output {
  readonly loss: number;
  readonly dLoss_dLogProb: Table;
  readonly metrics: Record<string, number>;
}

/** A fixture of TRL's form with a shape of its own: three answers, one of them without any token. */
const trlFixture = (options: object, more: object = {}) => ({
  mask: [
    [1, 1, 1, 0],
    [0, 0, 0, 0],
    [1, 1, 1, 1],
    [1, 0, 0, 0],
  ],
  oldLogProbs: [
    [-1, -0.4, -2.1, -0.3],
    [-1, -1, -1, -1],
    [-0.7, -1.9, -0.2, -1.1],
    [-0.9, -2, -2, -2],
  ],
  logProbs: [
    [-0.6, -0.7, -2.05, -3],
    [-2, -2, -2, -2],
    [-0.95, -1.3, -0.35, -1.35],
    [-1.35, -1, -1, -1],
  ],
  refLogProbs: [
    [-0.9, -0.5, -1.7, -0.2],
    [-1, -1, -1, -1],
    [-1.2, -1, -0.3, -1.6],
    [-1.1, -1, -1, -1],
  ],
  entropies: [
    [0.5, 0.9, 1.4, 7],
    [7, 7, 7, 7],
    [0.2, 1.1, 0.6, 0.8],
    [1.3, 7, 7, 7],
  ],
  advantages: [0.8, 2, -1.2, -0.6],
  maxCompletionLength: 6,
  cases: [{ options, loss: 0, dLoss_dLogProb: [], metrics: {} }],
  ...more,
});
const trl = (options: object, more: object = {}): Output => {
  const { document, unknown } = recomputeTrl({ fixtures: [trlFixture(options, more)] });
  expect(unknown).toEqual([]);
  return (document as { fixtures: { cases: Output[] }[] }).fixtures[0].cases[0];
};
const shaped = (flat: ArrayLike<number>): Table => [0, 1, 2, 3].map((r) => Array.from(flat).slice(4 * r, 4 * r + 4));

describe("TRL's losses, with options that no fixture combines", () => {
  const base = trlFixture({});
  it.each([
    { loss_type: "grpo", level: "sequence", topq: 0.5, eps_lo: 0.4, eps_hi: 0.4 },
    { loss_type: "bnpo", delta: 1.1, topq: 0.6, beta: 0.1 },
    { loss_type: "dr_grpo", opsm: 0.1, beta: 0.2, bias_kl: true },
    { loss_type: "dapo", level: "sequence", beta: 0.3, bias_kl: true, eps_hi: 0.5 },
    { loss_type: "luspo", level: "sequence", eps_lo: 0.5, eps_hi: 0.5 },
    { loss_type: "sapo", level: "sequence", sapo_temperature_neg: 2 },
    { loss_type: "sapo", beta: 0.05, topq: 0.4 },
  ])("%o: the gradient is that of the loss", (options) => {
    const loss = (flat: Float64Array) => trl(options, { logProbs: shaped(flat) }).loss;
    expect(relativeError(trl(options).dLoss_dLogProb.flat(), centralDifferences(loss, base.logProbs.flat()))).toBeLessThan(1e-6);
  });

  it.each([
    { loss_type: "cispo", eps_hi: 1.1 },
    { loss_type: "cispo", level: "sequence", eps_hi: 1.05 },
    { loss_type: "vespo", vespo_k_pos: 1 },
  ])("%o: the gradient is that of the loss with its factor held", (options) => {
    const loss = (flat: Float64Array) => {
      const oldLogProbs = shaped(flat).map((row, r) => row.map((x, t) => x - base.logProbs[r][t] + base.oldLogProbs[r][t]));
      return trl(options, { logProbs: shaped(flat), oldLogProbs }).loss;
    };
    expect(relativeError(trl(options).dLoss_dLogProb.flat(), centralDifferences(loss, base.logProbs.flat()))).toBeLessThan(1e-6);
  });

  it("average as TRL does: an empty answer counts among answers, and padding nowhere", () => {
    const on = { oldLogProbs: base.logProbs };
    const [grpo, bnpo, dr] = ["grpo", "bnpo", "dr_grpo"].map((loss_type) => trl({ loss_type }, on).loss);
    expect(grpo).toBeCloseTo(-(0.8 - 1.2 - 0.6) / 4, 12);
    expect(bnpo).toBeCloseTo(-(3 * 0.8 - 4 * 1.2 - 0.6) / 8, 12);
    expect(dr).toBeCloseTo(-(3 * 0.8 - 4 * 1.2 - 0.6) / (4 * 6), 12);
    expect(trl({ loss_type: "grpo" }).dLoss_dLogProb[1]).toEqual([0, 0, 0, 0]);
  });

  it("takes null for a default, and leaves what it does not know as it was, by name", () => {
    expect(trl({ loss_type: "grpo", delta: null, opsm: null, beta: null }).loss).toBe(trl({ loss_type: "grpo" }).loss);
    const cases = [{ loss_type: "grpo", magic: 3 }, { loss_type: "new" }, { loss_type: "grpo", level: "galaxy" }].map((options) => ({
      options,
      loss: 17,
      dLoss_dLogProb: [],
      metrics: {},
    }));
    const given = { fixtures: [trlFixture({}, { cases })] };
    const { document, unknown } = recomputeTrl(given);
    expect(document).toEqual(given);
    expect(unknown).toEqual(["grpo magic=3", "new", "grpo level=galaxy"]);
  });
});

describe("verl's losses", () => {
  const [section] = read("verl.golden.json").losses;
  type Fixture = typeof section;
  const one = (fixture: Fixture) => {
    const { section: got, unknown } = recomputeVerlLosses([fixture]);
    return { fixture: (got as Fixture[])[0], unknown };
  };
  const losses = (fixture: Fixture) => one(fixture).fixture.losses as Record<string, Output>;

  it("do not depend on padding, except for the mean that divides by it", () => {
    const pad = (table: Table) => table.map((row) => [...row, 9, 9]);
    const padded = { ...structuredClone(section) };
    for (const key of ["oldLogProbs", "logProbs", "refLogProbs", "advantages"]) padded[key] = pad(section[key]);
    delete padded.mask;
    const width = section.logProbs[0].length;
    for (const [name, wide] of Object.entries(losses(padded))) {
      const scale = name === "gspo|seq-mean-token-sum-norm" || name === "sapo|seq-mean-token-sum-norm" ? 1 : width / (width + 2);
      const narrow = losses(section)[name];
      expect(wide.loss, name).toBeCloseTo(narrow.loss * (name.endsWith("-norm") ? scale : 1), 12);
      expect(wide.metrics).toEqual(narrow.metrics);
      expect(wide.dLoss_dLogProb.every((row) => row[width] === 0 && row[width + 1] === 0)).toBe(true);
    }
  });

  it("take bounds from the configuration, null for the common one", () => {
    const with_ = (config: object) => losses({ ...section, losses: { "vanilla|token-mean": { config } } })["vanilla|token-mean"].loss;
    expect(with_({ clip_ratio: 0.5, clip_ratio_low: null, clip_ratio_high: null })).toBe(
      with_({ clip_ratio_low: 0.5, clip_ratio_high: 0.5 }),
    );
    expect(with_({})).toBe(with_({ clip_ratio_low: 0.2, clip_ratio_high: 0.28, clip_ratio_c: 3 }));
    expect(with_({ clip_ratio_high: 0.01, clip_ratio_low: 0.01 })).not.toBe(with_({}));
  });

  it("leave as given, by name, what is not known and what chance decides", () => {
    const given = {
      ...section,
      losses: {
        "novel|token-mean": { loss: 1 },
        "vanilla|by-mood": { loss: 2 },
        "clip_cov|token-mean": { config: { clip_cov_lb: -100, clip_cov_ub: 100 }, loss: 3 },
        "kl_cov|token-mean": { config: {}, loss: 4, metrics: { "actor/mood": 5 } },
      },
      kl: { full: { value: 6 }, "k2+": { value: 7 } },
    };
    const { fixture, unknown } = one(given);
    expect(unknown).toEqual([
      "novel|token-mean",
      "vanilla|by-mood",
      "clip_cov|token-mean",
      "kl_cov|token-mean: metrics.actor/mood",
      "kl full",
    ]);
    for (const name of ["novel|token-mean", "vanilla|by-mood", "clip_cov|token-mean"] as const)
      expect(fixture.losses[name]).toEqual(given.losses[name]);
    expect(fixture.losses["kl_cov|token-mean"].metrics["actor/mood"]).toBe(5);
    expect(fixture.kl.full).toEqual({ value: 6 });
  });
});

describe("a malformed document", () => {
  const losses = read("verl.golden.json").losses;
  it.each<[string, () => unknown, RegExp]>([
    ["no object", () => recomputeVerl(3), /must be an object/],
    ["losses that are no array", () => recomputeVerl({ losses: 3 }), /losses must be an array/],
    ["a missing table", () => recomputeVerlLosses([{ ...losses[0], oldLogProbs: undefined }]), /losses\[0\]: oldLogProbs/],
    ["a row too short", () => recomputeVerlLosses([{ ...losses[0], advantages: losses[0].advantages.map(() => [1]) }]), /advantages\[0\]/],
    ["a loss that is no object", () => recomputeVerlLosses([{ ...losses[0], losses: { "vanilla|token-mean": 3 } }]), /vanilla/],
    ["a bound that is no number", () => trlBroken({ eps_lo: "small" }), /options: eps_lo must be a number/],
    ["no fixtures", () => recomputeTrl({}), /fixtures/],
    ["no advantages", () => recomputeTrl({ fixtures: [trlFixture({}, { advantages: undefined })] }), /advantages/],
    ["a KL without a reference", () => recomputeTrl({ fixtures: [trlFixture({ beta: 1 }, { refLogProbs: undefined })] }), /refLogProbs/],
  ])("%s is told with its place", (_, act, message) => {
    expect(act).toThrow(GoldenError);
    expect(act).toThrow(message);
  });
  const trlBroken = (options: object) => recomputeTrl({ fixtures: [trlFixture(options)] });
});
