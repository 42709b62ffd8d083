import { LIMIT } from "../../algorithm/objectives/ratio.ts";
import type { StepRecord } from "../../loop/record.ts";
import { fixed, short, signed } from "../format.ts";
import { participations } from "../stage/token-facts.ts";

/**
 * The chain of numbers from an answer's reward to one token's coefficient in the gradient, read from the record: for group-relative
 * advantages and the clipped surrogate, where the formula gives the recorded numbers. `terms.ts` tells of all other recipes.
 */

/** Whether the formula's number is the recorded one, which has the precision of a float32. */
const agrees = (formula: number, recorded: number) => Math.abs(formula - recorded) <= 1e-3 * Math.abs(recorded) + 1e-7;

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

/** Undefined where the advantage is not known, or not the reward's distance from a baseline over a spread. */
export function advantageChain(record: StepRecord, row: number): AdvantageChain | undefined {
  const { reward, baseline, scale, advantage } = record.rollouts[row];
  if (reward === undefined || baseline === undefined || scale === undefined || advantage === undefined) return undefined;
  const { settings } = record;
  if (settings.advantage !== "group" || settings.shapers !== undefined) return undefined;
  const divided = settings["advantage.scale"] !== "none" && reward !== baseline;
  const eps = settings["advantage.eps"] as number;
  const chain = { reward, baseline, scale, advantage, divided, eps };
  return agrees((reward - baseline) / (divided ? scale + eps : 1), advantage) ? chain : undefined;
}

/** A piece of a line: text, or a term by its key. */
export interface Piece {
  readonly text: string;
  readonly key?: string;
}

/** A line as a person reads it. */
export const lineText = (pieces: readonly Piece[]) => pieces.map(({ text }) => text).join("");

const term = (key: string, text: string): Piece => ({ key, text });
const plain = (text: string): Piece => ({ text });

/** Keys of the two terms that the group-relative estimator measures. */
export const BASELINE = "advantage.group.baselines";
export const SPREAD = "advantage.group.scales";

/** The advantage in words, and with its numbers. */
export function advantagePieces({ reward, baseline, scale, advantage, divided }: AdvantageChain): { symbols: Piece[]; numbers: Piece[] } {
  const symbols = [term("reward", "reward"), plain(" − "), term(BASELINE, "baseline")];
  const numbers = [term("reward", fixed(reward)), plain(" − "), term(BASELINE, fixed(baseline))];
  const result = [plain(" = "), term("advantage", signed(advantage))];
  if (!divided) return { symbols, numbers: [...numbers, ...result] };
  return {
    symbols: [plain("("), ...symbols, plain(") ÷ "), term(SPREAD, "spread")],
    numbers: [plain("("), ...numbers, plain(") ÷ "), term(SPREAD, fixed(scale)), ...result],
  };
}

export const advantageLine = (chain: AdvantageChain) => lineText(advantagePieces(chain).numbers);

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
  /** Whether `coefficientByFormula` is the recorded coefficient: so it is for the clipped surrogate of single tokens, with k3 in the loss. */
  readonly plain: boolean;
}

/** Every update in which the token took part, in order. */
export function tokenUpdates(record: StepRecord, row: number, index: number): TokenUpdate[] {
  const { tokens, settings } = record;
  if (!tokens) return [];
  const at = tokens.offsets[row] + index;
  const k3 = settings.kl === "k3" && settings["kl.place"] === "loss" && settings["kl.gradient"] === "own";
  const beta = k3 ? (settings["kl.coefficient"] as number) : 0;
  const clippedTokens = settings.objective === "clipped" && settings["objective.level"] === "token";
  return participations(record, row).map(({ number, update, offset }) => {
    const t = offset + index;
    const gap = tokens.refLogProb ? tokens.refLogProb[at] - update.logProb[t] : 0;
    const clipped = update.clipped[t];
    const values: Omit<TokenUpdate, "plain"> = {
      number: number + 1,
      epoch: update.epoch + 1,
      miniBatch: update.miniBatch + 1,
      probability: Math.exp(update.logProb[t]),
      oldProbability: Math.exp(tokens.oldLogProb[at]),
      ratio: update.ratio[t],
      clip: clipped === 1 ? "above" : clipped === -1 ? "below" : clipped === -2 ? "dual" : "none",
      advantage: tokens.advantage?.[at] ?? record.rollouts[row].advantage ?? 0,
      weight: update.weight[t],
      coefficient: update.coefficient[t],
      klSlope: beta !== 0 && Math.abs(gap) <= LIMIT ? -beta * Math.expm1(gap) : 0,
      beta,
      applied: update.applied,
    };
    return { ...values, plain: clippedTokens && agrees(coefficientByFormula(values), values.coefficient) };
  });
}

/** The coefficient as the formula gives it; the record has what was trained with, and the two agree. */
export function coefficientByFormula({ clip, ratio, advantage, weight, klSlope }: Omit<TokenUpdate, "plain">): number {
  return weight * ((clip === "none" ? -ratio * advantage : 0) + klSlope);
}

/** The ratio, with its numbers. */
export function ratioPieces({ probability, oldProbability, ratio }: TokenUpdate): { symbols: Piece[]; numbers: Piece[] } {
  return {
    symbols: [term("logProb", "π now"), plain(" ÷ "), term("oldLogProb", "π old")],
    numbers: [
      term("logProb", short(probability)),
      plain(" ÷ "),
      term("oldLogProb", short(oldProbability)),
      plain(" = "),
      term("ratio", fixed(ratio, 3)),
    ],
  };
}

