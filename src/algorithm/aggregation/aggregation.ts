import type { Parameter } from "../plugin.ts";
import type { AggregationInputs, AggregationPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

const maskTruncated: Parameter = {
  kind: "boolean",
  label: "Mask cut-off answers",
  default: false,
  effect: "Answers that ran into the length limit teach nothing instead of counting as wrong.",
};

interface Form {
  readonly id: string;
  readonly name: string;
  readonly sentence: string;
  readonly latex: string;
  readonly source: { readonly title: string; readonly url: string };
  readonly weight: (length: number, inputs: AggregationInputs, tokens: number, rollouts: number, limit: number) => number;
  readonly parameters?: Readonly<Record<string, Parameter>>;
}

/** A form of averaging as a plug-in. Masked rollouts leave numerator and denominator; with none left, every weight is 0. */
function aggregation({ id, name, sentence, latex, source, weight, parameters }: Form): AggregationPlugin {
  return {
    id,
    name,
    scope: "batch",
    parameters: { ...parameters, maskTruncated },
    explanation: { sentence, latex, source },
    terms: {},
    weights(inputs, params) {
      const kept = inputs.lengths.filter((_, r) => inputs.kept[r]);
      const tokens = kept.reduce((a, b) => a + b, 0);
      const limit = (params.maxLength as number) || inputs.maxLength;
      return inputs.lengths.map((length, r) => (inputs.kept[r] && length > 0 ? weight(length, inputs, tokens, kept.length, limit) : 0));
    },
  };
}

export const AGGREGATIONS: readonly [AggregationPlugin, ...AggregationPlugin[]] = [
  aggregation({
    id: "token-mean",
    name: "Mean over tokens",
    sentence: "Every token of the mini-batch counts the same, so long answers weigh more than short ones.",
    latex: "\\frac{1}{\\sum_i |o_i|}\\sum_i\\sum_t \\ell_{i,t}",
    source: SOURCES.dapo,
    weight: (_, __, tokens) => 1 / tokens,
  }),
  aggregation({
    id: "sequence-mean-token-mean",
    name: "Mean over tokens, then answers",
    sentence: "Every answer counts the same, so each token of a long answer counts less.",
    latex: "\\frac{1}{n}\\sum_i\\frac{1}{|o_i|}\\sum_t \\ell_{i,t}",
    source: SOURCES.grpo,
    weight: (length, _, __, rollouts) => 1 / (rollouts * length),
  }),
  aggregation({
    id: "sequence-mean-token-sum",
    name: "Sum over tokens, mean over answers",
    sentence: "Token losses are added within an answer and averaged over answers.",
    latex: "\\frac{1}{n}\\sum_i\\sum_t \\ell_{i,t}",
    source: SOURCES.drGrpo,
    weight: (_, __, ___, rollouts) => 1 / rollouts,
  }),
  aggregation({
    id: "constant-length",
    name: "Sum over tokens, by a constant",
    sentence:
      "Token losses are added and divided by a constant length, so that an answer's length does not change the weight of its tokens.",
    latex: "\\frac{1}{n\\,L_{\\max}}\\sum_i\\sum_t \\ell_{i,t}",
    source: SOURCES.drGrpo,
    parameters: {
      maxLength: {
        kind: "integer",
        label: "Constant length",
        default: 0,
        min: 0,
        max: 1024,
        slider: [0, 64, 1],
        unit: "tokens",
        effect: "What the sum is divided by; 0 takes the longest possible answer.",
      },
    },
    weight: (_, __, ___, rollouts, limit) => 1 / (rollouts * limit),
  }),
];
