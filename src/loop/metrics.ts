import { k3 } from "../algorithm/kl/k3.ts";
import type { EvaluationRecord, Metrics, StepRecord, UpdateRecord } from "./record.ts";

/** The scalars of a step, under the names of `metric-names.ts` and with the frameworks' definitions. */

const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
};

const share = (flags: readonly boolean[]): number => mean(flags.map(Number));

/** Sample standard deviation (n − 1); NaN for fewer than two values. */
function std(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1));
}

const largest = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
const smallest = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

/** What a step cost. */
export interface StepCost {
  /** Tokens drawn, those of discarded groups included. */
  readonly tokens: number;
  readonly seconds: number;
}

/** The scalars of a finished step. What was not measured (or has no value) is absent. */
export function metricsOf(record: StepRecord, cost: StepCost): Metrics {
  const { rollouts, updates, discarded } = record;
  const metrics: Record<string, number> = { step: record.step };
  const set = (name: string, value: number) => {
    if (Number.isFinite(value)) metrics[name] = value;
  };
  for (const [name, value] of [
    ...rewardMetrics(record),
    ...advantageMetrics(record),
    ...completionMetrics(record),
    ...policyMetrics(record),
    ...updateMetrics(record),
  ]) {
    set(name, value);
  }
  set("updates", updates.length);
  set("updates_skipped", updates.filter((u) => !u.applied).length);
  set("groups_discarded", discarded.length);
  set("rollouts_drawn", rollouts.length + discarded.reduce((sum, d) => sum + d.texts.length, 0));
  set("tokens", cost.tokens);
  if (record.evaluation) Object.assign(metrics, evaluationMetrics(record.evaluation));
  set("seconds", cost.seconds);
  set("tokens_per_second", cost.tokens / cost.seconds);
  return metrics;
}

type Named = [name: string, value: number][];

/** Rewards: mean, spread (whole batch, n − 1, as TRL), parts. NaN rewards are unscorable and left out. */
function rewardMetrics({ rollouts, groups }: StepRecord): Named {
  const scorable = rollouts.filter((r) => !Number.isNaN(r.reward));
  const rewards = scorable.map((r) => r.reward!);
  const parts = [...new Set(rollouts.flatMap((r) => Object.keys(r.rewardParts ?? {})))];
  const right = (members: readonly number[]) => members.map((row) => rollouts[row].verdict!.score === 1);
  return [
    ["reward", mean(rewards)],
    ["reward_std", std(rewards)],
    ["critic/rewards/max", largest(rewards)],
    ["critic/rewards/min", smallest(rewards)],
    ["critic/score/mean", mean(scorable.map((r) => r.reward! - (r.rewardParts?.kl ?? 0)))],
    ...parts.flatMap((part): Named => {
      const values = rollouts.map((r) => r.rewardParts?.[part] ?? Number.NaN).filter((value) => !Number.isNaN(value));
      return [
        [`rewards/${part}/mean`, mean(values)],
        [`rewards/${part}/std`, std(values)],
      ];
    }),
    ["frac_reward_zero_std", share(groups.map((g) => !g.statistics!.signal))],
    ["score", mean(rollouts.map((r) => r.verdict!.score))],
    ["well_formed", mean(rollouts.map((r) => r.verdict!.parts.wellFormed))],
    ["groups/any_right", share(groups.map((g) => right(g.members).some(Boolean)))],
    ["groups/all_right", share(groups.map((g) => right(g.members).every(Boolean)))],
    ["groups/distinct_texts", mean(groups.map((g) => new Set(g.members.map((row) => rollouts[row].text)).size))],
  ];
}

