import { bestMinusSecond } from "../algorithm/advantages/bestMinusSecond.ts";
import { advantagesFromValues, gae } from "../algorithm/advantages/gae.ts";
import { gdpo } from "../algorithm/advantages/gdpo.ts";
import { gpg } from "../algorithm/advantages/gpg.ts";
import { groupRelative } from "../algorithm/advantages/group.ts";
import { opo } from "../algorithm/advantages/opo.ts";
import { optimalTokenBaseline } from "../algorithm/advantages/optimalTokenBaseline.ts";
import { reinforcePlusPlus } from "../algorithm/advantages/reinforcePlusPlus.ts";
import { reMax } from "../algorithm/advantages/remax.ts";
import { type RolloutBatch, spreadRows } from "../algorithm/batch.ts";
import type { Parameters } from "../algorithm/plugin.ts";
import { withDefaults } from "../algorithm/plugin.ts";
import type { AdvantagePlugin } from "../algorithm/slots.ts";
import { GoldenError } from "../policy/golden.ts";
import { randomSequence, STREAM } from "../policy/random.ts";
import { consecutiveGroups, offsetsOf, pack, type Reader, reader, unpack } from "./read.ts";

/** One entry of `advantages[]`, checked. */
interface Fixture {
  readonly document: Reader;
  /** Positions of a padded row. */
  readonly width: number;
  readonly batch: RolloutBatch;
}

/**
 * The section `advantages` of a verl golden file with every output that has a known name computed anew, from the inputs alone, and the
 * names that are not known (whose outputs stay as given).
 * @throws GoldenError that names the place of what is missing or malformed.
 */
export function recomputeVerlAdvantages(section: unknown): { section: unknown; unknown: string[] } {
  if (!Array.isArray(section)) throw new GoldenError("advantages must be an array");
  const unknown = new Set<string>();
  const recomputed = section.map((entry, i) => {
    const fixture = readFixture(entry, `advantages[${i}]`);
    const outputs = fixture.document.object("advantages").raw;
    const advantages = Object.fromEntries(
      Object.entries(outputs).map(([name, given]) => {
        const rows = recomputeOne(fixture, name);
        if (!rows) unknown.add(name);
        return [name, rows ?? structuredClone(given)];
      }),
    );
    return { ...structuredClone(fixture.document.raw), advantages };
  });
  return { section: recomputed, unknown: [...unknown] };
}

/** How an estimator of verl is written with our plug-ins. `options` are a name's parameters, with verl's names. */
type Estimator = (fixture: Fixture, options: Options) => number[][] | null;

const GROUP_NAMES = ["norm_adv_by_std", "norm_adv_by_std_in_grpo", "epsilon"];

const ESTIMATORS: Readonly<Record<string, { readonly options: readonly string[]; readonly estimate: Estimator }>> = {
  grpo: { options: GROUP_NAMES, estimate: (f, o) => run(f, groupRelative, { ...o.group(true), singleton: "raw" }) },
  dr_grpo: { options: GROUP_NAMES, estimate: (f, o) => run(f, groupRelative, { ...o.group(false), singleton: "raw" }) },
  grpo_vectorized: { options: GROUP_NAMES, estimate: (f, o) => run(f, groupRelative, { ...o.group(true), singleton: "raw" }) },
  grpo_passk: {
    options: GROUP_NAMES,
    estimate: (f, o) => {
      const { scale, eps } = o.group(true);
      return run(f, bestMinusSecond, { scale, eps });
    },
  },
  rloo: { options: [], estimate: (f) => run(f, groupRelative, { scale: "none", factor: "leaveOneOut", singleton: "raw" }) },
  rloo_vectorized: { options: [], estimate: (f) => run(f, groupRelative, { scale: "none", factor: "leaveOneOut" }) },
  opo: { options: [], estimate: (f) => run(f, opo, {}) },
  gpg: { options: ["f_norm"], estimate: (f, o) => run(f, gpg, { norm: o.number("f_norm", 1) }) },
  reinforce_plus_plus: { options: ["gamma"], estimate: (f, o) => run(f, reinforcePlusPlus, { gamma: o.number("gamma", 1) }) },
  reinforce_plus_plus_baseline: { options: [], estimate: (f) => run(f, reinforcePlusPlus, { baseline: "groupMean" }) },
  remax: {
    options: ["reward_baselines"],
    estimate: (f, o) => {
      const greedyReward = o.has("reward_baselines")
        ? f.batch.groups.map(() => o.number("reward_baselines", 0))
        : f.document.has("rewardBaselines")
          ? f.document.numbers("rewardBaselines", f.batch.groups.length)
          : null;
      return greedyReward && run({ ...f, batch: { ...f.batch, greedyReward } }, reMax, {});
    },
  },
  gdpo: {
    options: GROUP_NAMES,
    // One reward is a GDPO of one part; its weight and name do not matter.
    estimate: (f, o) =>
      o.flag(["norm_adv_by_std", "norm_adv_by_std_in_grpo"], true)
        ? run(f, gdpo, { statistics: "tokens", eps: o.number("epsilon", 1e-6), epsBatch: 1e-8, singleton: "raw" })
        : null,
  },
  gae: {
    options: ["gamma", "lam"],
    estimate: (f, o) => {
      const values = packed(f, "values");
      const params = withDefaults(gae, { gamma: o.number("gamma", 1), lambda: o.number("lam", 1) });
      const { advantage, paddingValue } = advantagesFromValues(f.batch, values, params);
      return padded(f, advantage, paddingValue);
    },
  },
  optimal_token_baseline: { options: ["handle_zero_tail", "epsilon"], estimate: tokenBaseline },
  // With one turn a rollout's tokens are the model's own, and the form for many turns is the same.
  tir_optimal_token_baseline: { options: ["handle_zero_tail", "epsilon"], estimate: tokenBaseline },
};

