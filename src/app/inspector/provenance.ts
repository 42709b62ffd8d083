import type { Phase, StepRecord } from "../../loop/record.ts";
import type { ListSlot, Slot } from "../../recipes/slots.ts";
import type { ViewId } from "../stage/views/store.ts";

/**
 * Where the numbers of a token's formula come from: one map, read in both directions. A term lights up what its place selects on the page;
 * an element on the stage lights up the terms whose places select it.
 */

/** A term of one token's formula, as a place looks at it. */
export interface At {
  readonly record: StepRecord;
  readonly row: number;
  readonly index: number;
  /** The term's own key. */
  readonly key: string;
  /** Rows of the mini-batch that is looked at; empty before the update. */
  readonly rows: readonly number[];
  /** Of knobs: the setting's path. */
  readonly path?: string | undefined;
}

export interface Place {
  /** The phase that makes the number. */
  readonly phase: Phase;
  /** The view that shows it best; knobs have none. */
  readonly view?: ViewId;
  /** Where it comes from, in a sentence. */
  readonly from: (at: At) => string;
  /** CSS selectors of what shows the number itself, in any view or panel. */
  readonly itself: (at: At) => readonly string[];
  /** CSS selectors of what it was made of. */
  readonly sources?: (at: At) => readonly string[];
}

const groupOf = ({ record, row }: At) => record.rollouts[row].group;
const fellows = (at: At) => record(at).groups[groupOf(at)].members;
const record = (at: At) => at.record;

/** A token as rows, trees, the update and the weights draw it. */
const tokenIn = (look: string, { row, index }: At) => `${look}#token-${row}-${index}`;
const drawn = (at: At) => tokenIn(".token", at);
const moved = (at: At) => tokenIn(".dumbbell", at);
const weighed = (at: At) => tokenIn(".weighed", at);
const answer = (row: number) => `.row[data-row="${row}"] > .tokens`;
const verdict = (row: number) => `.row[data-row="${row}"] .verdict`;
const reward = (row: number) => [
  `.row[data-row="${row}"]:not(.change-row) .reward`,
  `.row[data-row="${row}"] .stack`,
  `.answers[data-row="${row}"] .on-reward`,
];
const rewards = (rows: readonly number[]) => rows.flatMap(reward);
const advantage = (row: number) => [
  `.row[data-row="${row}"] > .advantage`,
  `.change-row[data-row="${row}"] > .reward`,
  `.answers[data-row="${row}"] .on-advantage`,
];
/** Numbers of a plug-in that a view lists. */
const listed = (at: At) => [`.group-terms[data-group="${groupOf(at)}"] [data-of="${at.key}"]`, `.weight-facts [data-of="${at.key}"]`];
const inGroup = (at: At, what: string) => `[data-group="${groupOf(at)}"] ${what}`;
const DOT = ".scatter .mark-dot";

const groupRewards = (at: At) => [...rewards(fellows(at)), `.group-plot[data-group="${groupOf(at)}"] .on-reward`];
const fromGroup = (at: At) => `Made from the rewards of its group’s ${fellows(at).length} answers.`;
const place = <P extends Place>(of: P): Place => of;

