import type { TokenWeightPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** Only the tokens at which the policy is least sure learn: those whose entropy reaches a quantile of the mini-batch. */
export const topEntropy: TokenWeightPlugin = {
  id: "top-entropy",
  name: "High-entropy tokens only",
  scope: "batch",
  needs: ["currentEntropy"],
  parameters: {
    share: {
      kind: "number",
      label: "Share of tokens",
      default: 0.2,
      min: 0,
      max: 1,
      slider: [0.05, 1, 0.05],
      symbol: "q",
      effect: "This share of the tokens, those with the highest entropy, learns; the others are left alone.",
    },
    rule: {
      kind: "choice",
      label: "Chosen by",
      default: "quantile",
      options: [
        { value: "quantile", label: "a quantile of the entropies (TRL)" },
        { value: "count", label: "a number of tokens, rounded up" },
      ],
      effect: "A quantile keeps all tokens that reach it; a number keeps exactly so many, and at least one.",
    },
    keepDenominator: {
      kind: "boolean",
      label: "Others count in the mean",
      default: true,
      effect: "Whether the loss is averaged over all tokens, or over those that learn alone, which then each learn more.",
    },
  },
  explanation: {
    sentence: "Most tokens follow from what came before; the few forks where the policy could go either way carry what there is to learn.",
    latex: "w_t = \\big[H_t \\ge \\mathrm{quantile}(H, 1-q)\\big]",
    source: SOURCES.highEntropy,
  },
  latexOf({ rule, keepDenominator }) {
    const chosen = rule === "count" ? "H_t\\text{ among the }\\lceil q\\,N\\rceil\\text{ highest}" : "H_t \\ge \\mathrm{quantile}(H, 1-q)";
    return `w_t = \\big[${chosen}\\big]${keepDenominator === true ? "" : ",\\quad\\text{averaged over these alone}"}`;
  },
  terms: { kept: { symbol: "w_t", meaning: "1 for tokens that learn" } },
  weigh(batch, params) {
    const entropy = batch.entropy ?? batch.scores.entropy;
    if (!entropy) throw new RangeError("the entropy quantile needs the entropies of the batch");
    const counted = Array.from({ length: batch.weight.length }, (_, t) => t).filter((t) => batch.weight[t] !== 0);
    const share = params.share as number;
    // Rounded to 32 bits, the smallest entropy could lie below itself; a share of 1 drops nothing.
    const threshold =
      share >= 1
        ? 0
        : quantile32(
            counted.map((t) => entropy[t]),
            1 - share,
          );
    const weight = new Float64Array(batch.weight.length);
    const kept =
      params.rule === "count"
        ? [...counted].sort((a, b) => entropy[b] - entropy[a]).slice(0, keptCount(counted.length, share))
        : counted.filter((t) => entropy[t] >= threshold);
    for (const t of kept) weight[t] = 1;
    const lowest = params.rule === "count" ? Math.min(...kept.map((t) => entropy[t])) : threshold;
    return {
      weight,
      keepDenominator: params.keepDenominator as boolean,
      terms: { kept: weight },
      metrics: { entropy_threshold: counted.length === 0 ? 0 : lowest },
    };
  },
};

/** How many of n tokens are a share of them: rounded up (fractions below 1e-4 are not), at least one. */
export const keptCount = (n: number, share: number): number => Math.min(n, Math.max(1, Math.floor(n * share + 0.9999)));

/**
 * The q-quantile with linear interpolation, every operation rounded to 32 bits as TRL's threshold is; 0 for no values. A value that lies
 * exactly on it may thus lie a rounding below it.
 */
export function quantile32(values: readonly number[], q: number): number {
  if (values.length === 0) return 0;
  const round = Math.fround;
  const sorted = values.map(round).sort((a, b) => a - b);
  const rank = Math.min(sorted.length - 1, Math.max(0, round(round(q) * (sorted.length - 1))));
  const below = Math.floor(rank);
  const w = round(rank - below);
  const [low, high] = [sorted[below], sorted[Math.ceil(rank)]];
  const gap = round(high - low);
  return w < 0.5 ? round(low + round(w * gap)) : round(high - round(gap * round(1 - w)));
}
