import type { Draw } from "./contender.ts";
import type { Outcome } from "./grpo.ts";
import { NEW_TOKENS } from "./workload.ts";

/** What a contender's numbers may be away from the portable engine's before they count as another computation. */
export const TOLERANCE = {
  /** |ΔL| / max(1, |L|): of the first three steps, or of an iteration's updates. */
  loss: 1e-4,
  /** ‖Δg‖ / ‖g‖ of the first step's gradient, all parameters. */
  gradient: 1e-3,
  /** ‖Δ(θₙ − θ₀)‖ / ‖θₙ − θ₀‖ after n steps of Adam, which divides by small numbers: three, or an iteration's updates. */
  update: 2e-2,
  /** Share of rows that may leave the common path: a uniform that lies within rounding of a token's edge. */
  rows: 0.05,
  /** Largest difference of log-probs in the rows that are the same. */
  logProb: 1e-3,
  /** Share of an iteration's rows with other tokens: none, for all that follows depends on them. */
  tokens: 0,
  /** Largest difference of an iteration's rewards. */
  reward: 1e-6,
} as const;

/** How far a contender was from the portable engine. */
export type Agreement = Readonly<Record<string, number>>;

/** ‖a − b‖ / ‖b‖; Infinity if anything is not a number. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  const error = Math.sqrt(difference / norm);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

/** What is beyond tolerance, in words; undefined if nothing is. */
export function disagreement(agreement: Agreement): string | undefined {
  const beyond = Object.entries(agreement).filter(([key, error]) => !(error <= TOLERANCE[key as keyof typeof TOLERANCE]));
  if (beyond.length === 0) return undefined;
  return beyond.map(([key, error]) => `${key} off by ${error.toExponential(1)}`).join(", ");
}

/** The largest of differences; Infinity if one is not a number or one list is longer. */
function largest(a: readonly number[], b: readonly number[], difference: (a: number, b: number) => number): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  const most = a.reduce((most, x, i) => Math.max(most, difference(x, b[i])), 0);
  return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most;
}

/** How losses differ, and the gradients and updates that came with them. */
export interface Learned {
  readonly losses: readonly number[];
  /** Of the first step. */
  readonly gradient: Float32Array;
  /** θₙ − θ₀. */
  readonly update: Float32Array;
}

const lossError = (a: number, b: number) => Math.abs(a - b) / Math.max(1, Math.abs(b));

export function trainingAgreement(learned: Learned, truth: Learned): Agreement {
  return {
    loss: largest(learned.losses, truth.losses, lossError),
    gradient: relativeError(learned.gradient, truth.gradient),
    update: relativeError(learned.update, truth.update),
  };
}

/** How two draws of the same rows differ. */
export function drawAgreement(draw: Draw, truth: Draw): Agreement {
  const rows = truth.tokens.length / NEW_TOKENS;
  if (draw.tokens.length !== truth.tokens.length) return { rows: 1, logProb: Number.POSITIVE_INFINITY };
  let different = 0;
  let logProb = 0;
  for (let r = 0; r < rows; r++) {
    for (let i = r * NEW_TOKENS; i < (r + 1) * NEW_TOKENS; i++) {
      if (draw.tokens[i] !== truth.tokens[i]) {
        different++;
        break;
      }
      const error = Math.abs(draw.logProbs[i] - truth.logProbs[i]);
      if (!(error <= logProb)) logProb = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  return { rows: different / rows, logProb };
}

/** An iteration, and what it added to the weights. */
export interface Iterated {
  readonly outcome: Outcome;
  readonly update: Float32Array;
}

/** How two iterations from the same weights and uniforms differ. */
export function iterationAgreement({ outcome, update }: Iterated, truth: Iterated): Agreement {
  const rows = truth.outcome.rewards.length;
  const different = truth.outcome.rewards.filter((_, r) =>
    truth.outcome.tokens.subarray(r * NEW_TOKENS, (r + 1) * NEW_TOKENS).some((token, t) => outcome.tokens[r * NEW_TOKENS + t] !== token),
  );
  return {
    tokens: different.length / rows,
    reward: largest(outcome.rewards, truth.outcome.rewards, (a, b) => Math.abs(a - b)),
    loss: largest(outcome.losses, truth.outcome.losses, lossError),
    update: relativeError(update, truth.update),
  };
}
