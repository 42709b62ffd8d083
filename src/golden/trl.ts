import type { UpdateBatch } from "../algorithm/batch.ts";
import { k3Penalty } from "../algorithm/kl/k3.ts";
import { cispo } from "../algorithm/objectives/cispo.ts";
import { clippedSurrogate } from "../algorithm/objectives/clipped.ts";
import { tokenMean } from "../algorithm/objectives/metrics.ts";
import { sapo } from "../algorithm/objectives/sapo.ts";
import { vespo } from "../algorithm/objectives/vespo.ts";
import { type Parameters, withDefaults } from "../algorithm/plugin.ts";
import type { ObjectivePlugin, TokenWeightPlugin } from "../algorithm/slots.ts";
import { offPolicyMask } from "../algorithm/weights/off-policy-mask.ts";
import { topEntropy } from "../algorithm/weights/top-entropy.ts";
import { GoldenError } from "../policy/golden.ts";
import { isObject } from "../policy/llama-config.ts";
import { randomSequence, STREAM } from "../policy/random.ts";
import { optionsText } from "./compare.ts";
import { mergeMetrics, type Padded, readPadded } from "./padded.ts";
import { type Json, type Reader, type Recomputed, reader } from "./read.ts";

/** TRL's losses with every option of its golden files, recomputed by the plug-ins that the loop trains with. */

interface Loss {
  readonly plugin: ObjectivePlugin;
  readonly params: (options: Reader) => Parameters;
  readonly aggregation: string;
  readonly metrics: readonly string[];
}

const level = (options: Reader) => LEVELS[options.text("level", "token")];
const LEVELS: Readonly<Record<string, string>> = { token: "token", sequence: "sequence", sequence_token: "sequence-token" };

const CLIP_RATIOS = ["low_mean", "high_mean", "region_mean", "low_min", "high_max"].map((name) => `clip_ratio/${name}`);
const clipped = (aggregation: string): Loss => ({
  plugin: clippedSurrogate,
  params: (o) => ({
    clipLow: o.number("eps_lo", 0.2),
    clipHigh: o.number("eps_hi", 0.2),
    delta: o.number("delta", 0),
    level: level(o),
  }),
  aggregation,
  metrics: CLIP_RATIOS,
});

const LOSSES: Readonly<Record<string, Loss>> = {
  grpo: clipped("sequence-mean-token-mean"),
  bnpo: clipped("token-mean"),
  dr_grpo: clipped("constant-length"),
  dapo: clipped("batch-tokens"),
  luspo: clipped("sequence-mean-token-sum"),
  cispo: {
    plugin: cispo,
    params: (o) => ({ bound: "absolute", clipHigh: o.number("eps_hi", 0.2), level: level(o) }),
    aggregation: "batch-tokens",
    metrics: ["cispo_clip_ratio"],
  },
  sapo: {
    plugin: sapo,
    params: (o) => ({
      temperaturePositive: o.number("sapo_temperature_pos", 1),
      temperatureNegative: o.number("sapo_temperature_neg", 1.05),
      level: level(o),
    }),
    aggregation: "sequence-mean-token-mean",
    metrics: [],
  },
  vespo: {
    plugin: vespo,
    params: (o) => ({
      kPositive: o.number("vespo_k_pos", 2),
      lambdaPositive: o.number("vespo_lambda_pos", 3),
      kNegative: o.number("vespo_k_neg", 3),
      lambdaNegative: o.number("vespo_lambda_neg", 2),
    }),
    aggregation: "batch-tokens",
    metrics: ["vespo/phi_seq_mean"],
  },
};

const OPTIONS = [
  ...["loss_type", "eps_lo", "eps_hi", "delta", "beta", "level", "topq", "opsm", "bias_kl"],
  ...["sapo_temperature_pos", "sapo_temperature_neg", "vespo_k_pos", "vespo_lambda_pos", "vespo_k_neg", "vespo_lambda_neg"],
];