export const PLACES = {
  verdict: place({
    phase: "verdicts",
    view: "rewards",
    from: () => "The verifier says it of this answer.",
    itself: ({ row }) => [verdict(row)],
    sources: ({ row }) => [answer(row)],
  }),
  reward: place({
    phase: "rewards",
    view: "rewards",
    from: () => "The parts of this answer’s reward, added up.",
    itself: ({ row }) => reward(row),
    sources: ({ row }) => [verdict(row)],
  }),
  length: place({
    phase: "rollouts",
    view: "rollouts",
    from: () => "Counted over the answer’s tokens.",
    itself: ({ row }) => [answer(row)],
  }),
  groupMean: place({
    phase: "advantages",
    view: "advantages",
    from: fromGroup,
    itself: (at) => [inGroup(at, ".tick"), inGroup(at, ".mean")],
    sources: groupRewards,
  }),
  groupSpread: place({
    phase: "advantages",
    view: "advantages",
    from: fromGroup,
    itself: (at) => [inGroup(at, "rect.band"), inGroup(at, ".std")],
    sources: groupRewards,
  }),
  groupNumber: place({
    phase: "advantages",
    view: "advantages",
    from: fromGroup,
    itself: listed,
    sources: groupRewards,
  }),
  batchRewards: place({
    phase: "advantages",
    view: "advantages",
    from: (at) => `Made from the rewards of all ${record(at).rollouts.length} answers of the batch.`,
    itself: (at) => [...listed(at), inGroup(at, ".tick")],
    sources: () => [".row:not(.change-row) .reward", ".answers .on-reward"],
  }),
  earlierSteps: place({
    phase: "advantages",
    view: "advantages",
    from: () => "Remembered from earlier steps of the run.",
    itself: (at) => [...listed(at), inGroup(at, ".tick")],
  }),
  greedy: place({
    phase: "rewards",
    view: "advantages",
    from: () => "The reward of one answer drawn without chance to the same prompt.",
    itself: (at) => [...listed(at), inGroup(at, ".tick")],
  }),
  returns: place({
    phase: "advantages",
    view: "advantages",
    from: () => "Made from the answer’s reward, token by token, before it is compared with others.",
    itself: listed,
    sources: ({ row }) => reward(row),
  }),
  valueHead: place({
    phase: "advantages",
    view: "advantages",
    from: () => "The value head foresees it from the policy’s hidden state at this token.",
    itself: listed,
    sources: (at) => [drawn(at)],
  }),
  branches: place({
    phase: "advantages",
    view: "rollouts",
    from: () => "Made from the answers that share its beginning: the tree shows them.",
    itself: listed,
    sources: (at) => [answer(at.row), ...groupRewards(at)],
  }),
  advantage: place({
    phase: "advantages",
    view: "advantages",
    from: () => "What the estimator, and shapers after it, made of the rewards.",
    itself: ({ row }) => advantage(row),
    sources: ({ row }) => reward(row),
  }),
  oldLogProb: place({
    phase: "rollouts",
    view: "rollouts",
    from: () => "Kept from when the policy drew the token.",
    itself: (at) => [drawn(at), moved(at), ".inspector [data-fact='old']"],
  }),
  samplerLogProb: place({
    phase: "rollouts",
    view: "rollouts",
    from: () => "What the token was drawn with, by temperature and truncation.",
    itself: (at) => [drawn(at), moved(at)],
  }),
  logProb: place({
    phase: "update",
    view: "update",
    from: () => "The policy’s own, asked again at this update.",
    itself: (at) => [moved(at), drawn(at)],
  }),
  moved: place({
    phase: "update",
    view: "update",
    from: () => "The token’s probability when it was drawn, against that at this update.",
    itself: (at) => [moved(at)],
    sources: (at) => [drawn(at)],
  }),
  wholeAnswer: place({
    phase: "update",
    view: "update",
    from: () => "Made from all tokens of this answer.",
    itself: ({ row }) => [answer(row)],
  }),
  reference: place({
    phase: "update",
    view: "rollouts",
    from: () => "The same token under the reference policy: log π ref at the left.",
    itself: () => [".inspector [data-fact='ref']"],
    sources: (at) => [drawn(at), moved(at)],
  }),
  entropy: place({
    phase: "rollouts",
    view: "rollouts",
    from: () => "How undecided the policy is at this place.",
    itself: (at) => [drawn(at), ".inspector [data-fact='entropy']"],
  }),
  inner: place({
    phase: "advantages",
    view: "rollouts",
    from: () => "Read off the network’s logits or hidden state over this answer.",
    itself: ({ row }) => [answer(row)],
  }),
  opinion: place({
    phase: "advantages",
    view: "rollouts",
    from: () => "The policy’s own opinion, at a reserved token after the answer.",
    itself: ({ row }) => [answer(row)],
  }),
  ratio: place({
    phase: "update",
    view: "objective",
    from: () => "How far right the token’s dot lies: π now over π when it was drawn.",
    itself: () => [".scatter .mark-ratio", DOT],
    sources: (at) => [drawn(at), moved(at)],
  }),
  clip: place({
    phase: "update",
    view: "objective",
    from: () => "The bounds of the ratio: dashed lines across the curve.",
    itself: () => [".scatter .mark-clipLow", ".scatter .mark-clipHigh"],
    sources: () => [DOT],
  }),
  clipLow: place({
    phase: "update",
    view: "objective",
    from: () => "A knob; the dashed line at the left of the curve.",
    itself: ({ path }) => [".scatter .mark-clipLow", `[data-knob="${path}"]`],
  }),
  clipHigh: place({
    phase: "update",
    view: "objective",
    from: () => "A knob; the dashed line at the right of the curve.",
    itself: ({ path }) => [".scatter .mark-clipHigh", `[data-knob="${path}"]`],
  }),
  loss: place({
    phase: "update",
    view: "objective",
    from: () => "How high the token’s dot lies.",
    itself: () => [".scatter .mark-loss", DOT],
  }),
  manyTokens: place({
    phase: "update",
    view: "update",
    from: ({ rows }) => `Made from all tokens of the mini-batch’s ${rows.length} answers.`,
    itself: (at) => [tokenIn(".dumbbell", at)],
    sources: ({ rows }) => rows.map(answer),
  }),
  denominator: place({
    phase: "update",
    view: "weights",
    from: ({ rows }) => `Counted over the mini-batch’s ${rows.length} answers.`,
    itself: () => [".legend.of-weights"],
    sources: ({ rows }) => rows.map((row) => `.weight-row[data-row="${row}"] > .tokens`),
  }),
  weight: place({
    phase: "update",
    view: "weights",
    from: () => "It is the bar under the token.",
    itself: (at) => [weighed(at)],
    sources: () => [".legend.of-weights", ".weight-facts"],
  }),
  tokenWeight: place({
    phase: "update",
    view: "weights",
    from: () => "A token weight of the recipe; 0 leaves the token out.",
    itself: (at) => [weighed(at), ...listed(at)],
  }),
  coefficient: place({
    phase: "update",
    view: "update",
    from: () => "All terms together: what enters the backward pass, and so the gradient by layer.",
    itself: (at) => [DOT, drawn(at)],
    sources: () => [".gradients"],
  }),
  gradient: place({
    phase: "update",
    view: "update",
    from: () => "The backward pass makes it from all tokens’ coefficients.",
    itself: () => [".gradients"],
  }),
  demonstration: place({
    phase: "update",
    view: "prompts",
    from: () => "From the solutions that the policy is shown.",
    itself: () => [".checks.shown"],
  }),
  knob: place({
    phase: "prompts",
    from: () => "A knob of the recipe.",
    itself: ({ path }) => [`[data-knob="${path}"]`],
  }),
} satisfies Record<string, Place>;

export type PlaceId = keyof typeof PLACES;

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

/** The lamps that an element lights up: those of the innermost thing around it that shows a term, else of the innermost that one is made of. */
export function lampsAt(element: Element, lamps: readonly Lamp[]): Lamp[] {
  const lights = lamps.map((lamp) => ({ lamp, ...litBy(lamp) }));
  for (const side of ["itself", "sources"] as const)
    for (let at: Element | null = element; at && at.id !== "stage-view"; at = at.parentElement) {
      const here = at;
      const hits = lights.filter((light) => light[side].some((selector) => here.matches(selector)));
      if (hits.length > 0) return hits.map(({ lamp }) => lamp);
    }
  return [];
}
