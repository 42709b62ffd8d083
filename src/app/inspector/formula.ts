import type { StepRecord } from "../../loop/record.ts";
import { fixed, short, signed } from "../format.ts";
import { participations } from "../stage/token-facts.ts";

/** The chain of numbers from an answer's reward to one token's coefficient in the gradient, read from the record. */

export interface AdvantageChain {
  readonly reward: number;
  readonly baseline: number;
  readonly scale: number;
  readonly advantage: number;
  /** Whether the scale divides. */
  readonly divided: boolean;
  /** Added to the scale before dividing. */
  readonly eps: number;
}

export function advantageChain(record: StepRecord, row: number): AdvantageChain | undefined {
  const { reward, baseline, scale, advantage } = record.rollouts[row];
  if (reward === undefined || baseline === undefined || scale === undefined || advantage === undefined) return undefined;
  const { settings } = record;
  const divided = settings["advantage.scale"] !== "none" && reward !== baseline;
  return { reward, baseline, scale, advantage, divided, eps: settings["advantage.eps"] as number };
}

export function advantageLine({ reward, baseline, scale, advantage, divided }: AdvantageChain): string {
  const difference = `${fixed(reward)} − ${fixed(baseline)}`;
  return divided ? `(${difference}) ÷ ${fixed(scale)} = ${signed(advantage)}` : `${difference} = ${signed(advantage)}`;
}

export type Clip = "none" | "above" | "below" | "dual";

/** One optimizer step's part in a token. */
export interface TokenUpdate {
  /** Its place among the step's updates, from 1. */
  readonly number: number;
  readonly epoch: number;
  readonly miniBatch: number;
  readonly probability: number;
  readonly oldProbability: number;
  readonly ratio: number;
  readonly clip: Clip;
  readonly advantage: number;
  readonly weight: number;
  readonly coefficient: number;
  /** The KL penalty's part of the coefficient, before the weight; 0 without one. */
  readonly klSlope: number;
  readonly beta: number;
  readonly applied: boolean;
}

/** Differences of log-probs are bounded like the kernel bounds them. */
const LIMIT = 20;

/** Every update in which the token took part, in order. */
export function tokenUpdates(record: StepRecord, row: number, index: number): TokenUpdate[] {
  const { tokens, settings } = record;
  if (!tokens) return [];
  const at = tokens.offsets[row] + index;
  const beta = settings["kl.coefficient"] as number;
  return participations(record, row).map(({ number, update, offset }) => {
    const t = offset + index;
    const gap = tokens.refLogProb ? tokens.refLogProb[at] - update.logProb[t] : 0;
    const clipped = update.clipped[t];
    return {
      number: number + 1,
      epoch: update.epoch + 1,
      miniBatch: update.miniBatch + 1,
      probability: Math.exp(update.logProb[t]),
      oldProbability: Math.exp(tokens.oldLogProb[at]),
      ratio: update.ratio[t],
      clip: clipped === 1 ? "above" : clipped === -1 ? "below" : clipped === -2 ? "dual" : "none",
      advantage: record.rollouts[row].advantage ?? 0,
      weight: update.weight[t],
      coefficient: update.coefficient[t],
      klSlope: beta !== 0 && Math.abs(gap) <= LIMIT ? -beta * Math.expm1(gap) : 0,
      beta,
      applied: update.applied,
    };
  });
}

/** The coefficient as the formula gives it; the record has what was trained with, and the two agree. */
export function coefficientByFormula({ clip, ratio, advantage, weight, klSlope }: TokenUpdate): number {
  return weight * ((clip === "none" ? -ratio * advantage : 0) + klSlope);
}

/** The formula with symbols, and with this token's numbers. */
export function coefficientLine(update: TokenUpdate): { symbols: string; numbers: string } {
  const { clip, ratio, advantage, weight, coefficient, klSlope, beta } = update;
  const w = short(weight);
  const surrogate = clip === "none" ? `${fixed(-advantage)} · ${fixed(ratio, 3)}` : "0";
  const result = short(coefficient);
  if (beta === 0) {
    return clip === "none"
      ? { symbols: "−A · ρ · w", numbers: `${surrogate} · ${w} = ${result}` }
      : { symbols: "0, because the clip holds", numbers: result };
  }
  return {
    symbols: clip === "none" ? "(−A · ρ − β · (π ref/π − 1)) · w" : "(0 − β · (π ref/π − 1)) · w",
    numbers: `(${surrogate} ${klSlope < 0 ? "−" : "+"} ${short(Math.abs(klSlope))}) · ${w} = ${result}`,
  };
}

/** What the update did with the token and why, in a sentence. */
export function inWords(record: StepRecord, update: TokenUpdate): string {
  const { clip, advantage, coefficient, ratio, weight } = update;
  const low = record.settings["objective.clipLow"] as number;
  const high = record.settings["objective.clipHigh"] as number;
  if (!update.applied) return "The gradient was not finite, so this update was skipped.";
  if (weight === 0) return "This answer is masked: its tokens have no weight in the loss.";
  const push = coefficient < 0 ? "pushed up" : "pushed down";
  const rest = coefficient === 0 ? "its gradient stops" : `only the KL penalty moves it (${push})`;
  if (clip === "above") return `The answer is good, but ρ ${fixed(ratio, 3)} is past ${fixed(1 + high)} (1 + clip high): ${rest}.`;
  if (clip === "below") return `The answer is bad, but ρ ${fixed(ratio, 3)} is below ${fixed(1 - low)} (1 − clip low): ${rest}.`;
  if (clip === "dual") return `The loss of this bad token has reached the dual clip: ${rest}.`;
  if (coefficient === 0) return "The answer is exactly as good as its group’s average: nothing pushes this token.";
  const why =
    advantage > 0
      ? "The answer beat its group’s average"
      : advantage < 0
        ? "The answer fell short of its group’s average"
        : "The KL penalty acts";
  return `${why}, so this token is ${push}.`;
}
