import { BASELINE, groupAdvantage, SCALE, SCOPE } from "../kernels/groupAdvantage.ts";
import type { Parameters } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, meanAbsoluteDeviation, median, others, ratioOrZero, scorableGroups, standardDeviation } from "../statistics.ts";
import { singleton } from "./parameters.ts";

/** GRPO's group-relative advantage and its close relatives (Dr. GRPO, RLOO, NeMo-RL's form), by parameter. */
export const groupRelative: AdvantagePlugin = {
  id: "group",
  name: "Group-relative",
  scope: "group",
  parameters: {
    baseline: {
      kind: "choice",
      label: "Baseline",
      default: "mean",
      options: [
        { value: "mean", label: "group mean" },
        { value: "leaveOneOut", label: "mean of the others" },
        { value: "median", label: "group median" },
        { value: "batchMean", label: "mean of the whole batch" },
      ],
      effect: "What a reward is compared with.",
    },
    scale: {
      kind: "choice",
      label: "Divide by",
      default: "std",
      options: [
        { value: "std", label: "standard deviation" },
        { value: "leaveOneOutStd", label: "standard deviation of the others" },
        { value: "meanAbsoluteDeviation", label: "mean absolute deviation" },
        { value: "none", label: "nothing" },
      ],
      effect: "Dividing by the spread gives very easy and very hard prompts as much say as the others; without it they have less.",
    },
    scope: {
      kind: "choice",
      label: "Spread over",
      default: "group",
      options: [
        { value: "group", label: "the group" },
        { value: "batch", label: "the whole batch" },
      ],
      effect: "Whose spread is divided by.",
    },
    ddof: {
      kind: "integer",
      label: "Degrees of freedom taken",
      default: 1,
      min: 0,
      max: 1,
      slider: [0, 1, 1],
      effect: "1 divides the sum of squares by n − 1 (TRL, verl), 0 by n.",
    },
    eps: {
      kind: "number",
      label: "ε",
      default: 1e-6,
      min: 0,
      max: 1,
      slider: [0, 0.01, 0.0001],
      symbol: "\\varepsilon",
      effect: "Added to the spread, so that a tiny spread does not blow the advantage up.",
    },
    zeroSpread: {
      kind: "choice",
      label: "Where the spread is 0",
      default: "divide",
      options: [
        { value: "divide", label: "divide by ε all the same" },
        { value: "zero", label: "advantage 0" },
        { value: "unscaled", label: "do not divide" },
      ],
      effect: "Matters where a reward differs from its baseline although nothing spreads: with the others' spread, or the batch's mean.",
    },
    factor: {
      kind: "choice",
      label: "Times",
      default: "one",
      options: [
        { value: "one", label: "1" },
        { value: "leaveOneOut", label: "n/(n − 1)" },
      ],
      effect: "n/(n − 1) turns the difference from the group's mean into the difference from the others' mean, as RLOO wants it.",
    },
    singleton: singleton("zero"),
  },
  explanation: {
    sentence: "An answer is as good as it is better than its group's average, measured in standard deviations.",
    latex: "A_i = \\frac{r_i - \\mathrm{mean}(r)}{\\mathrm{std}(r) + \\varepsilon}",
    source: SOURCES.grpo,
  },
  latexOf,
  symbolsOf: ({ baseline, scale, scope }) => ({
    baselines: BASELINES[baseline as string],
    ...(scale === "none" ? {} : { scales: SPREADS[scale as string](scope === "batch" ? BATCH : "") }),
  }),
  terms: {
    baselines: { symbol: "\\mathrm{mean}(r)", meaning: "the baseline: what the reward is compared with" },
    scales: { symbol: "\\mathrm{std}(r)", meaning: "the spread that it is divided by" },
  },
  estimate(batch, params) {
    const advantage = new Float64Array(batch.rows);
    const baselines = new Float64Array(batch.rows);
    const scales = new Float64Array(batch.rows);
    const groups = scorableGroups(batch);
    const everyRow = groups.flat();
    const everyone = everyRow.map((r) => batch.reward[r]);
    // What all rows share is worked out once: a batch may have many rows.
    const batchMean = mean(everyone);
    const batchSpread = params.scale === "leaveOneOutStd" ? null : spreadOf(everyone, params);
    const position = new Map(everyRow.map((r, i) => [r, i]));

    for (const members of groups) {
      const rewards = members.map((r) => batch.reward[r]);
      const groupMean = mean(rewards);
      const groupMedian = median(rewards);
      const groupSpread = spreadOf(rewards, params);
      const alone = members.length === 1 && params.baseline !== "batchMean";
      members.forEach((row, i) => {
        const reward = rewards[i];
        const baseline = alone
          ? params.singleton === "raw"
            ? 0
            : reward
          : params.baseline === "leaveOneOut"
            ? mean(others(rewards, i))
            : params.baseline === "median"
              ? groupMedian
              : params.baseline === "batchMean"
                ? batchMean
                : groupMean;
        const spread =
          alone && params.scope === "group"
            ? 1
            : params.scope === "batch"
              ? (batchSpread ?? standardDeviation(others(everyone, position.get(row)!), params.ddof as number))
              : params.scale === "leaveOneOutStd"
                ? standardDeviation(others(rewards, i), params.ddof as number)
                : groupSpread;
        baselines[row] = baseline;
        scales[row] = spread;
        const n = members.length;
        const difference = (reward - baseline) * (params.factor === "leaveOneOut" && n > 1 ? n / (n - 1) : 1);
        advantage[row] = divided(difference, spread, params);
      });
    }
    return { level: "rollout", advantage, terms: { baselines, scales } };
  },
  device: { kernel: groupAdvantage, uniforms: uniformsOf },
};

