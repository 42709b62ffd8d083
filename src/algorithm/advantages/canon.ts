import type { RolloutBatch } from "../batch.ts";
import type { Parameters } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, scorableGroups } from "../statistics.ts";

const PEAK = 0.6;

/** The share of the comparison within halves by the cosine with restarts, or its reverse, at an update step counted from 0. */
export function restartedCosine(step: number, warmup: number, period: number, reversed: boolean): number {
  if (step < warmup) {
    const risen = (step + 1) / warmup;
    return reversed ? 1 - risen : PEAK * risen;
  }
  const wave = (PEAK / 2) * (1 + Math.cos((Math.PI * ((step - warmup) % period)) / period));
  return reversed ? PEAK - wave : wave;
}

/** The share of the comparison within halves, 1 − μ. */
function withinShare(batch: RolloutBatch, params: Parameters): number {
  const step = batch.step - 1;
  const [warmup, period] = [params.warmup as number, params.period as number];
  if (params.schedule === "accuracy")
    return (
      1 -
      mean(
        scorableGroups(batch)
          .flat()
          .map((r) => batch.reward[r]),
      )
    );
  if (params.schedule === "cosine") return restartedCosine(step, warmup, period, false);
  if (params.schedule === "cosine-reversed") return restartedCosine(step, warmup, period, true);
  return 1 - (params.mu as number);
}

/** What a rollout's group is split by. */
function metricOf(batch: RolloutBatch, metric: string, r: number): number {
  const [from, to] = [batch.offsets[r], batch.offsets[r + 1]];
  if (metric === "length") return to - from;
  if (metric === "order") return 0;
  let sum = 0;
  for (let t = from; t < to; t++) sum += batch.scores.entropy![t];
  return to > from ? sum / (to - from) : 0;
}

/** The answers that α favours by discounting what they are compared with, by metric. */
const FAVOURED: Readonly<Record<string, string>> = { entropy: "uncertain half", length: "short half", order: "later half" };
/** What an answer's metric is, by its choice: it splits the group, and is a number except for the control. */
const SPLIT: Readonly<Record<string, string>> = {
  entropy: "m_i = \\text{mean entropy}",
  length: "m_i = \\text{length}",
  order: "\\text{halves by order}",
};
const OTHER = "\\bar r_{\\text{other half}}";
const OWN = "\\bar r_{\\text{own half}}";

/** How μ follows the run. It has a symbol of its own, because the knob for μ then says nothing. */
const SHARES: Readonly<Record<string, string>> = {
  accuracy: "\\mu_s=\\mathrm{mean}_{\\text{batch}}(r)",
  cosine: `1-\\mu_s=${restarts("s/W", "+")}`,
  "cosine-reversed": `1-\\mu_s=${restarts("1-s/W", "-", "")}`,
};

function restarts(rising: string, sign: string, peak = "0.6\\,"): string {
  const wave = `0.3\\big(1${sign}\\cos(\\pi\\,\\tfrac{(s-1-W)\\bmod P}{P})\\big)`;
  return `\\begin{cases}${peak}(${rising})&s\\le W\\\\${wave}&s>W\\end{cases}`;
}

function latexOf({ metric, alpha, schedule }: Parameters): string {
  const share = schedule === "fixed" ? "\\mu" : "\\mu_s";
  const compared = alpha === 1 ? `r_i-${OTHER}` : "c_i";
  const favour =
    alpha === 1
      ? ""
      : `,\\quad c_i=\\begin{cases}r_i-\\alpha\\,${OTHER}&\\text{${FAVOURED[metric as string]}}\\\\\\alpha\\,r_i-${OTHER}&\\text{else}\\end{cases}`;
  const over = schedule === "fixed" ? "" : `,\\quad ${SHARES[schedule as string]}`;
  return `A_i=${share}\\,(${compared})+(1-${share})\\,(r_i-${OWN}),\\quad ${SPLIT[metric as string]}${favour}${over}`;
}

