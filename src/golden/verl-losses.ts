import { KLS } from "../algorithm/kl/index.ts";
import { cispo } from "../algorithm/objectives/cispo.ts";
import { clippedSurrogate } from "../algorithm/objectives/clipped.ts";
import { clipCov, clipCovCandidates, klCov } from "../algorithm/objectives/covariance.ts";
import { dppo } from "../algorithm/objectives/dppo.ts";
import { dro } from "../algorithm/objectives/dro.ts";
import { gmpo } from "../algorithm/objectives/gmpo.ts";
import { gspo } from "../algorithm/objectives/gspo.ts";
import { gpgLoss } from "../algorithm/objectives/reinforce.ts";
import { sapo } from "../algorithm/objectives/sapo.ts";
import { type Parameters, withDefaults } from "../algorithm/plugin.ts";
import type { KlPlugin, ObjectivePlugin } from "../algorithm/slots.ts";
import { GoldenError } from "../policy/golden.ts";
import { isObject } from "../policy/llama-config.ts";
import { randomSequence, STREAM } from "../policy/random.ts";
import { mergeMetrics, type Padded, readPadded } from "./padded.ts";
import { type Json, type Reader, reader } from "./read.ts";

/** verl's losses and KL estimates, recomputed by the plug-ins that the loop trains with. */

/** A hyper-parameter with verl's defaults: a missing key has the default, `null` falls back to `clip_ratio`. */
interface Config {
  readonly low: number;
  readonly high: number;
  number(key: string, fallback: number): number;
}

function configOf(raw: unknown, place: string): Config {
  const config = reader(raw ?? {}, place);
  const number = (key: string, fallback: number) => config.number(key, fallback);
  const side = (key: string, missing: number) => (config.raw[key] === null ? number("clip_ratio", 0.2) : number(key, missing));
  return { low: side("clip_ratio_low", 0.2), high: side("clip_ratio_high", 0.28), number };
}

interface Loss {
  readonly plugin: ObjectivePlugin;
  readonly params: (config: Config) => Parameters;
  readonly metrics: readonly string[];
  /** The aggregation that it has whatever is asked for. */
  readonly forced?: string;
  /** Whether rows without tokens count in the average. */
  readonly emptyRows?: boolean;
  /** False where chance decides. */
  readonly determined?: (padded: Padded, params: Parameters) => boolean;
}

const CLIP_METRICS = ["actor/pg_clipfrac", "actor/ppo_kl", "actor/pg_clipfrac_lower"];
const clipBounds = ({ low, high }: Config) => ({ clipLow: low, clipHigh: high });

const LOSSES: Readonly<Record<string, Loss>> = {
  vanilla: {
    plugin: clippedSurrogate,
    params: (c) => ({ ...clipBounds(c), dualClip: c.number("clip_ratio_c", 3) }),
    metrics: CLIP_METRICS,
  },
  gspo: { plugin: gspo, params: clipBounds, metrics: CLIP_METRICS, forced: "sequence-mean-token-mean" },
  sapo: {
    plugin: sapo,
    params: (c) => ({ temperaturePositive: c.number("tau_pos", 1), temperatureNegative: c.number("tau_neg", 1.05) }),
    metrics: CLIP_METRICS,
    forced: "sequence-mean-token-mean",
  },
  gpg: { plugin: gpgLoss, params: () => ({}), metrics: [] },
  geo_mean: { plugin: gmpo, params: clipBounds, metrics: CLIP_METRICS, forced: "sequence-mean-token-mean", emptyRows: true },
  cispo: { plugin: cispo, params: (c) => ({ ...clipBounds(c), bound: "around-one" }), metrics: CLIP_METRICS },
  dppo_tv: {
    plugin: dppo,
    params: (c) => ({ ...clipBounds(c), divergence: "tv", cap: c.number("clip_ratio_c", 3) }),
    metrics: CLIP_METRICS,
  },
  dppo_kl: {
    plugin: dppo,
    params: (c) => ({ ...clipBounds(c), divergence: "kl", cap: c.number("clip_ratio_c", 3) }),
    metrics: CLIP_METRICS,
  },
  dro: { plugin: dro, params: (c) => ({ beta: c.number("dro_beta", 0.1) }), metrics: ["actor/ppo_kl"] },
  clip_cov: {
    plugin: clipCov,
    params: (c) => ({
      ...clipBounds(c),
      share: c.number("clip_cov_ratio", 2e-4),
      lower: c.number("clip_cov_lb", 1),
      upper: c.number("clip_cov_ub", 5),
    }),
    metrics: ["actor/pg_clipfrac", "actor/ppo_kl"],
    determined(padded, params) {
      const { candidates, wanted } = clipCovCandidates(padded.batch, params);
      return candidates.length <= wanted;
    },
  },
  kl_cov: {
    plugin: klCov,
    params: (c) => ({ share: c.number("kl_cov_ratio", 2e-4), coefficient: c.number("ppo_kl_coef", 0.1) }),
    metrics: ["actor/ppo_kl"],
  },
};

