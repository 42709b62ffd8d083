import { METRICS, type MetricName } from "../../loop/metric-names.ts";
import type { Metrics } from "../../loop/record.ts";
import type { ResolvedRecipe } from "../../recipes/recipe.ts";
import { LIST_SLOTS, PLUGINS, SLOTS } from "../../recipes/slots.ts";

/** What the charts draw. */
export interface Line {
  readonly metric: string;
  readonly name: string;
  readonly colour: "blue" | "orange";
  /** Measured now and then: points, joined. */
  readonly sparse?: boolean;
}

export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly meaning: string;
  readonly lines: readonly Line[];
  /** Shares and rewards have fixed ends; others follow the data, from 0. */
  readonly domain?: readonly [number, number];
  /** Without fixed ends, the least that the axis reaches up to. */
  readonly least?: number;
  readonly format: "percent" | "number" | "rate";
}

export const MAIN_CHART: ChartSpec = {
  id: "reward",
  title: "Learning",
  meaning: "The mean reward of each step’s answers, and the share of held-out problems answered right at the first try.",
  lines: [
    { metric: "reward", name: "reward", colour: "blue" },
    { metric: "pass@1", name: "pass@1", colour: "orange", sparse: true },
  ],
  domain: [0, 1],
  format: "number",
};

const one = (id: string, title: string, metric: string, meaning: string, more: Partial<ChartSpec> = {}): ChartSpec => ({
  id,
  title,
  meaning,
  lines: [{ metric, name: title, colour: "blue" }],
  format: "number",
  ...more,
});

export const SMALL_CHARTS: readonly ChartSpec[] = [
  one("entropy", "Entropy", "entropy", "How undecided the policy is, in nats a token. It falls as the policy commits itself."),
  one("kl", "KL to base", "kl", "How far the policy has moved from where it began, in nats a token.", { least: 0.01 }),
  one("clip", "Clip", "clip_ratio/high_mean", "The share of tokens whose gradient the clip stopped: risen too far, fallen too far.", {
    lines: [
      { metric: "clip_ratio/high_mean", name: "held above", colour: "blue" },
      { metric: "clip_ratio/low_mean", name: "held below", colour: "orange" },
    ],
    format: "percent",
  }),
  one(
    "idle",
    "No signal",
    "frac_reward_zero_std",
    "The share of groups whose answers all earned the same, so that there was nothing to learn.",
    {
      domain: [0, 1],
      format: "percent",
    },
  ),
  one("length", "Length", "completions/mean_length", "Mean length of an answer, in tokens."),
  one("grad", "Grad norm", "grad_norm", "The length of the gradient before clipping, mean of the step’s updates."),
  one("form", "Readable", "well_formed", "The share of answers that the verifier could read, right or wrong.", {
    domain: [0, 1],
    format: "percent",
  }),
  one("speed", "Tokens/s", "tokens_per_second", "Tokens drawn over the whole step’s time, learning included.", { format: "rate" }),
];

/** A metric's last word, in words: "self_reward/accuracy" → "Accuracy". */
const titleOf = (metric: string) => {
  const last = metric.split("/").at(-1)!.replaceAll("_", " ");
  return last[0].toUpperCase() + last.slice(1);
};

const ofMetric = ({ name, meaning, unit }: MetricName) =>
  one(name, titleOf(name), name, meaning, unit === "share" ? { domain: [0, 1], format: "percent" } : {});

/**
 * What only this recipe has: the parts of its reward and of its loss, what its plug-ins measure, the groups that its filter threw away, and
 * updates that were skipped.
 * @param seen The newest step's metrics; what it does not have is not drawn.
 */
