import { groupRelative } from "../../algorithm/advantages/group.ts";
import { spreadRows } from "../../algorithm/batch.ts";
import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { confidenceShaping, payForLogits, selfConfidence, shapeByConfidence } from "../../algorithm/shapers/ucas.ts";
import { offsetsOf, pack, unpack } from "../read.ts";
import { lossBatch, NO_RANDOM, rewardBatch } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

export const ucas: AtlasMethod = ({ params, input }) => {
  if (!input.has("rewards") || !input.has("lengths")) return null;
  const rewards = input.numbers("rewards");
  const rows = rewards.length;
  const offsets = offsetsOf(input.numbers("lengths", rows), input.place);
  const batch = rewardBatch(rewards, input.count("groupSize"), offsets);
  const drawnTable = input.table("sampledTokenLogits", rows);
  const widths = drawnTable.map((row) => row.length);
  const divideByStd = params.flag("divideByStd", true);

  let confidence: Float64Array;
  if (input.has("logits")) {
    const vocabSize = input.cube("logits", rows)[0]?.[0]?.length ?? 1;
    const flat = input.cube("logits", rows).flatMap((plane, r) => plane.slice(0, offsets[r + 1] - offsets[r]).flat());
    confidence = selfConfidence(flat, vocabSize);
  } else {
    confidence = pack(input.table("selfConfidenceGiven", rows), offsets, `${input.place}: selfConfidenceGiven`);
  }
  const base = groupRelative.estimate(
    batch,
    withDefaults(groupRelative, { scale: divideByStd ? "std" : "none", eps: params.number("eps", 1e-6) }),
    undefined,
    NO_RANDOM,
  );
  const shaped = shapeByConfidence(
    batch,
    spreadRows(base.advantage, batch),
    confidence,
    withDefaults(confidenceShaping, {
      betaPositive: params.number("betaPositive", 0.25),
      betaNegative: params.number("betaNegative", 0.35),
      divideByStd,
    }),
  );
  const drawn = pack(drawnTable, offsets, `${input.place}: sampledTokenLogits`);
  const { advantage, terms } = payForLogits(batch, shaped.advantage, drawn, params.number("kappa", 0.05));
  const outputs = {
    selfConfidence: unpack(confidence, offsets, widths),
    normalisedLogits: unpack(terms.certainty, offsets, widths),
    advantages: unpack(advantage, offsets, widths),
  };
  if (!input.has("logProbs")) return outputs;
  const aggregation = params.text("aggregation", "token-mean") === "token-mean" ? "token-mean" : "sequence-mean-token-mean";
  const tables = lossBatch(input, aggregation);
  const { value, coefficient } = clippedSurrogate.lossAndCoefficients(
    { ...tables.batch, advantage },
    withDefaults(clippedSurrogate, {
      clipLow: params.number("epsLow", 0.2),
      clipHigh: params.number("epsHigh", 0.2),
      dualClip: params.number("dualClip", 3),
    }),
    undefined,
    NO_RANDOM,
  );
  return { ...outputs, loss: value, dLoss_dLogProb: tables.table(coefficient) };
};