const AGGREGATION_IDS: Readonly<Record<string, string>> = {
  "token-mean": "token-mean",
  "token-sum": "token-sum",
  "seq-mean-token-mean": "sequence-mean-token-mean",
  "seq-mean-token-sum": "sequence-mean-token-sum",
  "seq-mean-token-sum-norm": "sequence-mean-token-sum-norm",
};

const KL_IDS: Readonly<Record<string, string>> = {
  k1: "k1",
  kl: "k1",
  abs: "abs",
  k2: "k2",
  mse: "k2",
  k3: "low-var-kl",
  low_var_kl: "low-var-kl",
};

/**
 * The section `losses` of a verl golden file with every output that we know computed anew, from the inputs alone, and the names of what
 * is not known or left to chance.
 * @throws GoldenError that names the place of what is missing or malformed.
 */
export function recomputeVerlLosses(section: unknown): { section: unknown; unknown: string[] } {
  if (!Array.isArray(section)) throw new GoldenError("losses must be an array");
  const unknown: string[] = [];
  const many = section.length > 1;
  const recomputed = section.map((entry, i) => {
    const fixture = reader(entry, `losses[${i}]`);
    const padded = readPadded(fixture);
    const copy = structuredClone(fixture.raw);
    const prefix = many ? `fixture ${i}: ` : "";
    const left = (name: string) => unknown.push(prefix + name);
    if (fixture.has("losses")) copy.losses = recomputeLosses(fixture.object("losses"), padded, left);
    if (fixture.has("kl")) copy.kl = recomputeKl(fixture.object("kl"), padded, left);
    return copy;
  });
  return { section: recomputed, unknown };
}

function recomputeLosses(losses: Reader, padded: Padded, left: (name: string) => void): Json {
  return Object.fromEntries(
    Object.entries(losses.raw).map(([name, given]) => {
      if (!isObject(given)) throw new GoldenError(`${losses.place}: ${name} is not an object`);
      const [mode, asked = "token-mean"] = name.split("|");
      const loss = Object.hasOwn(LOSSES, mode) ? LOSSES[mode] : undefined;
      const aggregation = loss?.forced ?? (Object.hasOwn(AGGREGATION_IDS, asked) ? AGGREGATION_IDS[asked] : undefined);
      const config = configOf(given.config, `${losses.place}: ${name}: config`);
      const params = loss && withDefaults(loss.plugin, loss.params(config));
      if (!loss || !params || !aggregation || loss.determined?.(padded, params) === false) {
        left(name);
        return [name, structuredClone(given)];
      }
      const scale: Parameters = aggregation === "sequence-mean-token-sum-norm" ? { scale: config.number("loss_scale_factor", 0) } : {};
      const batch = padded.aggregated(aggregation, scale, loss.emptyRows === true);
      const result = loss.plugin.lossAndCoefficients(batch, params, undefined, NO_CHANCE);
      const metrics = Object.fromEntries(loss.metrics.map((key) => [key, result.metrics?.[key] ?? 0]));
      return [
        name,
        {
          ...structuredClone(given),
          loss: result.value,
          dLoss_dLogProb: padded.table(result.coefficient),
          metrics: mergeMetrics(given.metrics, metrics, (key) => left(`${name}: metrics.${key}`)),
        },
      ];
    }),
  );
}

function recomputeKl(kls: Reader, padded: Padded, left: (name: string) => void): Json {
  return Object.fromEntries(
    Object.entries(kls.raw).map(([name, given]) => {
      const straight = name.endsWith("+");
      const base = straight ? name.slice(0, -1) : name;
      const plugin: KlPlugin | undefined = Object.hasOwn(KL_IDS, base) ? KLS.find((kl) => kl.id === KL_IDS[base]) : undefined;
      if (!plugin) {
        left(`kl ${name}`);
        return [name, structuredClone(given)];
      }
      const reference = padded.batch.scores.refLogProb;
      if (!reference) throw new GoldenError(`${kls.place}: the KL needs refLogProbs`);
      const params = withDefaults(plugin, { coefficient: 1, gradient: straight ? "k2" : "own" });
      const value = plugin.estimate(padded.batch, reference, params);
      const { coefficient } = plugin.lossAndCoefficients(padded.batch, params, undefined);
      return [name, { ...(isObject(given) ? structuredClone(given) : {}), value: padded.table(value), grad: padded.table(coefficient) }];
    }),
  );
}

/** Nothing here draws: what chance decides is left out. */
const NO_CHANCE = randomSequence({ seed: 0, stream: STREAM.plugin, step: 1 });
