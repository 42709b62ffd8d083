/**
 * Every metric of a step: what it is, and what it is called in TRL and verl. docs/metrics.md is written from this table, and a test keeps
 * what the loop measures equal to it.
 */
export interface MetricName {
  /** `<part>`, `<loss>` and `<k>` stand for names that depend on the recipe. */
  readonly name: string;
  readonly meaning: string;
  readonly unit: "" | "share" | "tokens" | "nats" | "reward" | "seconds" | "tokens/s" | "count";
  readonly trl?: string;
  readonly verl?: string;
  /** Where our quantity differs from theirs. */
  readonly difference?: string;
  /** The plug-in that measures it, as `slot=plugin`; absent for what every recipe measures. */
  readonly from?: string;
}

export const METRICS: readonly MetricName[] = [
  { name: "step", meaning: "Steps done, from 1.", unit: "count", trl: "step", verl: "training/global_step" },

  // Rewards.
  {
    name: "reward",
    meaning: "Mean reward: what is trained on, all parts together. Unscorable answers are left out.",
    unit: "reward",
    trl: "reward",
    verl: "critic/rewards/mean",
    difference: "TRL counts an unscorable answer as 0 here.",
  },
  { name: "reward_std", meaning: "Standard deviation of the rewards of the whole batch (n − 1).", unit: "reward", trl: "reward_std" },
  { name: "critic/rewards/max", meaning: "Largest reward.", unit: "reward", verl: "critic/rewards/max" },
  { name: "critic/rewards/min", meaning: "Smallest reward.", unit: "reward", verl: "critic/rewards/min" },
  { name: "critic/score/mean", meaning: "Mean reward without a KL penalty in it.", unit: "reward", verl: "critic/score/mean" },
  {
    name: "rewards/<part>/mean",
    meaning: "Mean of one part of the reward, over the answers that it applies to.",
    unit: "reward",
    trl: "rewards/<function>/mean",
    difference: "Ours is after the part's weight.",
  },
  {
    name: "rewards/<part>/std",
    meaning: "Standard deviation of one part (n − 1).",
    unit: "reward",
    trl: "rewards/<function>/std",
    difference: "Ours is after the part's weight.",
  },
  {
    name: "frac_reward_zero_std",
    meaning: "Share of groups whose answers all earned the same: nothing to learn from.",
    unit: "share",
    trl: "frac_reward_zero_std",
    difference: "TRL looks at the batch's spread instead when it scales by the batch.",
  },
  {
    name: "score",
    meaning: "Mean verdict, before noise and shaping: 1 is right.",
    unit: "share",
    verl: "critic/score/mean (reward = verdict)",
  },
  { name: "well_formed", meaning: "Share of answers that the verifier could read.", unit: "share" },
  { name: "groups/any_right", meaning: "Share of groups with at least one right answer.", unit: "share" },
  { name: "groups/all_right", meaning: "Share of groups whose answers are all right.", unit: "share" },
  { name: "groups/distinct_texts", meaning: "Different answers in a group, mean over groups.", unit: "count" },

  // Advantages.
  {
    name: "critic/advantages/mean",
    meaning: "Mean advantage over completion tokens, after all shapers.",
    unit: "",
    verl: "critic/advantages/mean",
  },
  { name: "critic/advantages/max", meaning: "Largest advantage of a token.", unit: "", verl: "critic/advantages/max" },
  { name: "critic/advantages/min", meaning: "Smallest advantage of a token.", unit: "", verl: "critic/advantages/min" },
  { name: "advantages/nonzero_fraction", meaning: "Share of answers that have an advantage other than 0 at any token.", unit: "share" },
  {
    name: "advantages/distinct_per_group",
    meaning: "Different advantages in a group (six significant digits), mean over groups.",
    unit: "count",
  },
  { name: "advantages/right_negative_fraction", meaning: "Share of right answers whose advantage is below 0.", unit: "share" },

  // Lengths; end-of-text counts.
  {
    name: "completions/mean_length",
    meaning: "Mean length of an answer, end-of-text included.",
    unit: "tokens",
    trl: "completions/mean_length",
    verl: "response_length/mean",
  },
  {
    name: "completions/min_length",
    meaning: "Shortest answer.",
    unit: "tokens",
    trl: "completions/min_length",
    verl: "response_length/min",
  },
  {
    name: "completions/max_length",
    meaning: "Longest answer.",
    unit: "tokens",
    trl: "completions/max_length",
    verl: "response_length/max",
  },
  {
    name: "completions/clipped_ratio",
    meaning: "Share of answers that were cut off.",
    unit: "share",
    trl: "completions/clipped_ratio",
    verl: "response_length/clip_ratio",
    difference: "verl counts every answer of the greatest length, also one that ends there by itself.",
  },
  {
    name: "completions/mean_terminated_length",
    meaning: "Mean length of answers that ended by themselves.",
    unit: "tokens",
    trl: "completions/mean_terminated_length",
    difference: "Absent where no answer ended; TRL has 0 there. The same for the two below.",
  },
  {
    name: "completions/min_terminated_length",
    meaning: "Shortest of them.",
    unit: "tokens",
    trl: "completions/min_terminated_length",
  },
  {
    name: "completions/max_terminated_length",
    meaning: "Longest of them.",
    unit: "tokens",
    trl: "completions/max_terminated_length",
  },
  { name: "completions/mean_length_right", meaning: "Mean length of right answers.", unit: "tokens" },
  { name: "completions/mean_length_wrong", meaning: "Mean length of wrong answers.", unit: "tokens" },

  // The policy before the step's updates.
  {
    name: "entropy",
    meaning: "Mean entropy of the policy over completion tokens, at temperature 1, before the updates.",
    unit: "nats",
    trl: "entropy",
    verl: "actor/entropy",
    difference: "Theirs is at the sampling temperature and during the updates.",
  },
  {
    name: "kl",
    meaning: "Mean k3 divergence from the reference over completion tokens, before the updates.",
    unit: "nats",
    trl: "kl",
    difference: "TRL measures it during the updates, and only with a KL penalty.",
  },
  { name: "confidence/right", meaning: "Mean over right answers of the geometric mean of their tokens' probabilities.", unit: "share" },
  { name: "confidence/wrong", meaning: "The same over wrong answers.", unit: "share" },

  // The updates: means over the step's optimizer steps.
  { name: "loss", meaning: "Loss, all parts together.", unit: "", trl: "loss", difference: "TRL divides by the accumulation steps." },
  {
    name: "actor/pg_loss",
    meaning: "The policy's loss, without KL penalty and further losses.",
    unit: "",
    trl: "policy_loss",
    verl: "actor/pg_loss",
  },
  { name: "loss/<loss>", meaning: "A further part of the loss (`kl`, or a plug-in's id), weighted.", unit: "" },
  {
    name: "actor/kl_loss",
    meaning: "The KL penalty's estimate during the updates, before its coefficient; only with a penalty in the loss.",
    unit: "nats",
    trl: "kl",
    verl: "actor/kl_loss",
    difference: "TRL's is k3 whatever the penalty.",
  },
  {
    name: "actor/ppo_kl",
    meaning: "How far the policy has moved from the one that answered: mean of old minus new log-prob.",
    unit: "nats",
    verl: "actor/ppo_kl",
  },
  {
    name: "clip_ratio/low_mean",
    meaning: "Share of tokens with ratio < 1 − ε and A < 0.",
    unit: "share",
    trl: "clip_ratio/low_mean",
    difference: "A share of answers where an answer has one ratio, as in TRL.",
  },
  {
    name: "clip_ratio/high_mean",
    meaning: "Share of tokens with ratio > 1 + ε_high and A > 0.",
    unit: "share",
    trl: "clip_ratio/high_mean",
  },
  {
    name: "clip_ratio/region_mean",
    meaning: "Share of tokens in either.",
    unit: "share",
    trl: "clip_ratio/region_mean",
    verl: "actor/pg_clipfrac",
  },
  { name: "clip_ratio/low_min", meaning: "Least share of an answer held below.", unit: "share", trl: "clip_ratio/low_min" },
  { name: "clip_ratio/high_max", meaning: "Greatest share of an answer held above.", unit: "share", trl: "clip_ratio/high_max" },
  {
    name: "clip_ratio/gradient_kept",
    meaning: "Of the tokens beyond the clip bounds, the share that still has a gradient.",
    unit: "share",
  },
  {
    name: "right_pushed_down",
    meaning: "Share of right answers that an update makes less probable: the mean of their tokens' gradients points down.",
    unit: "share",
  },
  {
    name: "actor/pg_clipfrac",
    meaning: "Share of tokens where the clipped branch is the loss.",
    unit: "share",
    trl: "clip_ratio/region_mean",
    verl: "actor/pg_clipfrac",
  },
  {
    name: "actor/pg_clipfrac_lower",
    meaning: "Share of tokens held by the dual clip.",
    unit: "share",
    verl: "actor/pg_clipfrac_lower",
  },
  {
    name: "grad_norm",
    meaning: "Length of the gradient before it is clipped.",
    unit: "",
    trl: "grad_norm",
    verl: "actor/grad_norm",
  },
  { name: "learning_rate", meaning: "Learning rate.", unit: "", trl: "learning_rate", verl: "actor/lr" },
  { name: "updates", meaning: "Optimizer steps.", unit: "count" },
  { name: "updates_skipped", meaning: "Optimizer steps left out because something was not finite.", unit: "count" },

  // Cost.
  { name: "groups_discarded", meaning: "Groups that the filter rejected.", unit: "count" },
  { name: "rollouts_drawn", meaning: "Answers drawn, rejected ones included.", unit: "count" },
  {
    name: "tokens",
    meaning: "Tokens generated in this step, whatever became of them: rejected groups, greedy answers, branches.",
    unit: "tokens",
    trl: "num_tokens",
    verl: "perf/total_num_tokens",
    difference: "Theirs count prompts too; TRL's is a running total.",
  },
  { name: "seconds", meaning: "Time of the step without evaluation.", unit: "seconds", trl: "step_time", verl: "perf/time_per_step" },
  { name: "tokens_per_second", meaning: "Tokens generated over that time.", unit: "tokens/s", verl: "perf/throughput" },

  // Evaluation on held-out problems, on the steps that have one.
  {
    name: "pass@<k>",
    meaning: "Chance that one of k answers to a held-out problem is right (unbiased estimate).",
    unit: "share",
    verl: "val-core/<source>/acc/best@<k>/mean",
    difference: "verl draws its subsets at random; for k = 1 its name is acc/mean@<n>.",
  },
  { name: "eval/well_formed", meaning: "Share of answers to held-out problems that could be read.", unit: "share" },
  { name: "eval/accuracy_when_well_formed", meaning: "Share of right ones among those.", unit: "share" },
  { name: "eval/mean_length", meaning: "Mean length of those answers.", unit: "tokens", trl: "eval_completions/mean_length" },
  { name: "eval/entropy", meaning: "Mean entropy over their tokens.", unit: "nats", trl: "eval_entropy" },

  // What single plug-ins measure, means over the step's optimizer steps.
  {
    name: "actor/entropy",
    meaning: "Mean entropy during the updates, at the objective's temperature.",
    unit: "nats",
    trl: "entropy",
    verl: "actor/entropy",
    from: "losses=entropy",
  },
  { name: "entropy_coef", meaning: "The entropy bonus's coefficient.", unit: "", trl: "entropy_coef", from: "losses=entropy" },
  {
    name: "cispo_clip_ratio",
    meaning: "Share of tokens whose ratio is capped while A > 0.",
    unit: "share",
    trl: "cispo_clip_ratio",
    from: "objective=cispo",
  },
  { name: "vespo/phi_seq_mean", meaning: "Mean weight of an answer.", unit: "", trl: "vespo/phi_seq_mean", from: "objective=vespo" },
  ...(["mean", "max"] as const).map(
    (which): MetricName => ({
      name: `sampling/sampling_logp_difference/${which}`,
      meaning: `Distance between the sampler's log-prob and the policy's, ${which}.`,
      unit: "nats",
      trl: `sampling/sampling_logp_difference/${which}`,
      from: "tokenWeights=sampler-correction",
    }),
  ),
  ...(["min", "mean", "max"] as const).map(
    (which): MetricName => ({
      name: `sampling/importance_sampling_ratio/${which}`,
      meaning: `Ratio of the policy's probability to the sampler's, ${which}.`,
      unit: "",
      trl: `sampling/importance_sampling_ratio/${which}`,
      from: "tokenWeights=sampler-correction",
    }),
  ),
  { name: "off_policy_masked", meaning: "Share of tokens that the mask leaves out.", unit: "share", from: "tokenWeights=off-policy-mask" },
  { name: "entropy_threshold", meaning: "Least entropy of a token that learns.", unit: "nats", from: "tokenWeights=top-entropy" },
  { name: "positive_nll", meaning: "Imitation of right answers, before its coefficient.", unit: "nats", from: "losses=positive-nll" },
  { name: "sft_loss", meaning: "Imitation of demonstrations, before its coefficient.", unit: "nats", from: "losses=sft" },
  {
    name: "self_reward/error",
    meaning: "Mean squared error of the policy's verdict on its answers.",
    unit: "",
    from: "losses=self-reward",
  },
  { name: "self_reward/accuracy", meaning: "Share of answers on which that verdict is right.", unit: "share", from: "losses=self-reward" },
  {
    name: "self_reward/auc",
    meaning: "Chance that a right answer gets a better verdict than a wrong one.",
    unit: "share",
    from: "losses=self-reward",
  },
  {
    name: "drpo/guard",
    meaning: "How far the policy has moved within the step, as the guard sees it.",
    unit: "nats",
    from: "objective=decoupled-reward",
  },
  { name: "drpo/penalty", meaning: "What the guard adds to the loss.", unit: "", from: "objective=decoupled-reward" },
  { name: "drpo/guard_active", meaning: "Share of updates in which the guard pulls.", unit: "share", from: "objective=decoupled-reward" },
  {
    name: "drpo/loss_with_stand_in",
    meaning: "The loss with the stand-in of the published code for wrong answers.",
    unit: "",
    from: "objective=decoupled-reward",
  },
];