const BATCH = "_{\\text{batch}}";
const BASELINES: Readonly<Record<string, string>> = {
  mean: "\\mathrm{mean}(r)",
  leaveOneOut: "\\mathrm{mean}_{j \\ne i}(r_j)",
  median: "\\mathrm{median}(r)",
  batchMean: "\\mathrm{mean}_{\\text{batch}}(r)",
};
const SPREADS: Readonly<Record<string, (batch: string) => string>> = {
  std: (batch) => `\\mathrm{std}${batch}(r)`,
  leaveOneOutStd: (batch) => (batch ? "\\mathrm{std}_{\\text{batch},\\,j \\ne i}(r_j)" : "\\mathrm{std}_{j \\ne i}(r_j)"),
  meanAbsoluteDeviation: (batch) => `\\mathrm{mad}${batch}(r)`,
};

function latexOf({ baseline, scale, scope, factor, eps, zeroSpread }: Parameters): string {
  const difference = `r_i - ${BASELINES[baseline as string]}`;
  const times = factor === "leaveOneOut" ? "\\tfrac{n}{n-1}\\," : "";
  if (scale === "none") return times ? `A_i = ${times}\\big(${difference}\\big)` : `A_i = ${difference}`;
  const spread = SPREADS[scale as string](scope === "batch" ? BATCH : "");
  const flat = { zero: `,\\quad A_i = 0\\text{ where }${spread} = 0`, unscaled: `,\\quad\\text{undivided where }${spread} = 0` };
  return `A_i = ${times}\\frac{${difference}}{${spread}${eps === 0 ? "" : " + \\varepsilon"}}${flat[zeroSpread as keyof typeof flat] ?? ""}`;
}

function spreadOf(values: readonly number[], params: Parameters): number {
  if (params.scale === "none") return 1;
  if (params.scale === "meanAbsoluteDeviation") return meanAbsoluteDeviation(values);
  return standardDeviation(values, params.ddof as number);
}

function divided(difference: number, spread: number, { scale, zeroSpread, eps }: Parameters): number {
  if (scale === "none" || difference === 0) return difference;
  if (spread === 0 && zeroSpread === "zero") return 0;
  if (spread === 0 && zeroSpread === "unscaled") return difference;
  return ratioOrZero(difference, spread + (eps as number));
}

/** The kernel knows the parameters that it has numbers for, with the other ones at their defaults. */
function uniformsOf(params: Parameters, rows: number): Record<string, number> | null {
  const baseline = BASELINE[params.baseline as keyof typeof BASELINE];
  const scale = SCALE[params.scale as keyof typeof SCALE];
  const { zeroSpread, factor, singleton: alone } = params;
  if (baseline === undefined || scale === undefined || zeroSpread !== "divide" || factor !== "one" || alone !== "zero") return null;
  return {
    rows,
    baseline,
    scale,
    scope: SCOPE[params.scope as keyof typeof SCOPE],
    ddof: params.ddof as number,
    eps: params.eps as number,
  };
}
