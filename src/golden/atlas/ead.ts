import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { type Annealing, annealedTemperature, decayAt } from "../../algorithm/samplers/annealed.ts";
import { samplerCorrection } from "../../algorithm/weights/sampler-correction.ts";
import { GoldenError } from "../../policy/golden.ts";
import { offsetsOf, pack, type Reader } from "../read.ts";
import { lossBatch, NO_RANDOM } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

function softmax(logits: readonly number[], temperature: number): number[] {
  const largest = Math.max(...logits);
  const powers = logits.map((z) => Math.exp((z - largest) / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

const AGGREGATIONS = { "token-mean": "token-mean", "seq-mean-token-mean": "sequence-mean-token-mean" } as const;

/** @param multiplier of the cooling length: the released sampler's 20, or 1 as in its correction of the old log-probs. */
const annealingAt = (params: Reader, step: number, multiplier: number): Annealing => ({
  start: params.number("tauMax", 1.2),
  floor: params.number("tauMin", 0.1),
  warmup: params.number("warmup", 10),
  decay: multiplier * decayAt(step, params.number("decayFreq", 25), params.number("increasePerStep", 5), params.number("cap", 40000)),
});

function temperatures(params: Reader, input: Reader) {
  const steps = input.numbers("trainingSteps");
  const positions = input.numbers("generatedSoFar");
  const multiplier = params.number("multiplier", 20);
  const temperature = steps.map((step) => positions.map((t) => annealedTemperature(t, annealingAt(params, step, multiplier))));
  const logits = input.has("logits") ? input.numbers("logits") : [];
  return {
    temperature,
    probsAtFirstFourPositions: temperature.map((row) => row.slice(0, 4).map((tau) => softmax(logits, tau))),
    ...(input.has("correctionLength")
      ? {
          correctionTemperature_withoutMultiplier: steps.map((step) =>
            Array.from({ length: input.count("correctionLength") }, (_, t) => annealedTemperature(t, annealingAt(params, step, 1))),
          ),
        }
      : {}),
  };
}

export const ead: AtlasMethod = ({ params, input }) => {
  if (input.has("generatedSoFar")) return temperatures(params, input);
  if (!input.has("logProbs")) return null;
  const aggregation = params.text("aggregation", "token-mean");
  if (!Object.hasOwn(AGGREGATIONS, aggregation)) throw new GoldenError(`${params.place}: the aggregation ${aggregation} is not known`);
  const { batch, table } = lossBatch(input, AGGREGATIONS[aggregation as keyof typeof AGGREGATIONS]);
  const cap = params.number("tisCap", 0);
  let weight = batch.weight;
  if (cap > 0) {
    const offsets = offsetsOf(input.numbers("lengths"), input.place);
    const samplerLogProb = pack(input.table("samplingLogProbs", batch.rows), offsets, `${input.place}: samplingLogProbs`);
    const counts = new Float64Array(batch.weight.length).fill(1);
    const own = samplerCorrection.weigh(
      { ...batch, scores: { samplerLogProb, oldLogProb: batch.oldLogProb }, weight: counts },
      { mode: "token_truncate", min: 0, max: cap },
      undefined,
      NO_RANDOM,
    ).weight;
    weight = own.map((w, t) => w * batch.weight[t]);
  }
  const result = clippedSurrogate.lossAndCoefficients(
    { ...batch, weight, mask: batch.weight },
    withDefaults(clippedSurrogate, {
      clipLow: params.number("clipLow", 0.2),
      clipHigh: params.number("clipHigh", 0.28),
      dualClip: params.number("dualClip", 3),
    }),
    undefined,
    NO_RANDOM,
  );
  return { loss: result.value, clipFrac: result.metrics!["actor/pg_clipfrac"], dLoss_dLogProb: table(result.coefficient) };
};
