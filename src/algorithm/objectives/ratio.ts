import type { Numbers, UpdateBatch } from "../batch.ts";
import type { ChoiceParameter } from "../plugin.ts";

/** Importance ratios, token by token or one for a whole completion, and the way back from them to log-probs. */

/** Differences of log-probs are bounded before they are exponentiated, as verl does. */
export const LIMIT = 20;

export const bounded = (x: number, limit = LIMIT) => Math.min(limit, Math.max(-limit, x));

/** What one ratio is about. */
export type Level = "token" | "sequence" | "sequence-token" | "sequence-sum";

export const levelParameter: ChoiceParameter = {
  kind: "choice",
  label: "Ratio of",
  default: "token",
  options: [
    { value: "token", label: "each token" },
    { value: "sequence", label: "the answer (mean over its tokens)" },
    { value: "sequence-token", label: "the answer, gradient token by token" },
    { value: "sequence-sum", label: "the answer (sum over its tokens)" },
  ],
  effect: "Whether every token has a ratio and a clip of its own, or the whole answer shares one.",
};

/** A ratio's symbol in formulas, and what stands beside a formula with it (LaTeX). */
export function ratioLatex(level: unknown): { readonly symbol: string; readonly where: string } {
  if (level === "sequence") return { symbol: "s", where: ",\\quad s = \\Big(\\textstyle\\prod_t \\rho_t\\Big)^{1/|o|}" };
  if (level === "sequence-token")
    return {
      symbol: "s",
      where: ",\\quad s = \\mathrm{sg}\\Big[\\big(\\textstyle\\prod_t \\rho_t\\big)^{1/|o|}\\Big]\\,\\frac{\\rho_t}{\\mathrm{sg}[\\rho_t]}",
    };
  if (level === "sequence-sum") return { symbol: "s", where: ",\\quad s = \\textstyle\\prod_t \\rho_t" };
  return { symbol: "\\rho_t", where: "" };
}

/** `[N]`: 1 for tokens that count in ratios, statistics and metrics. */
export const countedTokens = ({ mask, weight }: Pick<UpdateBatch, "mask" | "weight">): Uint8Array =>
  Uint8Array.from(mask ?? weight, (x) => (x === 0 ? 0 : 1));

/** `[rows]`: Σ of the values of a row's counted tokens. */
export function rowSums(values: Numbers, counted: Numbers, { rows, offsets }: Pick<UpdateBatch, "rows" | "offsets">): Float64Array {
  const sums = new Float64Array(rows);
  for (let r = 0; r < rows; r++) for (let t = offsets[r]; t < offsets[r + 1]; t++) if (counted[t]) sums[r] += values[t];
  return sums;
}

export interface Importance {
  /** `[N]`: the ratio of each token, or that of its completion. */
  readonly ratio: Float64Array;
  /** `[N]`: its logarithm, bounded. */
  readonly log: Float64Array;
  /** Whether a row's tokens share one ratio. */
  readonly shared: boolean;
  /** ∂value/∂(log ratio) at each token, `[N]` → ∂value/∂ log π at each token, `[N]`. */
  toLogProbs(slope: Float64Array): Float64Array;
}

/**
 * Ratios of the current policy to the behaviour policy, of tokens that count. `sequence`: exp of the mean log-ratio over a row (TRL, GSPO);
 * `sequence-token`: the same value, with the gradient of each token's own log-prob (verl's and TRL's GSPO-token); `sequence-sum`: exp of
 * the sum (RLOO).
 * @param ceiling upper bound of the log-ratio; the lower one is −20.
 */
export function importance(batch: UpdateBatch, level: Level, ceiling = LIMIT): Importance {
  const { logProb, oldLogProb, rows, offsets } = batch;
  const n = logProb.length;
  const log = new Float64Array(n);
  const live = new Uint8Array(n);
  const bound = (t: number, x: number) => {
    log[t] = Math.min(ceiling, Math.max(-LIMIT, x));
    live[t] = x <= ceiling && x >= -LIMIT ? 1 : 0;
  };
  const counted = countedTokens(batch);
  const share = new Float64Array(rows).fill(1);
  if (level === "token") {
    for (let t = 0; t < n; t++) bound(t, logProb[t] - oldLogProb[t]);
  } else {
    const sums = rowSums(
      Float64Array.from(logProb, (x, t) => x - oldLogProb[t]),
      counted,
      batch,
    );
    const lengths = rowSums(new Float64Array(n).fill(1), counted, batch);
    for (let r = 0; r < rows; r++) {
      if (level !== "sequence-sum") share[r] = 1 / Math.max(1, lengths[r]);
      for (let t = offsets[r]; t < offsets[r + 1]; t++) bound(t, sums[r] * share[r]);
    }
  }
  return {
    ratio: log.map(Math.exp),
    log,
    shared: level === "sequence" || level === "sequence-sum",
    toLogProbs(slope) {
      const own = slope.map((x, t) => (live[t] ? x : 0));
      if (level === "token" || level === "sequence-token") return own;
      const all = new Uint8Array(n).fill(1);
      const sums = rowSums(own, all, batch);
      const spread = new Float64Array(n);
      for (let r = 0; r < rows; r++) for (let t = offsets[r]; t < offsets[r + 1]; t++) if (counted[t]) spread[t] = sums[r] * share[r];
      return spread;
    },
  };
}

/** What an objective says of one token: its loss, ∂loss/∂(what it depends on), and which bound holds it. */
export type TokenLoss = readonly [loss: number, slope: number, clipped?: -2 | -1 | 0 | 1];

/** Token losses with their weights: Σ weight·loss, and weight·slope. Tokens of weight 0 are left out. */
export function weighted(
  { weight }: Pick<UpdateBatch, "weight">,
  of: (t: number) => TokenLoss,
): { value: number; loss: Float64Array; slope: Float64Array; clipped: Int8Array } {
  const n = weight.length;
  const loss = new Float64Array(n);
  const slope = new Float64Array(n);
  const clipped = new Int8Array(n);
  let value = 0;
  for (let t = 0; t < n; t++) {
    if (weight[t] === 0) continue;
    const [own, rise, held] = of(t);
    loss[t] = own;
    slope[t] = weight[t] * rise;
    clipped[t] = held ?? 0;
    value += weight[t] * own;
  }
  return { value, loss, slope, clipped };
}
