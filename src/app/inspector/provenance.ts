import type { StepRecord } from "../../loop/record.ts";
import type { ListSlot, Slot } from "../../recipes/slots.ts";
import { type At, PLACES, type Place, type PlaceId } from "./places.ts";

/**
 * Where the numbers of a token's formula come from: one map, read in both directions. A term lights up what its place selects on the page;
 * an element on the stage lights up the terms whose places select it.
 */

/** What all recipes have: symbols as formulas write them, and where they come from. */
export interface Common {
  readonly place: PlaceId;
  readonly meaning: string;
  /** LaTeX; the first names the term, all are found in formulas. */
  readonly symbols: readonly string[];
}

export const COMMON = {
  reward: { place: "reward", meaning: "the answer’s reward", symbols: ["r_i", "r_{i,s}"] },
  advantage: {
    place: "advantage",
    meaning: "the token’s advantage",
    symbols: ["A_t", "A_i", "A_{i,t}", "A_g", "\\hat A_i", "\\hat A_t", "A"],
  },
  before: {
    place: "advantage",
    meaning: "the token’s advantage before this shaper",
    symbols: ["A_t", "A_i", "A_{i,t}", "\\hat A_i", "A_v"],
  },
  logProb: {
    place: "logProb",
    meaning: "log-probability of the token now",
    symbols: ["\\log\\pi", "\\log\\pi(o_t)", "\\log\\pi_\\theta(o_{i,t})"],
  },
  oldLogProb: { place: "oldLogProb", meaning: "log-probability when it was drawn", symbols: ["\\log\\pi_{\\text{old}}"] },
  refLogProb: { place: "reference", meaning: "log-probability under the reference", symbols: ["\\log\\pi_{\\text{ref}}"] },
  samplerLogProb: { place: "samplerLogProb", meaning: "log-probability it was drawn with", symbols: ["\\log\\pi_{\\text{sampler}}"] },
  ratio: { place: "ratio", meaning: "importance ratio: probability now over probability when drawn", symbols: ["\\rho_t"] },
  length: { place: "length", meaning: "tokens of the answer", symbols: ["|o_i|", "|o|"] },
  loss: { place: "loss", meaning: "the token’s loss", symbols: ["\\ell_{i,t}", "\\ell_t"] },
  answers: { place: "denominator", meaning: "answers of the mini-batch", symbols: ["n"] },
  tokens: { place: "denominator", meaning: "tokens of the mini-batch", symbols: ["\\sum_i |o_i|"] },
  batchTokens: { place: "denominator", meaning: "tokens of the whole batch", symbols: ["\\sum_{i \\in \\text{batch}} |o_i|"] },
  width: { place: "denominator", meaning: "tokens of the mini-batch’s longest answer", symbols: ["W"] },
  limit: { place: "knob", meaning: "the longest answer allowed", symbols: ["L_{\\max}"] },
  weight: { place: "weight", meaning: "how much the token counts in the policy’s loss: aggregation times token weights", symbols: ["w"] },
  coefficient: { place: "coefficient", meaning: "∂L/∂ log π of the token, all parts of the loss together", symbols: ["c"] },
  clip: { place: "clip", meaning: "whether a bound holds the token", symbols: ["\\mathrm{clip}"] },
  entropy: { place: "entropy", meaning: "entropy of the policy’s choice, in nats", symbols: ["H_t"] },
} as const satisfies Record<string, Common>;

export type CommonId = keyof typeof COMMON;

type Names = Readonly<Record<string, PlaceId>>;

