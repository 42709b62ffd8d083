import type { Phase, StepRecord } from "../../loop/record.ts";
import type { ViewId } from "../stage/views/store.ts";

/** The places that numbers come from: the phase that makes them, the view that shows them best, and what on the page shows them. */

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
const fellows = (at: At) => at.record.groups[groupOf(at)].members;

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
    from: (at) => `Made from the rewards of all ${at.record.rollouts.length} answers of the batch.`,
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