function tokenBaseline(f: Fixture, o: Options): number[][] | null {
  const scores = { oldLogProb: packed(f, "oldLogProbs"), sumSquares: packed(f, "sumPiSquared") };
  const params = { zeroTail: o.flag(["handle_zero_tail"], true), eps: o.number("epsilon", 1e-8) };
  return run({ ...f, batch: { ...f.batch, scores } }, optimalTokenBaseline, params);
}

/** The advantages of one estimator, `[rollout][position]`; null if its name or one of its parameters is not known. */
function recomputeOne(fixture: Fixture, name: string): number[][] | null {
  const [, base, inside] = /^\s*([^\s(]+)\s*(?:\((.*)\))?\s*$/.exec(name) ?? [];
  const estimator = Object.hasOwn(ESTIMATORS, base ?? "") ? ESTIMATORS[base] : null;
  if (!estimator) return null;
  const options = new Options(inside ?? "", `${fixture.document.place}: advantages[${JSON.stringify(name)}]`);
  if (options.names().some((option) => !estimator.options.includes(option))) return null;
  return estimator.estimate(fixture, options);
}

function run({ batch, width }: Pick<Fixture, "batch" | "width">, plugin: AdvantagePlugin, params: Parameters): number[][] {
  const random = randomSequence({ seed: 0, stream: STREAM.reward, step: 1 });
  const { level, advantage } = plugin.estimate(batch, withDefaults(plugin, params), undefined, random);
  return padded({ batch, width }, level === "token" ? advantage : spreadRows(advantage, batch), 0);
}

function padded({ batch, width }: Pick<Fixture, "batch" | "width">, values: Float64Array, filler: number): number[][] {
  const rows = unpack(
    values,
    batch.offsets,
    Array.from({ length: batch.rows }, () => width),
  );
  return filler === 0 ? rows : rows.map((row, r) => row.fill(filler, batch.offsets[r + 1] - batch.offsets[r]));
}

/** What a name's parentheses say: `key=value` pairs; words without a value (another name of the estimator) carry nothing. */
class Options {
  private readonly values: Map<string, string>;
  private readonly where: string;

  constructor(text: string, where: string) {
    this.where = where;
    this.values = new Map(
      text
        .split(",")
        .map((item) => item.split("=").map((s) => s.trim()))
        .filter((pair) => pair.length === 2)
        .map(([key, value]) => [key, value]),
    );
  }

  names(): string[] {
    return [...this.values.keys()];
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  number(name: string, absent: number): number {
    const text = this.values.get(name);
    if (text === undefined) return absent;
    if (text === "" || !Number.isFinite(Number(text)))
      throw new GoldenError(`${this.where}: ${name} must be a number, got ${JSON.stringify(text)}`);
    return Number(text);
  }

  flag(names: readonly string[], absent: boolean): boolean {
    const text = names.map((name) => this.values.get(name)).find((value) => value !== undefined);
    if (text === undefined) return absent;
    if (/^(true|1)$/i.test(text)) return true;
    if (/^(false|0)$/i.test(text)) return false;
    throw new GoldenError(`${this.where}: ${names[0]} must be True or False, got ${JSON.stringify(text)}`);
  }

  /** GRPO's switches. */
  group(byStd: boolean): { scale: string; eps: number } {
    const scaled = this.flag(["norm_adv_by_std", "norm_adv_by_std_in_grpo"], byStd);
    return { scale: scaled ? "std" : "none", eps: this.number("epsilon", 1e-6) };
  }
}

function readFixture(raw: unknown, where: string): Fixture {
  const document = reader(raw, where);
  const groupSize = document.count("groupSize");
  const reward = document.numbers("rewards");
  const rows = reward.length;
  const lengths = document.has("lengths") ? document.numbers("lengths", rows) : document.table("mask", rows).map(lengthOf(where));
  const offsets = offsetsOf(lengths, `${where}: lengths`);
  const longest = Math.max(0, ...lengths);
  const width = document.has("maxLen")
    ? document.count("maxLen", 0)
    : document.has("mask")
      ? document.table("mask", rows)[0].length
      : longest;
  if (width < longest) throw new GoldenError(`${where}: maxLen is ${width}, but a rollout has ${longest} tokens`);
  const batch: RolloutBatch = {
    rows,
    offsets,
    ...consecutiveGroups(rows, groupSize),
    reward,
    parts: {},
    maxLength: width,
    scores: {},
    step: 1,
  };
  return { document, width, batch };
}

const lengthOf = (where: string) => (marks: readonly number[], r: number) => {
  const length = marks.filter((mark) => mark === 1).length;
  if (marks.some((mark, t) => mark !== (t < length ? 1 : 0))) throw new GoldenError(`${where}: mask[${r}] must be ones, then zeros`);
  return length;
};

/** Rows of the document, padding left out: `[N]`. */
const packed = ({ document, batch }: Fixture, key: string) =>
  pack(document.table(key, batch.rows), batch.offsets, `${document.place}: ${key}`);
