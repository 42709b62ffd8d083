import { k3 } from "../algorithm/kl/k3.ts";
import type { EvaluationRecord, Metrics, StepRecord } from "./record.ts";

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** What a step cost. */
export interface StepCost {
  /** Tokens drawn, those of discarded groups included. */
  readonly tokens: number;
  readonly seconds: number;
}

/** The scalars of a finished step. What was not measured (or has no value) is absent. */
export function metricsOf(record: StepRecord, cost: StepCost): Metrics {
  const { rollouts, groups, updates, discarded, tokens } = record;
  const metrics: Record<string, number> = { step: record.step };
  const set = (name: string, value: number) => {
    if (Number.isFinite(value)) metrics[name] = value;
  };
  set("reward", mean(rollouts.map((r) => r.reward!)));
  set("reward_std", mean(groups.map((g) => g.statistics!.std)));
  set("frac_reward_zero_std", mean(groups.map((g) => (g.statistics!.signal ? 0 : 1))));
  set("score", mean(rollouts.map((r) => r.verdict!.score)));
  set("well_formed", mean(rollouts.map((r) => r.verdict!.parts.wellFormed)));
  set("completions/clipped_ratio", mean(rollouts.map((r) => (r.finished ? 0 : 1))));
  if (tokens) {
    set("completions/mean_length", tokens.tokens.length / rollouts.length);
    set("entropy", mean(Array.from(tokens.entropy)));
    const reference = tokens.refLogProb;
    if (reference) set("kl", mean(Array.from(tokens.oldLogProb, (logProb, t) => k3(logProb, reference[t]))));
  }
  const flags = updates.flatMap((u) => Array.from(u.clipped));
  set("clip_ratio/low_mean", mean(flags.map((f) => (f < 0 ? 1 : 0))));
  set("clip_ratio/high_mean", mean(flags.map((f) => (f > 0 ? 1 : 0))));
  set("loss", mean(updates.map((u) => u.loss)));
  set("grad_norm", mean(updates.map((u) => u.gradNorm)));
  set("learning_rate", mean(updates.map((u) => u.learningRate)));
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
