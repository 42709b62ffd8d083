import { ddof, eps } from "../advantages/parameters.ts";
import { whitened } from "../latex.ts";
import type { ShaperPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, scorableRows, standardisation, whitenTokens } from "../statistics.ts";

/**
 * Whitening of finished advantages over the batch: over tokens (verl's `masked_whiten`: ε in the variance), or over rollouts (TRL's:
 * ε added to the standard deviation). Rows that cannot be scored stay 0 and count nowhere.
 */
export const whiten: ShaperPlugin = {
  id: "whiten",
  name: "Whitening",
  scope: "batch",
  parameters: {
    over: {
      kind: "choice",
      label: "Over",
      default: "tokens",
      options: [
        { value: "tokens", label: "tokens (verl)" },
        { value: "rollouts", label: "rollouts (TRL)" },
      ],
      effect: "Over tokens, long answers count more in the mean and the spread.",
    },
    ddof: ddof("in the spread"),
    eps: eps(1e-8, "Added to the tokens' variance, or to the rollouts' standard deviation (TRL: 1e-4)."),
  },
  explanation: {
    sentence:
      "All advantages of the batch are moved to mean 0 and spread 1, so that the size of an update does not depend on the rewards'.",
    latex: "\\hat A_t = \\frac{A_t - \\mathrm{mean}(A)}{\\mathrm{std}(A)}",
    source: SOURCES.ppoDetails,
  },
  latexOf: ({ over, ddof: taken }) =>
    whitened("\\hat A_t", "A_t", over === "tokens" ? "A" : "\\bar A", { over: over as "tokens" | "rollouts", ddof: taken }),
  terms: { before: { symbol: "A_t", meaning: "the advantage before whitening" } },
  shape(batch, advantage, params) {
    const { rows, offsets } = batch;
    const counts = scorableRows(batch);
    const terms = { before: advantage };
    if (params.over === "tokens") {
      return { advantage: whitenTokens(advantage, batch, counts, params.ddof as number, params.eps as number).whitened, terms };
    }
    const perRow = Array.from({ length: rows }, (_, r) => mean([...advantage.subarray(offsets[r], offsets[r + 1])]));
    const counted = perRow.filter((_, r) => counts[r] && offsets[r + 1] > offsets[r]);
    const { mean: center, factor } = standardisation(counted, params.ddof as number, params.eps as number);
    const shaped = new Float64Array(advantage.length);
    for (let r = 0; r < rows; r++) {
      for (let t = offsets[r]; counts[r] && t < offsets[r + 1]; t++) shaped[t] = (advantage[t] - center) * factor;
    }
    return { advantage: shaped, terms };
  },
};
