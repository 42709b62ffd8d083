import type { Numbers, RolloutBatch } from "./batch.ts";
import type { Parameter, Parameters } from "./plugin.ts";
import { mean, standardDeviation } from "./statistics.ts";

/** LaSeR's self-reward: what the policy itself thinks of its answer, read off one reserved token after the answer's end. */

/** How a log-probability becomes a score: β·(log π − reference). */
export interface SelfRewardScale {
  readonly beta: number;
  readonly reference: number;
}

/** The share of the way from the reference log-prob to certainty (log π = 0) at which the score is 1, where no β is given. */
const SPAN = 0.45;

/** The scale's parameters, for every plug-in that reads self-rewards: with 0 both are measured, so that they agree. */
export const SCALE_PARAMETERS: Readonly<Record<"reference" | "beta", Parameter>> = {
  reference: {
    kind: "number",
    label: "Log-prob that means 0",
    default: 0,
    min: -100,
    max: 0,
    slider: [-30, 0, 0.5],
    symbol: "c_{\\text{ref}}",
    effect: "The reserved token's log-probability that stands for a wrong answer; 0 measures what the reference policy gives it.",
  },
  beta: {
    kind: "number",
    label: "Self-reward β",
    default: 0,
    min: 0,
    max: 100,
    slider: [0, 1, 0.01],
    symbol: "\\beta",
    effect:
      "Self-reward per nat above that; 0 sets it so that a right answer's log-probability lies a little less than half way to certainty.",
  },
};

/** A self-reward's formula. What is measured instead of given has no knob, and so a symbol of its own (LaTeX). */
export function selfRewardLatex({ reference, beta }: Parameters): string {
  const zero = reference === 0 ? "\\bar c" : "c_{\\text{ref}}";
  const measured = reference === 0 ? ",\\quad \\bar c=\\mathrm{mean}\\,\\log\\pi_{\\text{ref}}(z_c)" : "";
  const scale = beta === 0 ? `\\frac{1}{${SPAN}\\,|${zero}|}` : "\\beta";
  return `r_s=${scale}\\,\\big(\\log\\pi(z_c\\mid x,y_i)-${zero}\\big)${measured}`;
}

/** The scale in force: as the parameters say, or from the mean log-prob that the reference gives the token after the rows that ended. */
export function scaleOf(params: Parameters, scores: RolloutBatch["scores"]): SelfRewardScale {
  const given = params.reference as number;
  const measured = Array.from(scores.refVerdictLogProb ?? scores.verdictLogProb ?? []).filter(Number.isFinite);
  // −23 is the constant of the released scripts.
  const reference = given !== 0 ? given : measured.length > 0 ? mean(measured) : -23;
  const beta = params.beta as number;
  return { reference, beta: beta > 0 ? beta : 1 / Math.max(SPAN * Math.abs(reference), 1e-6) };
}

/** `[rows]`: β·(log π − reference), not clipped; NaN where a row was cut off. */
export const selfRewards = (logProbs: Numbers, { beta, reference }: SelfRewardScale): number[] =>
  Array.from(logProbs, (logProb) => beta * (logProb - reference));

/** `[rows]`: a self-reward held in [0, 1]; 0 where a row was cut off. */
export const heldScores = (selfReward: readonly number[]): number[] =>
  selfReward.map((score) => (Number.isNaN(score) ? 0 : Math.min(1, Math.max(0, score))));

/**
 * `[rows]`: the weight of each row's class (label 1 or 0), so that both classes weigh the same: N/(2·N_class) over the rows that count;
 * 0 for a class without any and for unscorable rows.
 */
export function classWeights(labels: readonly number[], counts: readonly boolean[]): number[] {
  const size = (label: number) => labels.filter((l, r) => counts[r] && l === label).length;
  const sizes = [size(0), size(1)];
  return labels.map((label) => (sizes[label] > 0 ? (sizes[0] + sizes[1]) / (2 * sizes[label]) : 0));
}

/**
 * The class-balanced squared error between self-reward and label, averaged over all rows (rows that were cut off are 0 in the sum), with
 * its derivative by each row's log-prob.
 * @param rows what the sum is divided by, where some rows are not meant (demonstrations).
 */
export function selfRewardError(
  selfReward: readonly number[],
  labels: readonly number[],
  weights: readonly number[],
  beta: number,
  rows = selfReward.length,
): { readonly value: number; readonly derivative: Float64Array } {
  const derivative = new Float64Array(selfReward.length);
  let value = 0;
  selfReward.forEach((score, r) => {
    const gap = score - labels[r];
    if (!Number.isFinite(gap)) return;
    value += (weights[r] * gap * gap) / rows;
    derivative[r] = (2 * weights[r] * gap * beta) / rows;
  });
  return { value, derivative };
}

export interface SelfAdvantages {
  /** `[groups]`: of the scores. */
  readonly means: number[];
  readonly deviations: number[];
  /** `[rows]`: (own − mean)/std; NaN where the group's spread is at most the least one, so that the verifier's advantage stands. */
  readonly advantage: number[];
}

/**
 * Scores against those of their group: sample deviation (n − 1), no ε. Groups whose spread is at most `leastSpread`, and groups of one,
 * have none.
 * @param own each row's own score where it differs from the one in the group's mean and deviation.
 */
export function selfAdvantages(
  scores: readonly number[],
  groups: RolloutBatch["groups"],
  leastSpread: number,
  own: readonly number[] = scores,
): SelfAdvantages {
  const advantage = new Array<number>(scores.length).fill(Number.NaN);
  const statistics = groups.map((members) => {
    const values = members.map((r) => scores[r]);
    const center = mean(values);
    const spread = values.length > 1 ? standardDeviation(values, 1) : 0;
    if (spread > leastSpread) for (const r of members) advantage[r] = (own[r] - center) / spread;
    return { center, spread };
  });
  return { means: statistics.map((s) => s.center), deviations: statistics.map((s) => s.spread), advantage };
}
