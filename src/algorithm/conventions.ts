import { randomSequence, STREAM } from "../policy/random.ts";
import { ADVANTAGES } from "./advantages/index.ts";
import { type Numbers, type RolloutBatch, spreadRows } from "./batch.ts";
import { type Parameters, RecipeError, withDefaults } from "./plugin.ts";
import { SHAPERS } from "./shapers/index.ts";

/**
 * How well-known frameworks write "GRPO": settings that give a recipe each one's default arithmetic for group-relative advantages, loss
 * and KL. "GRPO" is not one formula.
 */

export type Setting = readonly [path: string, value: number | boolean | string];

export interface Convention {
  readonly id: string;
  readonly name: string;
  /** One or two sentences: what is special, and what is not imitated. */
  readonly differs: string;
  /** In this order, each as `--set path=value` would make it. A plug-in's name comes before its parameters and resets them. */
  readonly settings: readonly Setting[];
  readonly url: string;
}

interface Form {
  readonly advantage?: Parameters;
  readonly objective?: { readonly plugin: string; readonly params?: Parameters };
  readonly aggregation: string;
  readonly kl?: { readonly plugin: string; readonly params: Parameters };
  readonly tokenWeights?: { readonly plugin: string; readonly params: Parameters };
  /** Whether groups without signal are dropped, and not replaced. */
  readonly dropsFlatGroups?: boolean;
}

const entries = (slot: string, params: Parameters = {}): Setting[] =>
  Object.entries(params).map(([name, value]) => [`${slot}.${name}`, value] as const);

/** Every switch is set, so that a convention may be put over another one. */
function settings({ advantage, objective, aggregation, kl, tokenWeights, dropsFlatGroups }: Form): Setting[] {
  return [
    ["groupFilter", dropsFlatGroups ? "mixed" : "none"],
    ...(dropsFlatGroups ? entries("groupFilter", { maxRounds: 1 }) : []),
    ["advantage", "group"],
    ...entries("advantage", advantage),
    ["shapers", ""],
    ["tokenWeights", tokenWeights?.plugin ?? ""],
    ...(tokenWeights ? entries(`tokenWeights.${tokenWeights.plugin}`, tokenWeights.params) : []),
    ["objective", objective?.plugin ?? "clipped"],
    ...entries("objective", objective?.params),
    ["aggregation", aggregation],
    ["kl", kl?.plugin ?? "k3"],
    ...entries("kl", kl?.params),
  ];
}

export const CONVENTIONS: readonly Convention[] = [
  {
    id: "trl",
    name: "TRL",
    differs:
      "ε is 1e-4, there is no KL, and losses are averaged over the tokens of the whole batch, so splitting it into mini-batches makes each update smaller.",
    settings: settings({ advantage: { eps: 1e-4 }, aggregation: "batch-tokens" }),
    url: "https://github.com/huggingface/trl",
  },
  {
    id: "verl",
    name: "verl",
    differs:
      "The dual clip is on at 3, a lone rollout keeps its reward, and losses are averaged over the mini-batch's tokens. verl's own default estimator is GAE; this is its grpo.",
    settings: settings({
      advantage: { eps: 1e-6, singleton: "raw" },
      objective: { plugin: "clipped", params: { dualClip: 3 } },
      aggregation: "token-mean",
    }),
    url: "https://github.com/verl-project/verl",
  },
  {
    id: "openrlhf",
    name: "OpenRLHF",
    differs:
      "ε is 1e-9, and 0.01 times the k1 estimate of the KL is taken from the reward: there from each token after the group's standardisation, here from the rollout's reward before it. Its own default estimator is GAE; this is its group_norm.",
    settings: settings({
      advantage: { eps: 1e-9 },
      aggregation: "token-mean",
      kl: { plugin: "k1", params: { coefficient: 0.01, place: "reward" } },
    }),
    url: "https://github.com/OpenRLHF/OpenRLHF",
  },
  {
    id: "nemo-rl",
    name: "NeMo-RL",
    differs:
      "Mean and standard deviation are those of the other rollouts, and where those do not spread the difference is not divided; a capped k3 penalty of 0.01 in the loss keeps the score-function part of its gradient.",
    settings: settings({
      advantage: { baseline: "leaveOneOut", scale: "leaveOneOutStd", eps: 1e-6, zeroSpread: "unscaled" },
      aggregation: "token-mean",
      kl: { plugin: "low-var-kl", params: { coefficient: 0.01, gradient: "score" } },
    }),
    url: "https://github.com/NVIDIA-NeMo/RL",
  },
  {
    id: "open-instruct",
    name: "open-instruct",
    differs:
      "Rewards are only centred, groups without signal are dropped, the upper clip bound is 0.272, a k3 penalty of 0.05 is in the loss, and the weight between sampler and trainer is held at 2. Its option standard divides by the deviation with ddof 0 and ε 1e-8.",
    settings: settings({
      advantage: { scale: "none" },
      objective: { plugin: "clipped", params: { clipHigh: 0.272 } },
      aggregation: "token-mean",
      kl: { plugin: "k3", params: { coefficient: 0.05 } },
      tokenWeights: { plugin: "sampler-correction", params: { mode: "token_truncate", min: 0, max: 2 } },
      dropsFlatGroups: true,
    }),
    url: "https://github.com/allenai/open-instruct",
  },
  {
    id: "prime-rl",
    name: "prime-rl",
    differs:
      "Rewards are only centred; the ratio is not clipped, but tokens whose probability moved by more than 0.2 the way they are pushed are masked. Not imitated: a small penalty, 0.001 times the squared log-ratio to the sampler.",
    settings: settings({
      advantage: { scale: "none" },
      objective: { plugin: "dppo", params: { divergence: "tv", clipLow: 0.2, clipHigh: 0.2, cap: 1000 } },
      aggregation: "token-mean",
      dropsFlatGroups: true,
    }),
    url: "https://github.com/PrimeIntellect-ai/prime-rl",
  },
  {
    id: "roll",
    name: "ROLL",
    differs:
      "Every answer counts the same in the loss, however long. Its own default estimator is GAE; this is its grpo with mean and spread of the group. Its dual clip, off by default, would stand at 1 + 2·clip.",
    settings: settings({ advantage: { eps: 1e-6 }, aggregation: "sequence-mean-token-mean" }),
    url: "https://github.com/alibaba/ROLL",
  },
  {
    id: "slime",
    name: "slime",
    differs:
      "Every answer counts the same in the loss, however long; ε is 1e-6 and there is no KL. Its importance weights between sampler and trainer are off by default.",
    settings: settings({ advantage: { eps: 1e-6 }, aggregation: "sequence-mean-token-mean" }),
    url: "https://github.com/THUDM/slime",
  },
];

