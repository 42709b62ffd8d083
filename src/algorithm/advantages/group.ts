import { BASELINE, groupAdvantage, SCALE, SCOPE } from "../kernels/groupAdvantage.ts";
import type { Parameters } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** GRPO's group-relative advantage and its close relatives, by parameter. */
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
      ],
      effect: "What a reward is compared with.",
    },
    scale: {
      kind: "choice",
      label: "Divide by",
      default: "std",
      options: [
        { value: "std", label: "standard deviation" },
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
      effect: "Added to the spread, so that a tiny spread does not blow the advantage up.",
    },
  },
  explanation: {
    sentence: "An answer is as good as it is better than its group's average, measured in standard deviations.",
    latex: "A_i = \\frac{r_i - \\mathrm{mean}(r)}{\\mathrm{std}(r) + \\varepsilon}",
    source: SOURCES.grpo,
  },
  terms: {
    baselines: { symbol: "\\mathrm{mean}(r)", meaning: "the baseline: what the reward is compared with" },
    scales: { symbol: "\\mathrm{std}(r)", meaning: "the spread that it is divided by" },
  },
  estimate({ rows, group, reward }, params) {
    const uniforms = uniformsOf(params, rows);
    const { advantages, baselines, scales } = groupAdvantage.twin({ rewards: reward, groups: group }, uniforms);
    return {
      level: "rollout",
      advantage: Float64Array.from(advantages),
      terms: { baselines: Float64Array.from(baselines), scales: Float64Array.from(scales) },
    };
  },
  device: { kernel: groupAdvantage, uniforms: uniformsOf },
};

function uniformsOf(params: Parameters, rows: number): Record<string, number> {
  return {
    rows,
    baseline: BASELINE[params.baseline as keyof typeof BASELINE],
    scale: SCALE[params.scale as keyof typeof SCALE],
    scope: SCOPE[params.scope as keyof typeof SCOPE],
    ddof: params.ddof as number,
    eps: params.eps as number,
  };
}
