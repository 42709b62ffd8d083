import { positiveNll } from "../../algorithm/losses/positive-nll.ts";
import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { gradientPreserving } from "../../algorithm/objectives/gradient-preserving.ts";
import type { Parameters } from "../../algorithm/plugin.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { GoldenError } from "../../policy/golden.ts";
import { reader } from "../read.ts";
import { lossBatch, NO_RANDOM } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

const AGGREGATIONS = { "token-mean": "token-mean", "seq-mean-token-mean": "sequence-mean-token-mean" } as const;

export const gppo: AtlasMethod = ({ name, params, input }) => {
  const clip: Parameters = {
    clipLow: params.number("epsLow", 0.2),
    clipHigh: params.number("epsHigh", 0.28),
    dualClip: params.number("dualClip", 10),
  };
  const settings = withDefaults(gradientPreserving, clip);
  if (input.has("ratios")) {
    const ratios = input.numbers("ratios");
    const push = (advantage: number) =>
      ratios.map((ratio) => {
        const one = reader({ logProbs: [[Math.log(ratio)]], oldLogProbs: [[0]], advantages: [advantage], lengths: [1] }, input.place);
        return -gradientPreserving.lossAndCoefficients(lossBatch(one, "token-mean").batch, settings, undefined, NO_RANDOM).coefficient[0];
      });
    return { pushPositive: push(1), pushNegative: push(-1) };
  }
  if (!input.has("logProbs")) return null;
  const aggregation = params.text("aggregation", "token-mean");
  if (!Object.hasOwn(AGGREGATIONS, aggregation))
    throw new GoldenError(`case ${JSON.stringify(name)}: the aggregation ${aggregation} is not known`);
  const { batch, table } = lossBatch(input, AGGREGATIONS[aggregation as keyof typeof AGGREGATIONS]);
  const policy = gradientPreserving.lossAndCoefficients(batch, settings, undefined, NO_RANDOM);
  const ordinary = clippedSurrogate.lossAndCoefficients(batch, withDefaults(clippedSurrogate, clip), undefined, NO_RANDOM);
  const coefficient = params.number("positiveNllCoef", 0);
  const right = positiveNll.lossAndCoefficients(batch, withDefaults(positiveNll, { coefficient }), undefined, NO_RANDOM);
  const unscaled = positiveNll.lossAndCoefficients(batch, withDefaults(positiveNll, { coefficient: 1 }), undefined, NO_RANDOM);
  return {
    loss: policy.value + right.value,
    dLoss_dLogProb: table(policy.coefficient.map((c, t) => c + right.coefficient[t])),
    policyLoss: policy.value,
    clipFraction: policy.metrics!["actor/pg_clipfrac"],
    ppoClip: { loss: ordinary.value, dLoss_dLogProb: table(ordinary.coefficient) },
    positiveNll: unscaled.value,
  };
};