/** CANON's advantage: a group is split in halves by a metric, and each half is compared with the other. */
export const conditional: AdvantagePlugin = {
  id: "conditional",
  name: "Half against half",
  scope: "group",
  needs: ["entropy"],
  parameters: {
    metric: {
      kind: "choice",
      label: "Split by",
      default: "entropy",
      options: [
        { value: "entropy", label: "mean entropy" },
        { value: "length", label: "length" },
        { value: "order", label: "nothing (control)" },
      ],
      effect: "What the two halves of a group differ in.",
    },
    mu: {
      kind: "number",
      label: "Share of the other half μ",
      default: 1,
      min: 0,
      max: 1,
      slider: [0, 1, 0.05],
      symbol: "\\mu",
      effect: "1 compares with the other half alone, 0 with the own; at ½ and even halves it is Dr. GRPO.",
    },
    alpha: {
      kind: "number",
      label: "Asymmetry α",
      default: 1,
      min: 0,
      max: 10,
      slider: [0, 2, 0.05],
      symbol: "\\alpha",
      effect: "Below 1 it favours uncertain answers (split by entropy) or short ones (by length), whatever they earn.",
    },
    schedule: {
      kind: "choice",
      label: "Share over time",
      default: "fixed",
      options: [
        { value: "fixed", label: "fixed" },
        { value: "accuracy", label: "own half first, other half as answers get right" },
        { value: "cosine", label: "cosine with restarts" },
        { value: "cosine-reversed", label: "reversed cosine with restarts" },
      ],
      effect: "Whether μ stays as set or follows the run.",
    },
    warmup: {
      kind: "integer",
      label: "Warm-up",
      default: 30,
      min: 1,
      max: 100000,
      slider: [1, 100, 1],
      unit: "steps",
      symbol: "W",
      effect: "Of the schedules with restarts.",
    },
    period: {
      kind: "integer",
      label: "Period",
      default: 40,
      min: 1,
      max: 100000,
      slider: [1, 200, 1],
      unit: "steps",
      symbol: "P",
      effect: "Of the schedules with restarts.",
    },
  },
  explanation: {
    sentence:
      "Nobody says whether uncertain (or long) answers are better: whichever half of the group earns more gets the larger advantage.",
    latex: "A_i=\\mu\\,(r_i-\\bar r_{\\text{other half}})+(1-\\mu)\\,(r_i-\\bar r_{\\text{own half}})",
    source: SOURCES.canon,
  },
  latexOf,
  terms: {
    metric: { symbol: "m_i", meaning: "what the group is split by" },
    other: { symbol: "\\bar r_{\\text{other half}}", meaning: "mean reward of the other half" },
    own: { symbol: "\\bar r_{\\text{own half}}", meaning: "mean reward of the answer's own half" },
  },
  /** In an odd group the upper half is the larger; ties keep their order. */
  estimate(batch, params) {
    const { rows, reward } = batch;
    const [advantage, metric, other, own] = Array.from({ length: 4 }, () => new Float64Array(rows));
    const within = withinShare(batch, params);
    const across = 1 - within;
    const alpha = params.alpha as number;
    const byLength = params.metric === "length";
    for (const members of scorableGroups(batch)) {
      for (const r of members) metric[r] = metricOf(batch, params.metric as string, r);
      const sorted = [...members].sort((a, b) => metric[a] - metric[b]);
      const middle = Math.floor(sorted.length / 2);
      const halves = [sorted.slice(0, middle), sorted.slice(middle)];
      const means = halves.map((half) => mean(half.map((r) => reward[r])));
      // A half without answers, in a group of one, is nothing to compare with.
      if (middle === 0) continue;
      halves.forEach((half, h) => {
        for (const r of half) {
          [own[r], other[r]] = [means[h], means[1 - h]];
          // α weighs the other half's mean for the favoured half, the own reward for the other.
          const favoured = byLength ? h === 0 : h === 1;
          const compared = favoured ? reward[r] - alpha * other[r] : alpha * reward[r] - other[r];
          advantage[r] = across * compared + within * (reward[r] - own[r]);
        }
      });
    }
    return { level: "rollout", advantage, terms: { metric, other, own } };
  },
};