/**
 * A golden file of TRL's trainer, with everything that we know recomputed from its inputs.
 * @throws GoldenError that names the place of what is missing or malformed.
 */
export function recompute(document: unknown): Recomputed {
  if (!isObject(document) || !Array.isArray(document.fixtures)) throw new GoldenError("a golden file of TRL has an array of fixtures");
  const unknown: string[] = [];
  const many = document.fixtures.length > 1;
  const fixtures = document.fixtures.map((entry: unknown, i: number) => {
    const fixture = reader(entry, `fixtures[${i}]`);
    const longest = fixture.has("maxCompletionLength") ? fixture.count("maxCompletionLength") : undefined;
    const padded = readPadded(fixture, longest);
    const cases = fixture.objects("cases").map((one) => {
      const name = `${many ? `fixture ${i}: ` : ""}${optionsText(one.raw.options)}`;
      const options = reader(one.raw.options ?? {}, `${one.place}: options`);
      const type = options.text("loss_type", "dapo");
      const known =
        Object.hasOwn(LOSSES, type) && level(options) !== undefined && Object.keys(options.raw).every((key) => OPTIONS.includes(key));
      if (!known) {
        unknown.push(name);
        return structuredClone(one.raw);
      }
      return recomputeCase(one.raw, options, LOSSES[type], padded, (key) => unknown.push(`${name}: metrics.${key}`));
    });
    return { ...structuredClone(fixture.raw), cases };
  });
  return { document: { ...structuredClone(document), fixtures }, unknown };
}

function recomputeCase(given: Json, options: Reader, loss: Loss, padded: Padded, left: (key: string) => void): Json {
  const batch = padded.aggregated(loss.aggregation, { maxLength: padded.batch.maxLength }, true);
  const factors: Float64Array[] = [];
  if (options.has("opsm")) factors.push(weigh(offPolicyMask, padded, { threshold: options.number("opsm") }));
  if (options.number("topq", 1) < 1) factors.push(weigh(topEntropy, padded, { share: options.number("topq") }));
  const weight = Float64Array.from(batch.weight, (w, t) => factors.reduce((product, factor) => product * factor[t], w));
  const policy = loss.plugin.lossAndCoefficients(
    { ...batch, weight },
    withDefaults(loss.plugin, loss.params(options)),
    undefined,
    NO_CHANCE,
  );

  const metrics: Record<string, number> = {};
  let value = policy.value;
  let coefficient = policy.coefficient;
  const beta = options.number("beta", 0);
  if (beta !== 0) {
    if (!batch.scores.refLogProb) throw new GoldenError(`${options.place}: beta needs refLogProbs`);
    const params = { coefficient: beta, biasCorrection: options.flag("bias_kl", false), ratioLevel: level(options) };
    const kl = k3Penalty.lossAndCoefficients(batch, withDefaults(k3Penalty, params), undefined);
    value += kl.value;
    coefficient = coefficient.map((c, t) => c + kl.coefficient[t]);
    metrics.kl = kl.metrics?.kl ?? 0;
  }
  const entropy = batch.entropy;
  if (entropy) metrics.entropy = tokenMean(batch, (t) => entropy[t]);
  for (const key of loss.metrics) metrics[key] = policy.metrics?.[key] ?? 0;
  return {
    ...structuredClone(given),
    loss: value,
    dLoss_dLogProb: padded.table(coefficient),
    metrics: mergeMetrics(given.metrics, metrics, left),
  };
}

function weigh(plugin: TokenWeightPlugin, { batch, mask }: Padded, params: Parameters): Float64Array {
  const counts: UpdateBatch = { ...batch, weight: mask };
  return plugin.weigh(counts, withDefaults(plugin, params), undefined, NO_CHANCE).weight;
}

/** Nothing here draws. */
const NO_CHANCE = randomSequence({ seed: 0, stream: STREAM.plugin, step: 1 });
