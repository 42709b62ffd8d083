import { clippedSurrogate } from "../../algorithm/objectives/clipped.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import { keptCount, topEntropy } from "../../algorithm/weights/top-entropy.ts";
import { GoldenError } from "../../policy/golden.ts";
import { pack } from "../read.ts";
import { lossBatch, NO_RANDOM } from "./batches.ts";
import type { AtlasMethod } from "./index.ts";

/** −Σ p log p of a softmax. */
function entropyOf(logits: readonly number[]): number {
  const top = Math.max(...logits);
  const powers = logits.map((z) => Math.exp(z - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return Math.log(sum) - powers.reduce((total, p, v) => total + (p / sum) * (logits[v] - top), 0);
}

export const highEntropyTokens: AtlasMethod = ({ params, input }) => {
  if (input.has("tokenCounts")) {
    const counts = input.numbers("tokenCounts");
    return { selected: params.numbers("rhos").map((rho) => counts.map((n) => keptCount(n, rho))) };
  }
  if (!input.has("logProbs")) return null;
  const { batch, table } = lossBatch(input, "token-mean");
  const { rows, offsets } = batch;
  const fromLogits = input.has("logits");
  const entropies = fromLogits
    ? input.cube("logits", rows).map((row, r) => {
        if (row.length < offsets[r + 1] - offsets[r])
          throw new GoldenError(`${input.place}: row ${r} of logits is shorter than its length`);
        return row.map(entropyOf);
      })
    : input.table("entropies", rows);
  const entropy = pack(entropies, offsets, `${input.place}: entropies`);
  const settings = withDefaults(topEntropy, { share: params.number("rho", 0.2), rule: "count", keepDenominator: false });
  const { weight: kept } = topEntropy.weigh({ ...batch, entropy, weight: batch.weight.map(() => 1) }, settings, undefined, NO_RANDOM);
  const count = kept.reduce((a, b) => a + b, 0);
  const clip = withDefaults(clippedSurrogate, {
    clipLow: params.number("epsLow", 0.2),
    clipHigh: params.number("epsHigh", 0.28),
    dualClip: params.number("dualClip", 10),
  });
  const lossOf = (weight: Float64Array) => clippedSurrogate.lossAndCoefficients({ ...batch, weight }, clip, undefined, NO_RANDOM);
  const selected = lossOf(kept.map((w) => w / count));
  return {
    selectedTokens: count,
    tokenMask: table(kept),
    loss: selected.value,
    dLoss_dLogProb: table(selected.coefficient),
    lossAllTokens: lossOf(batch.weight).value,
    ...(fromLogits ? { entropies: table(entropy) } : {}),
  };
};