/** Where declared terms come from, by slot and term; `plugin.term` where a plug-in means something else by the name than others do. */
const TERMS: Readonly<Partial<Record<Slot | ListSlot, Names>>> = {
  sampler: { T: "knob", tau: "knob", decay: "knob", width: "knob", branching: "knob" },
  groupFilter: { G: "knob" },
  rewardChannel: { flip: "knob" },
  reward: { v: "verdict", f: "verdict", overlong: "length", label: "groupNumber" },
  rewards: { overlong: "length", stop: "length", length: "length", rank: "groupNumber" },
  advantage: {
    baselines: "groupMean",
    scales: "groupSpread",
    "reinforce.baselines": "earlierSteps",
    "remax.baselines": "greedy",
    "risk.scales": "batchRewards",
    returns: "returns",
    energies: "wholeAnswer",
    factors: "batchRewards",
    seconds: "groupNumber",
    credits: "groupNumber",
    sums: "groupNumber",
    values: "valueHead",
    raw: "returns",
    "tree.raw": "branches",
    bests: "groupNumber",
    visits: "earlierSteps",
    stepMean: "groupMean",
    stepStd: "groupSpread",
    memoryMean: "earlierSteps",
    memoryStd: "earlierSteps",
    paperScore: "batchRewards",
    lower: "batchRewards",
    upper: "batchRewards",
    paperAdvantage: "batchRewards",
    metric: "wholeAnswer",
    other: "groupNumber",
    own: "groupNumber",
    comparisons: "branches",
  },
  shapers: {
    before: "advantage",
    confidence: "inner",
    relative: "inner",
    certainty: "inner",
    thr: "inner",
    threshold: "inner",
    selfReward: "opinion",
    selfAdvantage: "opinion",
  },
  objective: {
    ratio: "ratio",
    clipped: "clip",
    kl: "reference",
    loss: "loss",
    factor: "ratio",
    gate: "ratio",
    phi: "ratio",
    divergence: "moved",
    covariance: "manyTokens",
    moved: "moved",
    low: "clip",
    high: "clip",
    score: "wholeAnswer",
    positiveWeight: "groupNumber",
    push: "groupNumber",
    implicitReward: "wholeAnswer",
    "implicit-critic.score": "groupNumber",
    classWeight: "groupNumber",
  },
  tokenWeights: { samplerRatio: "samplerLogProb", divergence: "wholeAnswer", kept: "tokenWeight", finished: "tokenWeight" },
  kl: { kl: "reference" },
  losses: {
    entropy: "entropy",
    nll: "demonstration",
    right: "verdict",
    share: "knob",
    expertWeight: "demonstration",
    selfReward: "opinion",
    classWeight: "groupNumber",
  },
  optimizer: { gradNorm: "gradient" },
};

/** What a person's own formula can name, and where that comes from. */
export const INPUTS: Names = {
  step: "knob",
  G: "knob",
  rollouts: "knob",
  max_length: "knob",
  temperature: "knob",
  group_size: "knob",
  greedy_reward: "greedy",
  reward: "reward",
  token_reward: "reward",
  score: "verdict",
  length: "length",
  finished: "length",
  demonstration: "demonstration",
  position: "oldLogProb",
  sampler_log_prob: "samplerLogProb",
  ref_log_prob: "reference",
  old_log_prob: "oldLogProb",
  entropy: "entropy",
  old_entropy: "entropy",
  advantage: "advantage",
  log_prob: "logProb",
  ratio: "ratio",
};

/** A value that a person has named in a formula of their own. */
const OWN: Readonly<Partial<Record<Slot | ListSlot, PlaceId>>> = { advantage: "groupNumber", objective: "moved" };

/** Where a term comes from; undefined for one that nobody has declared. */
export function placeOfTerm(
  slot: Slot | ListSlot,
  plugin: string,
  term: string,
  settings: StepRecord["settings"] = {},
): PlaceId | undefined {
  const known = TERMS[slot]?.[`${plugin}.${term}`] ?? TERMS[slot]?.[term];
  if (slot === "advantage" && plugin === "group" && term === "baselines" && settings["advantage.baseline"] === "batchMean")
    return "batchRewards";
  if (slot === "advantage" && plugin === "group" && term === "scales" && settings["advantage.scope"] === "batch") return "batchRewards";
  return plugin === "expression" ? (INPUTS[term] ?? known ?? OWN[slot]) : known;
}

/** Where a parameter comes from: the knobs, and for clip bounds the curve, too. */
export function placeOfParameter(path: string): PlaceId {
  return path === "objective.clipLow" ? "clipLow" : path === "objective.clipHigh" ? "clipHigh" : "knob";
}

/** A term that is shown, with what it stands for. */
export interface Lamp {
  readonly key: string;
  readonly place: PlaceId;
  readonly at: At;
}

/** What a lamp lights up: the number itself, and what it was made of. */
export function litBy({ place: id, at }: Lamp): { readonly itself: readonly string[]; readonly sources: readonly string[] } {
  const { itself, sources }: Place = PLACES[id];
  return { itself: itself(at), sources: sources?.(at) ?? [] };
}

/** A lamp with its selectors, each side as one; empty for none. */
export interface Light {
  readonly lamp: Lamp;
  readonly itself: string;
  readonly sources: string;
}

/** Worked out once for many places of the pointer. */
export const lightsOf = (lamps: readonly Lamp[]): Light[] =>
  lamps.map((lamp) => {
    const { itself, sources } = litBy(lamp);
    return { lamp, itself: itself.join(","), sources: sources.join(",") };
  });

/** The lamps that an element lights up: those of the innermost thing around it that shows a term, else of the innermost that one is made of. */
export function lampsAt(element: Element, lights: readonly Light[]): Lamp[] {
  for (const side of ["itself", "sources"] as const)
    for (let at: Element | null = element; at && at.id !== "stage-view"; at = at.parentElement) {
      const here = at;
      const hits = lights.filter((light) => light[side] !== "" && here.matches(light[side]));
      if (hits.length > 0) return hits.map(({ lamp }) => lamp);
    }
  return [];
}
