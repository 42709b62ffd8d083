import type { Parameter, Parameters } from "../plugin.ts";
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
  readonly weight: (
    length: number,
    inputs: AggregationInputs,
    tokens: number,
    rollouts: number,
    limit: number,
    params: Parameters,
  ) => number;
  readonly parameters?: Readonly<Record<string, Parameter>>;
  /** What parameters make of `latex`. */
  readonly formula?: (params: Parameters) => string;
}

/** A form of averaging as a plug-in. Masked rollouts leave numerator and denominator; with none left, every weight is 0. */
function aggregation({ id, name, sentence, latex, source, weight, parameters, formula = () => latex }: Form): AggregationPlugin {
  return {
    id,
    name,
    scope: "batch",
    parameters: { ...parameters, maskTruncated },
    explanation: { sentence, latex, source },
    latexOf: (params) => (params.maskTruncated === true ? `${formula(params)},\\quad i : o_i\\ \\text{finished}` : formula(params)),
    terms: {},
    weights(inputs, params) {
      const kept = inputs.lengths.filter((_, r) => inputs.kept[r]);
      const tokens = kept.reduce((a, b) => a + b, 0);
      const limit = (params.maxLength as number) || inputs.maxLength;
      return inputs.lengths.map((length, r) =>
        inputs.kept[r] && length > 0 ? weight(length, inputs, tokens, kept.length, limit, params) : 0,
      );
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
        symbol: "L",
        effect: "What the sum is divided by; 0 takes the longest possible answer.",
      },
    },
    formula: ({ maxLength }) => `\\frac{1}{n\\,${maxLength ? "L" : "L_{\\max}"}}\\sum_i\\sum_t \\ell_{i,t}`,
    weight: (_, __, ___, rollouts, limit) => 1 / (rollouts * limit),
  }),
  aggregation({
    id: "token-sum",
    name: "Sum over tokens",
    sentence: "Token losses are simply added, so a larger mini-batch takes a larger step.",
    latex: "\\sum_i\\sum_t \\ell_{i,t}",
    source: SOURCES.reinforce,
    weight: () => 1,
  }),
  aggregation({
    id: "sequence-mean-token-sum-norm",
    name: "Sum over tokens, by the padded width",
    sentence:
      "Token losses are added within an answer, averaged over answers and divided by one common length: what the mini-batch is padded to.",
    latex: "\\frac{1}{n\\,W}\\sum_i\\sum_t \\ell_{i,t}",
    source: SOURCES.drGrpo,
    parameters: {
      scale: {
        kind: "number",
        label: "Common length",
        default: 0,
        min: 0,
        max: 100000,
        slider: [0, 64, 1],
        unit: "tokens",
        symbol: "L",
        effect: "What the sum is divided by; 0 takes the longest answer of the mini-batch.",
      },
    },
    formula: ({ scale }) => `\\frac{1}{n\\,${scale ? "L" : "W"}}\\sum_i\\sum_t \\ell_{i,t}`,
    weight: (_, { width, lengths }, __, rollouts, ___, params) =>
      1 / (rollouts * ((params.scale as number) || width || lengths.reduce((a, b) => Math.max(a, b), 1))),
  }),
  aggregation({
    id: "batch-tokens",
    name: "Mean over the whole batch's tokens",
    sentence: "Every token of the batch counts the same, also when it is split into mini-batches of unequal lengths.",
    latex: "\\frac{1}{\\sum_{i \\in \\text{batch}} |o_i|}\\sum_i\\sum_t \\ell_{i,t}",
    source: SOURCES.dapo,
    parameters: {
      perUpdate: {
        kind: "boolean",
        label: "Full-size updates",
        default: false,
        effect: "Multiplies by the number of mini-batches, so that splitting a batch does not make each update smaller.",
      },
    },
    formula: ({ perUpdate }) => `\\frac{${perUpdate === true ? "m" : "1"}}{\\sum_{i \\in \\text{batch}} |o_i|}\\sum_i\\sum_t \\ell_{i,t}`,
    weight: (_, { batchTokens, miniBatches }, tokens, __, ___, params) =>
      (params.perUpdate === true ? (miniBatches ?? 1) : 1) / (batchTokens ?? tokens),
  }),
];
