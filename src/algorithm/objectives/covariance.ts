import type { UpdateBatch } from "../batch.ts";
import type { NumberParameter, Parameters } from "../plugin.ts";
import type { ObjectivePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { clippedLoss } from "./clipped.ts";
import { tokenMean } from "./metrics.ts";
import { clipHigh, clipLow, LOSS_TERM, RATIO_TERM } from "./parameters.ts";
import { countedTokens, importance, weighted } from "./ratio.ts";

/** Two objectives that watch the tokens which drive entropy down: those whose advantage and log-probability are both far above average. */

const fraction: NumberParameter = {
  kind: "number",
  label: "Share of tokens",
  default: 2e-4,
  min: 1e-6,
  max: 1,
  slider: [1e-4, 0.2, 1e-4],
  scale: "log",
  symbol: "q",
  effect: "How many of the batch's tokens are held back, as a share; at least one.",
};

const COVARIANCE_TERM = {
  symbol: "\\mathrm{cov}_t",
  meaning: "the token's part of the covariance of advantage and log-probability, which is what lowers entropy",
} as const;

/** `[N]`: (A − mean A)(log π − mean log π) over tokens that count; −∞ for the others. */
export function covariances(batch: UpdateBatch): Float64Array {
  const counted = countedTokens(batch);
  const [a, l] = [tokenMean(batch, (t) => batch.advantage[t]), tokenMean(batch, (t) => batch.logProb[t])];
  return Float64Array.from(batch.logProb, (x, t) => (counted[t] ? (batch.advantage[t] - a) * (x - l) : Number.NEGATIVE_INFINITY));
}

const wanted = (batch: UpdateBatch, params: Parameters) =>
  Math.max(1, Math.floor((params.share as number) * countedTokens(batch).reduce((a, b) => a + b, 0)));

/** For display: tokens that do not count have 0. */
const shown = (covariance: Float64Array) => covariance.map((x) => (Number.isFinite(x) ? x : 0));

/** Tokens that Clip-Cov may drop: inside the window and not held by the ordinary clip. */
export function clipCovCandidates(batch: UpdateBatch, params: Parameters): { candidates: number[]; wanted: number } {
  const { ratio } = importance(batch, "token");
  const [low, high] = [params.clipLow as number, params.clipHigh as number];
  const covariance = covariances(batch);
  const candidates = Array.from(covariance.keys()).filter((t) => {
    const held = Math.min(1 + high, Math.max(1 - low, ratio[t]));
    if (-held * batch.advantage[t] > -ratio[t] * batch.advantage[t]) return false;
    return covariance[t] > (params.lower as number) && covariance[t] < (params.upper as number);
  });
  return { candidates, wanted: wanted(batch, params) };
}

/** Clip-Cov: a few tokens of high covariance, drawn by chance, learn nothing. */
export const clipCov: ObjectivePlugin = {
  id: "clip-cov",
  name: "Clip-Cov",
  scope: "batch",
  parameters: {
    clipLow,
    clipHigh,
    share: fraction,
    lower: {
      kind: "number",
      label: "Lowest covariance",
      default: 1,
      min: 0,
      max: 1000,
      slider: [0, 5, 0.1],
      symbol: "c_{\\text{low}}",
      effect: "Only tokens above this may be dropped.",
    },
    upper: {
      kind: "number",
      label: "Highest covariance",
      default: 5,
      min: 0,
      max: 1000,
      slider: [0, 20, 0.1],
      symbol: "c_{\\text{high}}",
      effect: "Only tokens below this may be dropped.",
    },
  },
  explanation: {
    sentence: "Entropy falls because of a few tokens that are both probable and praised; some of those are left out of each update.",
    latex:
      "\\ell_t=\\begin{cases}0&t\\in S\\\\-\\min\\!\\big(\\rho_t A_t,\\ \\mathrm{clip}(\\rho_t, 1-\\epsilon_{\\text{low}}, 1+\\epsilon_{\\text{high}})\\,A_t\\big)&\\text{else}\\end{cases},\\quad S:\\text{ up to }q\\text{ of the tokens, from } c_{\\text{low}}<\\mathrm{cov}_t<c_{\\text{high}}",
    source: SOURCES.entropyMechanism,
  },
  terms: { ratio: RATIO_TERM, covariance: COVARIANCE_TERM, loss: LOSS_TERM },
  lossAndCoefficients(batch, params, _, random) {
    const { candidates, wanted } = clipCovCandidates(batch, params);
    const chosen = candidates.length > wanted ? random.shuffle(candidates).slice(0, wanted) : candidates;
    const weight = Float64Array.from(batch.weight);
    for (const t of chosen) weight[t] = 0;
    const clip = { low: params.clipLow as number, high: params.clipHigh as number, dualClip: 0, delta: 0 };
    const result = clippedLoss({ ...batch, weight, mask: countedTokens(batch) }, importance(batch, "token"), clip);
    for (const t of chosen) if (result.clipped) result.clipped[t] = 1;
    const share = tokenMean(batch, (t) => chosen.includes(t));
    return {
      ...result,
      terms: { ...result.terms, covariance: shown(covariances(batch)) },
      metrics: { "actor/pg_clipfrac": share, "actor/ppo_kl": result.metrics?.["actor/ppo_kl"] ?? 0 },
    };
  },
};

/** KL-Cov: the tokens of highest covariance pay for moving; nothing is clipped. */
export const klCov: ObjectivePlugin = {
  id: "kl-cov",
  name: "KL-Cov",
  scope: "batch",
  parameters: {
    share: fraction,
    coefficient: {
      kind: "number",
      label: "Penalty",
      default: 1,
      min: 0,
      max: 100,
      slider: [0, 5, 0.1],
      symbol: "\\beta",
      effect: "What the chosen tokens pay for each nat that they move away from where they were.",
    },
  },
  explanation: {
    sentence: "The few tokens that would lower entropy most are tied to where they were when the batch was drawn.",
    latex: "\\ell_t = -\\rho_t A_t + \\big[\\mathrm{cov}_t\\text{ in the top }q\\big]\\,\\beta\\,|\\log\\rho_t|",
    source: SOURCES.entropyMechanism,
  },
  terms: { ratio: RATIO_TERM, covariance: COVARIANCE_TERM, loss: LOSS_TERM },
  lossAndCoefficients(batch, params) {
    const { logProb, oldLogProb, advantage } = batch;
    const { ratio, log, toLogProbs } = importance(batch, "token");
    const covariance = covariances(batch);
    const order = Array.from(covariance.keys())
      .filter((t) => Number.isFinite(covariance[t]))
      .sort((a, b) => covariance[b] - covariance[a]);
    const chosen = new Set(order.slice(0, wanted(batch, params)));
    const beta = params.coefficient as number;
    const { value, loss, slope, clipped } = weighted(batch, (t) => {
      const own = -ratio[t] * advantage[t];
      return chosen.has(t) ? [own + beta * Math.abs(log[t]), own + beta * Math.sign(log[t]), 1] : [own, own];
    });
    const metrics = { "actor/ppo_kl": tokenMean(batch, (t) => Math.abs(logProb[t] - oldLogProb[t])) };
    return { value, loss, coefficient: toLogProbs(slope), clipped, terms: { ratio, covariance: shown(covariance) }, metrics };
  },
};
