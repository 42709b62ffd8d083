import { signedOutcome } from "../../algorithm/advantages/signed.ts";
import { spreadRows } from "../../algorithm/batch.ts";
import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { taughtOnly } from "../../algorithm/weights/taught-only.ts";
import { unpack } from "../read.ts";
import { lossBatch, NO_RANDOM } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

export const nsrPsr: AtlasMethod = ({ params, input }) => {
  if (!input.has("rewards") || !input.has("logProbs")) return null;
  const mode = params.text("mode");
  const strengths = {
    PSR: { positive: 1, negative: 0 },
    NSR: { positive: 0, negative: 1 },
    "W-REINFORCE": { positive: params.number("lambda", 0.1), negative: 1 },
  }[mode];
  if (!strengths) return null;
  const { batch, table } = lossBatch(input, "token-mean");
  const perRow = signedOutcome.estimate(batch, withDefaults(signedOutcome, strengths), undefined, NO_RANDOM).advantage;
  const advantage = spreadRows(perRow, batch);
  // W-REINFORCE keeps all rows, whatever their reward.
  const all = mode === "W-REINFORCE";
  const { weight: kept } = taughtOnly.weigh({ ...batch, advantage }, {}, undefined, NO_RANDOM);
  const count = kept.reduce((a, b) => a + b, 0);
  const eps = params.number("eps", 0.2);
  const { value, coefficient, metrics } = clippedSurrogate.lossAndCoefficients(
    { ...batch, advantage, weight: all ? batch.weight : kept.map((w) => (count > 0 ? w / count : 0)) },
    withDefaults(clippedSurrogate, { clipLow: eps, clipHigh: eps }),
    undefined,
    NO_RANDOM,
  );
  return {
    keptRollouts: Array.from(perRow.keys()).filter((r) => all || perRow[r] !== 0),
    advantages: unpack(
      advantage,
      batch.offsets,
      table(advantage).map((row) => row.length),
    ),
    loss: value,
    dLoss_dLogProb: table(coefficient),
    clipFraction: metrics!["actor/pg_clipfrac"],
  };
};
