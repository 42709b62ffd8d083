import type { Metrics } from "../loop/record.ts";
import type { Measure } from "../recipes/claim.ts";

/** What is kept of a run for claims. */
export interface FinishedRun {
  /** Of each step, in order. */
  readonly steps: readonly Metrics[];
  /** The evaluation after the last step. */
  readonly end: Metrics;
  /** Generated, discarded ones included. */
  readonly tokens: number;
  /** Processor time it took. */
  readonly cpuSeconds: number;
}

/** The number that a claim is about; NaN if the run never measured it. */
export function measureRun(run: FinishedRun, measure: Measure): number {
  if ("ratio" in measure) return measureRun(run, measure.ratio[0]) / measureRun(run, measure.ratio[1]);
  if ("difference" in measure) return measureRun(run, measure.difference[0]) - measureRun(run, measure.difference[1]);
  const { metric, reduce } = measure;
  if (reduce === "end") return run.end[metric] ?? Number.NaN;
  const from = reduce === "mean" && measure.steps !== undefined ? Math.max(0, run.steps.length - measure.steps) : 0;
  const measured = run.steps.slice(from).filter((step) => metric in step);
  if (reduce === "last") return measured.at(-1)?.[metric] ?? Number.NaN;
  if (reduce === "min") return measured.length > 0 ? Math.min(...measured.map((step) => step[metric])) : Number.NaN;
  // An area over tokens is a mean in which each step weighs as much as it cost.
  const weigh = (step: Metrics) => (reduce === "area" ? step.tokens : 1);
  const total = measured.reduce((sum, step) => sum + weigh(step), 0);
  return measured.reduce((sum, step) => sum + weigh(step) * step[metric], 0) / total;
}

/** Names of the metrics that a measure reads. */
export function metricsIn(measure: Measure): string[] {
  if ("ratio" in measure) return measure.ratio.flatMap(metricsIn);
  if ("difference" in measure) return measure.difference.flatMap(metricsIn);
  return [measure.metric];
}

/** A measure in words. */
export function measureText(measure: Measure): string {
  if ("ratio" in measure) return measure.ratio.map(measureText).join(" ÷ ");
  if ("difference" in measure) return measure.difference.map(measureText).join(" − ");
  if (measure.reduce === "mean") return `${measure.metric}, mean of ${measure.steps ? `the last ${measure.steps} steps` : "all steps"}`;
  return `${measure.metric}, ${{ last: "at the last step", min: "lowest", area: "mean over generated tokens", end: "after training" }[measure.reduce]}`;
}