export function recipeCharts(recipe: ResolvedRecipe, seen: Metrics): ChartSpec[] {
  const inUse = new Set([
    ...SLOTS.map((slot) => `${slot}=${recipe.slots[slot].plugin}`),
    ...LIST_SLOTS.flatMap((list) => recipe.lists[list].map(({ plugin }) => `${list}=${plugin}`)),
  ]);
  const parts = Object.keys(seen).flatMap((name) => /^rewards\/(.+)\/mean$/.exec(name)?.[1] ?? []);
  const losses = Object.keys(seen).flatMap((name) => /^loss\/(.+)$/.exec(name)?.[1] ?? []);
  const lossName = (id: string) => (id === "kl" ? "KL penalty" : (PLUGINS.losses.find((plugin) => plugin.id === id)?.name ?? id));
  return [
    ...(parts.length > 1
      ? parts.map((part) =>
          one(`part ${part}`, `Reward: ${part}`, `rewards/${part}/mean`, `The part “${part}” of the reward, mean of the step’s answers.`),
        )
      : []),
    ...losses.map((id) =>
      one(`loss ${id}`, `Loss: ${lossName(id)}`, `loss/${id}`, "This part of the loss, with its weight, mean of the step’s updates."),
    ),
    ...METRICS.filter(({ name, from }) => from !== undefined && inUse.has(from) && name in seen).map(ofMetric),
    ...METRICS.filter(({ name }) => RARE.includes(name) && (seen[name] ?? 0) > 0).map(ofMetric),
  ];
}

/** Drawn only once they have happened. */
const RARE = ["groups_discarded", "updates_skipped"];

/** The end of the axis of steps: a round number that all charts share, so that they seldom move. */
export function axisEnd(step: number): number {
  for (let unit = 10; ; unit *= 10) for (const times of [1, 2, 3, 5, 8]) if (times * unit >= step) return times * unit;
}

/** The most points a chart draws: more cost long frames on small machines and cannot be told apart. */
export const MOST_POINTS = 100;

export type Point = Readonly<Record<string, number>>;

/**
 * At most `MOST_POINTS` points of a chart. Neighbouring steps are averaged; the last step of each bunch gives the place. Sparse
 * metrics keep the bunch's last measurement, and `start` is put at step 0.
 */
export function pointsOf(history: readonly Metrics[], lines: readonly Line[], start: Metrics = {}): Point[] {
  const bunch = Math.max(1, Math.ceil(history.length / (MOST_POINTS - 1)));
  const points: Record<string, number>[] = [];
  const first = Object.fromEntries(lines.filter((line) => line.metric in start).map((line) => [line.metric, start[line.metric]]));
  if (Object.keys(first).length > 0) points.push({ step: 0, ...first });
  for (let from = 0; from < history.length; from += bunch) {
    const steps = history.slice(from, from + bunch);
    const point: Record<string, number> = { step: steps.at(-1)!.step };
    for (const { metric, sparse } of lines) {
      const values = steps.flatMap((m) => (metric in m ? [m[metric]] : []));
      if (values.length > 0) point[metric] = sparse ? values.at(-1)! : values.reduce((a, b) => a + b, 0) / values.length;
    }
    points.push(point);
  }
  return points;
}

/** The curve of another run in a chart: of the chart's line `metric`, under a key of its own. */
export interface Overlay {
  readonly key: string;
  readonly metric: string;
  readonly name: string;
  readonly colour: string;
  readonly dash: string;
  readonly sparse?: boolean;
  readonly history: readonly Metrics[];
}

/** A chart's points with other runs' curves beside them, by step. */
export function withOverlays(points: readonly Point[], overlays: readonly Overlay[]): readonly Point[] {
  if (overlays.length === 0) return points;
  const at = new Map(points.map((point) => [point.step, { ...point }]));
  for (const { key, metric, sparse, history } of overlays) {
    for (const point of pointsOf(history, [{ metric, name: "", colour: "blue", ...(sparse ? { sparse } : {}) }])) {
      if (metric in point) at.set(point.step, { ...at.get(point.step), step: point.step, [key]: point[metric] });
    }
  }
  return [...at.values()].sort((a, b) => a.step - b.step);
}