/** Advantages, over tokens (after shapers) and over rollouts. */
function advantageMetrics({ rollouts, groups, tokens }: StepRecord): Named {
  const perToken = tokens?.advantage;
  const nonzero = rollouts.map((rollout, r) => {
    if (!perToken) return rollout.advantage !== 0;
    return perToken.subarray(tokens.offsets[r], tokens.offsets[r + 1]).some((a) => a !== 0);
  });
  const right = rollouts.filter((r) => r.verdict!.score === 1);
  const distinct = (members: readonly number[]) => new Set(members.map((row) => (rollouts[row].advantage ?? 0).toPrecision(6))).size;
  return [
    ...(perToken
      ? ([
          ["critic/advantages/mean", mean(perToken)],
          ["critic/advantages/max", largest(perToken)],
          ["critic/advantages/min", smallest(perToken)],
        ] satisfies Named)
      : []),
    ["advantages/nonzero_fraction", share(nonzero)],
    ["advantages/distinct_per_group", mean(groups.map((g) => distinct(g.members)))],
    ["advantages/right_negative_fraction", share(right.map((r) => (r.advantage ?? 0) < 0))],
  ];
}

/** Lengths in tokens, end-of-text included, as both frameworks count them. */
function completionMetrics({ rollouts, tokens }: StepRecord): Named {
  if (!tokens) return [];
  const lengths = rollouts.map((_, r) => tokens.offsets[r + 1] - tokens.offsets[r]);
  const ended = lengths.filter((_, r) => rollouts[r].finished);
  const of = (right: boolean) => lengths.filter((_, r) => (rollouts[r].verdict!.score === 1) === right);
  return [
    ["completions/mean_length", mean(lengths)],
    ["completions/min_length", smallest(lengths)],
    ["completions/max_length", largest(lengths)],
    ["completions/clipped_ratio", share(rollouts.map((r) => !r.finished))],
    ["completions/mean_terminated_length", mean(ended)],
    ["completions/min_terminated_length", smallest(ended)],
    ["completions/max_terminated_length", largest(ended)],
    ["completions/mean_length_right", mean(of(true))],
    ["completions/mean_length_wrong", mean(of(false))],
  ];
}

/** The policy before the updates. */
function policyMetrics({ rollouts, tokens }: StepRecord): Named {
  if (!tokens) return [];
  const { offsets, oldLogProb, refLogProb } = tokens;
  const confidence = rollouts.map((_, r) => Math.exp(mean(oldLogProb.subarray(offsets[r], offsets[r + 1]))));
  const of = (right: boolean) => confidence.filter((c, r) => (rollouts[r].verdict!.score === 1) === right && !Number.isNaN(c));
  return [
    ["entropy", mean(tokens.entropy)],
    ...(refLogProb ? ([["kl", mean(oldLogProb.map((logProb, t) => k3(logProb, refLogProb[t])))]] satisfies Named) : []),
    ["confidence/right", mean(of(true))],
    ["confidence/wrong", mean(of(false))],
  ];
}

/** Means over the step's optimizer steps: what the plug-ins measured, and what the record tells of every objective. */
function updateMetrics(record: StepRecord): Named {
  const { updates } = record;
  const measured = updates.map((update) => ({ ...clipping(update), ...moved(record, update), ...named(update) }));
  const names = [...new Set(measured.flatMap((values) => Object.keys(values)))];
  return [
    ["loss", mean(updates.map((u) => u.loss))],
    ["grad_norm", mean(updates.filter((u) => u.applied).map((u) => u.gradNorm))],
    ["learning_rate", mean(updates.map((u) => u.learningRate))],
    ...names.map((name): Named[number] => [
      name,
      mean(measured.map((values): number => values[name] ?? Number.NaN).filter(Number.isFinite)),
    ]),
  ];
}

/** A plug-in's metrics, which are more exact than ours where both exist, and the parts of the loss. */
function named({ metrics, lossParts }: UpdateRecord): Record<string, number> {
  const { kl, ...own } = metrics;
  const { policy, ...further } = lossParts;
  return {
    ...own,
    ...(kl === undefined ? {} : { "actor/kl_loss": kl }),
    ...(policy === undefined ? {} : { "actor/pg_loss": policy }),
    ...Object.fromEntries(Object.entries(further).map(([part, value]) => [`loss/${part}`, value])),
  };
}