/** Where the ratio stands among the clip's bounds. */
export function clipPieces({ settings }: StepRecord, { clip }: TokenUpdate): Piece[] {
  const [low, high] = [settings["objective.clipLow"], settings["objective.clipHigh"]];
  const state = term("clip", { none: "not clipped", above: "held above", below: "held below", dual: "held by the dual clip" }[clip]);
  // Bounds on something else than the token's ratio say nothing beside it.
  const tokens = settings.objective === "clipped" && (settings["objective.level"] ?? "token") === "token";
  if (!tokens || typeof low !== "number" || typeof high !== "number") return [state];
  return [term("objective.clipLow", short(1 - low, 4)), plain(" … "), term("objective.clipHigh", short(1 + high, 4)), plain(" "), state];
}

/** The coefficient with symbols, and with this token's numbers. */
export function coefficientPieces(update: TokenUpdate): { symbols: Piece[]; numbers: Piece[] } {
  const { clip, ratio, advantage, weight, coefficient, klSlope, beta } = update;
  const result = term("coefficient", short(coefficient));
  const free = clip === "none";
  const times = (w: string) => [plain(" · "), term("weight", w)];
  const surrogate = free
    ? {
        symbols: [term("advantage", "−A"), plain(" · "), term("ratio", "ρ")],
        numbers: [term("advantage", fixed(-advantage)), plain(" · "), term("ratio", fixed(ratio, 3))],
      }
    : { symbols: [term("clip", "0")], numbers: [term("clip", "0")] };
  if (beta === 0)
    return free
      ? { symbols: [...surrogate.symbols, ...times("w")], numbers: [...surrogate.numbers, ...times(short(weight)), plain(" = "), result] }
      : { symbols: [term("clip", "0, because the clip holds")], numbers: [result] };
  const sign = klSlope < 0 ? "−" : "+";
  return {
    symbols: [
      plain("("),
      ...surrogate.symbols,
      plain(" − "),
      term("kl.coefficient", "β"),
      plain(" · ("),
      term("refLogProb", "π ref"),
      plain("/π − 1))"),
      ...times("w"),
    ],
    numbers: [
      plain("("),
      ...surrogate.numbers,
      plain(` ${sign} `),
      term("kl.coefficient", short(beta)),
      plain(" · "),
      term("refLogProb", short(Math.abs(klSlope / beta))),
      plain(")"),
      ...times(short(weight)),
      plain(" = "),
      result,
    ],
  };
}

/** The same as text. */
export function coefficientLine(update: TokenUpdate): { symbols: string; numbers: string } {
  const { symbols, numbers } = coefficientPieces(update);
  return { symbols: lineText(symbols), numbers: lineText(numbers) };
}

/** What the update did with the token and why, in a sentence that claims no more than the recipe makes true. */
export function inWords(record: StepRecord, update: TokenUpdate): string {
  const { clip, advantage, coefficient, ratio, weight, plain } = update;
  const { settings } = record;
  if (!update.applied) return "A number in this update was not finite, so it was skipped.";
  const push = coefficient < 0 ? "pushed up" : "pushed down";
  if (weight === 0)
    return coefficient === 0
      ? "Its weight is 0: it has no part in the loss."
      : `Its weight in the policy’s loss is 0; other parts of the loss have it ${push}.`;
  const rest = coefficient === 0 ? "its gradient stops" : plain ? `only the KL penalty moves it (${push})` : `it is still ${push}`;
  if (clip !== "none") {
    const low = settings["objective.clipLow"] as number;
    const high = settings["objective.clipHigh"] as number;
    if (plain && clip === "above")
      return `The answer is good, but ρ ${fixed(ratio, 3)} is past ${fixed(1 + high)} (1 + clip high): ${rest}.`;
    if (plain && clip === "below") return `The answer is bad, but ρ ${fixed(ratio, 3)} is below ${fixed(1 - low)} (1 − clip low): ${rest}.`;
    if (clip === "dual") return `The loss of this bad token has reached its bound: ${rest}.`;
    return `A bound of the objective holds it ${clip === "above" ? "above" : "below"}: ${rest}.`;
  }
  const grouped = settings.advantage === "group" && settings["advantage.baseline"] === "mean" && settings.shapers === undefined;
  if (coefficient === 0) {
    if (advantage !== 0) return "Nothing pushes this token in this update.";
    return grouped
      ? "The answer is exactly as good as its group’s average: nothing pushes this token."
      : "Its advantage is 0: nothing pushes this token.";
  }
  const up = coefficient < 0;
  if (advantage === 0)
    return `${plain ? "The KL penalty acts" : "Its advantage is 0, yet other parts of the loss act"}, so this token is ${push}.`;
  if (advantage > 0 !== up)
    return `Its advantage is ${advantage > 0 ? "above" : "below"} 0, yet the loss as a whole has this token ${push}.`;
  const good = grouped ? "The answer beat its group’s average" : "Its advantage is above 0";
  const bad = grouped ? "The answer fell short of its group’s average" : "Its advantage is below 0";
  return `${advantage > 0 ? good : bad}, so this token is ${push}.`;
}
