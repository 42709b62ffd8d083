import { bootstrapBand, judge } from "../../claims/statistics.ts";
import type { Metrics } from "../../loop/record.ts";
import type { Outcome } from "../../recipes/outcomes.ts";
import { count, percent, signed } from "../format.ts";
import type { BandPoint } from "./curves.tsx";

/** What a sweep has found, from the runs that are complete. */

/** A complete run of a sweep. */
export interface SweptRun {
  readonly arm: number;
  readonly seed: number;
  readonly steps: readonly Metrics[];
  readonly end: Metrics;
}

/** The most points of a band. */
const MOST_POINTS = 60;

/** Mean and interval of a metric over an arm's runs, bunches of steps averaged; empty where no run has it. */
export function bandOf(runs: readonly SweptRun[], metric: string): BandPoint[] {
  const measured = runs.filter((run) => run.steps.some((step) => metric in step));
  if (measured.length === 0) return [];
  const steps = Math.min(...measured.map((run) => run.steps.length));
  const bunch = Math.max(1, Math.ceil(steps / MOST_POINTS));
  const ends = Array.from({ length: Math.floor(steps / bunch) }, (_, i) => (i + 1) * bunch);
  const at = (run: SweptRun, end: number) => {
    const values = run.steps.slice(end - bunch, end).flatMap((step) => (metric in step ? [step[metric]] : []));
    return values.reduce((a, b) => a + b, 0) / values.length;
  };
  // A place that a run did not measure belongs to no band.
  const places = ends.filter((end) => measured.every((run) => Number.isFinite(at(run, end))));
  if (places.length === 0) return [];
  return bootstrapBand(measured.map((run) => places.map((end) => at(run, end)))).map(({ mean, interval }, i) => ({
    step: places[i],
    value: mean,
    ...(interval ? { low: interval[0], high: interval[1] } : {}),
  }));
}

/** What is compared: pass@1 on held-out problems after the last step. */
const END = "pass@1";

export interface Finding {
  readonly outcome: Outcome | undefined;
  readonly sentence: string;
}

/** A difference of shares cannot be more than 100 points, though an interval from few seeds may say so. */
const points = (share: number) => signed(100 * Math.min(1, Math.max(-1, share)), 1);
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** The finding in plain words; undefined until there is a run to speak of. */
export function findingOf(runs: readonly SweptRun[], names: readonly string[]): Finding | undefined {
  const ends = (arm: number) => new Map(runs.filter((run) => run.arm === arm && END in run.end).map((run) => [run.seed, run.end[END]]));
  const first = ends(0);
  if (first.size === 0) return undefined;
  if (names.length === 1) {
    const values = [...first.values()];
    const { mean: centre, interval } = bootstrapBand(values.map((value) => [value]))[0];
    const spread = interval
      ? `, 95 % interval of the mean ${percent(Math.max(0, interval[0]))} to ${percent(Math.min(1, interval[1]))}`
      : "; one seed says nothing about chance";
    return {
      outcome: undefined,
      sentence: `${names[0]}: pass@1 ends at ${percent(centre)} on average over ${count(values.length, "seed")} (from ${percent(Math.min(...values))} to ${percent(Math.max(...values))}${spread}).`,
    };
  }
  const second = ends(1);
  const seeds = [...first.keys()].filter((seed) => second.has(seed));
  if (seeds.length === 0) return undefined;
  const pairs = { method: seeds.map((seed) => second.get(seed)!), baseline: seeds.map((seed) => first.get(seed)!) };
  const { effect, interval } = judge(pairs, { direction: "higher", margin: 0 });
  const means = `pass@1 ${percent(mean(pairs.baseline))} → ${percent(mean(pairs.method))}`;
  const said = `${names[1]} against ${names[0]}: ${points(effect!)} points (${means}`;
  if (!interval) {
    return {
      outcome: "inconclusive",
      sentence: `${said}; ${count(seeds.length, "seed")}). One pair of runs says nothing about chance: inconclusive.`,
    };
  }
  const facts = `${said}; 95 % interval ${points(interval[0])} to ${points(interval[1])} points; ${count(seeds.length, "seed")})`;
  if (interval[0] > 0) return { outcome: "holds", sentence: `${facts}. That ${names[1]} ends higher holds.` };
  if (interval[1] < 0)
    return { outcome: "does not hold", sentence: `${facts}. That ${names[1]} ends higher does not hold: it ends lower.` };
  return {
    outcome: "inconclusive",
    sentence: `${facts}. Inconclusive: the interval contains 0; more seeds would make it narrower.`,
  };
}