/** Shares of tokens that the objective held, from its flags; tokens without weight do not count. */
function clipping({ clipped, weight }: UpdateRecord): Record<string, number> {
  const flags = Array.from(clipped).filter((_, t) => weight[t] !== 0);
  return {
    "actor/pg_clipfrac": share(flags.map((f) => f === 1 || f === -1)),
    "actor/pg_clipfrac_lower": share(flags.map((f) => f === -2)),
  };
}

/**
 * How far the policy has moved from the one that answered (verl's `ppo_kl`, log-ratio bounded to ±20), TRL's shares of tokens beyond the clip
 * bounds where the objective has such bounds, and what clipping left of their gradient. An objective's own metrics take their place.
 */
function moved({ tokens, settings, rollouts }: StepRecord, update: UpdateRecord): Record<string, number> {
  if (!tokens) return {};
  const low = settings["objective.clipLow"];
  const high = settings["objective.clipHigh"];
  const { rows, offsets, logProb, ratio, weight, coefficient } = update;
  let [count, kl, below, above, kept] = [0, 0, 0, 0, 0];
  const belowOfRow: number[] = [];
  const aboveOfRow: number[] = [];
  const rightPushedDown: boolean[] = [];
  rows.forEach((row, r) => {
    const before = [count, below, above];
    // Gradient descent lowers a log-prob whose coefficient is above 0.
    if (rollouts[row].verdict!.score === 1) rightPushedDown.push(mean(coefficient.subarray(offsets[r], offsets[r + 1])) > 0);
    for (let t = offsets[r]; t < offsets[r + 1]; t++) {
      if (weight[t] === 0) continue;
      const at = tokens.offsets[row] + t - offsets[r];
      const advantage = tokens.advantage?.[at] ?? 0;
      count++;
      kl -= Math.min(20, Math.max(-20, logProb[t] - tokens.oldLogProb[at]));
      const isBelow = typeof low === "number" && advantage < 0 && ratio[t] < 1 - low;
      const isAbove = typeof high === "number" && advantage > 0 && ratio[t] > 1 + high;
      if (isBelow) below++;
      if (isAbove) above++;
      if ((isBelow || isAbove) && coefficient[t] !== 0) kept++;
    }
    if (count === before[0]) return;
    belowOfRow.push((below - before[1]) / (count - before[0]));
    aboveOfRow.push((above - before[2]) / (count - before[0]));
  });
  const bounded = typeof low === "number" && typeof high === "number";
  return {
    "actor/ppo_kl": kl / count,
    right_pushed_down: share(rightPushedDown),
    ...(bounded
      ? {
          "clip_ratio/low_mean": below / count,
          "clip_ratio/high_mean": above / count,
          "clip_ratio/region_mean": (below + above) / count,
          "clip_ratio/low_min": smallest(belowOfRow),
          "clip_ratio/high_max": largest(aboveOfRow),
          "clip_ratio/gradient_kept": kept / (below + above),
        }
      : {}),
  };
}

/** Names of the metrics that tell of the machine rather than of the run: two runs that are otherwise the same differ in them. */
export const TIMINGS: readonly string[] = ["seconds", "tokens_per_second"];

/** An evaluation as scalars: `pass@k`, and the rest under `eval/`. */
export function evaluationMetrics(evaluation: EvaluationRecord): Metrics {
  const metrics: Record<string, number> = {};
  for (const [k, value] of Object.entries(evaluation.passAtK)) metrics[`pass@${k}`] = value;
  metrics["eval/well_formed"] = evaluation.wellFormed;
  metrics["eval/accuracy_when_well_formed"] = evaluation.accuracyWhenWellFormed;
  metrics["eval/mean_length"] = evaluation.meanLength;
  metrics["eval/entropy"] = evaluation.entropy;
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}
