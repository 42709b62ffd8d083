import { AGGREGATIONS } from "../../algorithm/aggregation/aggregation.ts";
import { chordLoss, EXPERT_WEIGHTS, type ExpertWeight, expertLoss, shareAt } from "../../algorithm/losses/chord.ts";
import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { GoldenError } from "../../policy/golden.ts";
import type { Reader } from "../read.ts";
import { lossBatch, NO_RANDOM } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

const VARIANTS: Readonly<Record<string, ExpertWeight>> = { mu: "none", phi: "phi", is: "probability", sft_is: "probability" };
const AGGREGATION_IDS: Readonly<Record<string, string>> = {
  "token-mean": "token-mean",
  "seq-mean-token-mean": "sequence-mean-token-mean",
  "seq-mean-token-sum": "sequence-mean-token-sum",
};

function known<T>(table: Readonly<Record<string, T>>, from: Reader, key: string, fallback: string): T {
  const name = from.text(key, fallback);
  if (!Object.hasOwn(table, name)) throw new GoldenError(`${from.place}: ${key} ${JSON.stringify(name)} is not known`);
  return table[name];
}

/** Steps are counted from 0 here, from 1 in the loop. */
export const chord: AtlasMethod = ({ params, input }) => {
  const schedule = {
    warmup: params.number("muWarmupSteps", 0),
    decay: params.number("muDecaySteps", 0),
    peak: params.number("muPeak", 0.1),
    valley: params.number("muValley", 0.1),
  };
  if (input.has("steps")) {
    return {
      mu: input.numbers("steps").map((s) => shareAt(s, schedule)),
      ...(input.has("probs") ? { phi: input.numbers("probs").map(EXPERT_WEIGHTS.phi) } : {}),
    };
  }
  if (!input.has("logProbs")) return null;
  const { batch, table } = lossBatch(input, "token-mean");
  const lengths = input.numbers("lengths", batch.rows);
  const expert = input.numbers("isExpert", batch.rows).map((flag) => flag !== 0);
  const weights = (aggregation: string, rows: readonly boolean[]) => {
    const perRow = AGGREGATIONS.find(({ id }) => id === aggregation)!.weights(
      { lengths, kept: rows, maxLength: batch.maxLength },
      { maskTruncated: false, maxLength: 0 },
    );
    return Float64Array.from(lengths.flatMap((length, r) => new Array<number>(length).fill(perRow[r])));
  };
  const policyWeight = weights(
    "token-mean",
    expert.map((flag) => !flag),
  );
  const dual = params.number("dualClipC", 3);
  const policy = clippedSurrogate.lossAndCoefficients(
    { ...batch, weight: policyWeight },
    withDefaults(clippedSurrogate, {
      clipLow: params.number("clipLow", params.number("clip", 0.2)),
      clipHigh: params.number("clipHigh", params.number("clip", 0.2)),
      dualClip: dual,
    }),
    undefined,
    NO_RANDOM,
  );
  const weighting = known(VARIANTS, params, "variant", "phi");
  const weight = weights(known(AGGREGATION_IDS, params, "expertAggregation", "token-mean"), expert);
  const settings = withDefaults(chordLoss, { ...schedule, weighting });
  const step = params.number("step", 0);
  const imitation = chordLoss.lossAndCoefficients({ ...batch, weight, step: step + 1 }, settings, undefined, NO_RANDOM);
  const policyShare = chordLoss.policyShare!(settings, step + 1);
  const practised = policyWeight.filter((w) => w !== 0).length;
  const own = expertLoss(batch.logProb, weighting);
  return {
    mu: shareAt(step, schedule),
    grpoLoss: policy.value,
    expertLoss: own.loss.reduce((sum, l, t) => (weight[t] === 0 ? sum : sum + weight[t] * l), 0),
    tokenWeights: table(own.weights.map((w, t) => (weight[t] === 0 ? 0 : w))),
    loss: policyShare * policy.value + imitation.value,
    dLoss_dLogProb: table(policy.coefficient.map((c, t) => policyShare * c + imitation.coefficient[t])),
    clipFrac: policy.metrics!["actor/pg_clipfrac"],
    dualClipFrac: practised === 0 ? 0 : policy.clipped!.filter((held) => held === -2).length / practised,
  };
};