/** The parameters that settings give to a plug-in, beside its defaults. */
function parametersUnder(prefix: string, all: readonly Setting[]): Parameters {
  return Object.fromEntries(
    all.filter(([path]) => path.startsWith(`${prefix}.`)).map(([path, value]) => [path.slice(prefix.length + 1), value]),
  );
}

export interface ConventionResult {
  readonly id: string;
  readonly name: string;
  /** `[rollouts]`: what every token of a rollout gets; its mean over the tokens where a convention tells them apart. */
  readonly advantage: readonly number[];
}

/**
 * The advantages of one group's rollouts under each convention, to be shown side by side.
 * @param rewards `[rollouts]`; NaN is unscorable.
 * @param lengths `[rollouts]`: completion tokens of each, at least 1.
 */
export function compareConventions(
  rewards: Numbers,
  lengths: Numbers,
  conventions: readonly Convention[] = CONVENTIONS,
): ConventionResult[] {
  const rows = rewards.length;
  const offsets = [0];
  for (let r = 0; r < rows; r++) offsets.push(offsets[r] + lengths[r]);
  const members = Array.from({ length: rows }, (_, r) => r);
  const batch: RolloutBatch = {
    rows,
    offsets,
    group: members.map(() => 0),
    groups: [members],
    reward: rewards,
    parts: {},
    maxLength: Math.max(1, ...Array.from(lengths)),
    scores: {},
    step: 1,
  };
  const random = randomSequence({ seed: 0, stream: STREAM.reward, step: 1 });
  return conventions.map(({ id, name, settings: all }) => {
    const chosen = (path: string) => String(all.find(([at]) => at === path)?.[1] ?? "");
    const estimator = ADVANTAGES.find((plugin) => plugin.id === chosen("advantage"));
    if (!estimator) throw new RecipeError(`convention ${id} names no advantage estimator`);
    const { level, advantage } = estimator.estimate(batch, withDefaults(estimator, parametersUnder("advantage", all)), undefined, random);
    let tokens = level === "token" ? advantage : spreadRows(advantage, batch);
    for (const shaper of chosen("shapers").split(",").filter(Boolean)) {
      const plugin = SHAPERS.find((one) => one.id === shaper);
      if (!plugin) throw new RecipeError(`convention ${id} names no shaper ${shaper}`);
      tokens = plugin.shape(batch, tokens, withDefaults(plugin, parametersUnder(`shapers.${shaper}`, all)), undefined, random).advantage;
    }
    const meanOf = (r: number) => tokens.subarray(offsets[r], offsets[r + 1]).reduce((sum, a) => sum + a / lengths[r], 0);
    return { id, name, advantage: members.map(meanOf) };
  });
}