/** The row of the table that a metric's name belongs to, if it is in it. */
export function metricName(name: string): MetricName | undefined {
  return METRICS.find((row) => row.name === name || (row.name.includes("<") && patternOf(row.name).test(name)));
}

const patternOf = (name: string): RegExp => new RegExp(`^${name.replace(/<k>/, "\\d+").replace(/<\w+>/, ".+")}$`);

/** docs/metrics.md. */
export function metricsPage(): string {
  const code = (text: string | undefined) => (text ? text.replace(/[\w/@<>]*[/_@][\w/@<>]*|^[\w/]+$/g, (name) => `\`${name}\``) : "–");
  const row = ({ name, meaning, unit, trl, verl, difference, from }: MetricName) =>
    `| \`${name}\` | ${meaning}${difference ? ` *${difference}*` : ""}${from ? ` Only with \`${from}\`.` : ""} | ${unit || "–"} | ${code(trl)} | ${code(verl)} |`;
  return `# Metrics

What a step of training measures (\`metrics.jsonl\`, the charts, claims), and what TRL's \`GRPOTrainer\` and verl call the same quantity. A dash means
that they have no such metric. Where our quantity differs from theirs, the difference stands in italics.
A metric that has no value in a step (no wrong answer, say) is absent; NaN is never written.

| metric | meaning | unit | TRL | verl |
|---|---|---|---|---|
${METRICS.map(row).join("\n")}
`;
}
