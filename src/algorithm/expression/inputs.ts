import { lengthsOf, type Numbers, type RolloutBatch, tokenRewards, type UpdateBatch } from "../batch.ts";
import type { Need } from "../plugin.ts";
import type { Kind } from "./functions.ts";

/** How many values something has: one, one per group, per rollout, or per token. Each stands for all that follow it where those are wanted. */
export const SHAPES = ["scalar", "group", "rollout", "token"] as const;
export type Shape = (typeof SHAPES)[number];

/** A fact that a formula can name. */
export interface Input<B> {
  readonly name: string;
  readonly shape: Shape;
  readonly kind: Kind;
  readonly meaning: string;
  /** Must be measured for it. */
  readonly need?: Need;
  /** A gradient flows through it into this number of the policy. */
  readonly gradientInto?: "log_prob" | "entropy";
  /** `[N]`: its slope in that number; 1 if absent. */
  slope?(batch: B): Numbers;
  /** Tells of the reward: rollouts that could not be scored do not have it. */
  readonly scored?: true;
  /** Its values for the whole batch; undefined if it was not measured. */
  read(batch: B): number | Numbers | readonly boolean[] | undefined;
}

/** What a formula is for, and hence what it can name. */
export interface Environment<B extends RolloutBatch> {
  readonly target: "advantage" | "objective";
  readonly inputs: ReadonlyMap<string, Input<B>>;
}

/** Differences of log-probs are bounded before they are exponentiated, as in the built-in objectives. */
const RATIO_LIMIT = 20;

type Draft<B> = Omit<Input<B>, "name" | "shape" | "kind"> & { readonly kind?: Kind };
const inputs = <B>(shape: Shape, drafts: Readonly<Record<string, Draft<B>>>): Input<B>[] =>
  Object.entries(drafts).map(([name, draft]) => ({ kind: "number", ...draft, name, shape }));
const environment = <B extends RolloutBatch>(target: Environment<B>["target"], all: readonly Input<B>[]): Environment<B> => ({
  target,
  inputs: new Map(all.map((input) => [input.name, input])),
});

const groupSizes = ({ rows, group }: RolloutBatch): number[] => {
  const sizes: number[] = [];
  for (let r = 0; r < rows; r++) sizes[group[r]] = (sizes[group[r]] ?? 0) + 1;
  return sizes;
};

const constants = inputs<RolloutBatch>("scalar", {
  step: { meaning: "The step of the run, from 1.", read: (batch) => batch.step },
  G: { meaning: "Rollouts in the largest group.", read: (batch) => Math.max(0, ...groupSizes(batch).filter(Boolean)) },
  rollouts: { meaning: "Rollouts in the batch.", read: (batch) => batch.rows },
  max_length: { meaning: "Longest possible answer, in tokens.", read: (batch) => batch.maxLength },
});

const perGroup = inputs<RolloutBatch>("group", {
  group_size: { meaning: "Rollouts in the group.", read: groupSizes },
  greedy_reward: {
    meaning: "Reward of one greedy rollout for the group's prompt.",
    need: "greedyRollout",
    scored: true,
    read: (batch) => batch.greedyReward,
  },
});

const perRollout = inputs<RolloutBatch>("rollout", {
  reward: { meaning: "What the rollout is rewarded with: the sum of its parts.", scored: true, read: (batch) => batch.reward },
  score: { meaning: "The verifier's score, from 0 to 1; 1 only if right.", read: (batch) => batch.verdicts?.map((v) => v.score) },
  length: { meaning: "Tokens of the answer.", read: lengthsOf },
  finished: {
    kind: "boolean",
    meaning: "Whether the answer came to its end before it was cut off.",
    read: (batch) => batch.finished ?? new Float64Array(batch.rows).fill(1),
  },
  demonstration: {
    kind: "boolean",
    meaning: "Whether the answer was given to the policy instead of drawn from it.",
    read: (batch) => Array.from({ length: batch.rows }, (_, r) => batch.source?.[r] === "expert"),
  },
});

const perToken = inputs<RolloutBatch>("token", {
  position: { meaning: "The token's place in the answer, from 0.", read: positions },
  sampler_log_prob: { meaning: "Log-prob that the token was drawn with.", read: (batch) => batch.scores.samplerLogProb },
  ref_log_prob: { meaning: "Log-prob by the reference policy.", need: "reference", read: (batch) => batch.scores.refLogProb },
});

function positions({ rows, offsets }: RolloutBatch): Float64Array {
  const packed = new Float64Array(offsets[rows]);
  for (let r = 0; r < rows; r++) for (let t = offsets[r]; t < offsets[r + 1]; t++) packed[t] = t - offsets[r];
  return packed;
}

export const ADVANTAGE = environment<RolloutBatch>("advantage", [
  ...constants,
  ...perGroup,
  ...perRollout,
  ...perToken,
  ...inputs<RolloutBatch>("token", {
    token_reward: {
      meaning: "The reward token by token; a rollout's own reward sits on its last token.",
      scored: true,
      read: tokenRewards,
    },
    old_log_prob: { meaning: "Log-prob by the policy before the update.", read: (batch) => batch.scores.oldLogProb },
    entropy: { meaning: "Entropy of the policy's choice of the token, in nats.", need: "entropy", read: (batch) => batch.scores.entropy },
  }),
]);

export const OBJECTIVE = environment<UpdateBatch>("objective", [
  ...constants,
  ...inputs<UpdateBatch>("scalar", {
    temperature: { meaning: "What logits are divided by in log_prob and entropy.", read: (batch) => batch.temperature },
  }),
  ...perGroup,
  ...perRollout,
  ...perToken,
  ...inputs<UpdateBatch>("token", {
    advantage: { meaning: "The token's advantage.", read: (batch) => batch.advantage },
    log_prob: { meaning: "Log-prob by the policy as it is now.", gradientInto: "log_prob", read: (batch) => batch.logProb },
    ratio: {
      meaning: `Importance ratio exp(log_prob - old_log_prob), the difference held within ±${RATIO_LIMIT}.`,
      gradientInto: "log_prob",
      read: ratios,
      slope: (batch) => ratios(batch).map((ratio, t) => (Math.abs(batch.logProb[t] - batch.oldLogProb[t]) <= RATIO_LIMIT ? ratio : 0)),
    },
    entropy: {
      meaning: "Entropy of the policy's choice of the token as it is now, in nats.",
      need: "currentEntropy",
      gradientInto: "entropy",
      read: (batch) => batch.entropy,
    },
    old_log_prob: { meaning: "Log-prob by the policy that drew the batch.", read: (batch) => batch.oldLogProb },
    old_entropy: { meaning: "Entropy before the update, in nats.", need: "entropy", read: (batch) => batch.scores.entropy },
  }),
]);

/** `[N]`: importance ratios. */
export function ratios({ logProb, oldLogProb }: Pick<UpdateBatch, "logProb" | "oldLogProb">): Float64Array {
  const ratio = new Float64Array(logProb.length);
  for (let t = 0; t < ratio.length; t++) ratio[t] = Math.exp(Math.min(RATIO_LIMIT, Math.max(-RATIO_LIMIT, logProb[t] - oldLogProb[t])));
  return ratio;
}
