import type { Parameters } from "../plugin.ts";
import type { SamplerPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** The truncations in force, as they follow a sampler's formula (LaTeX). */
export function truncationLatex({ topK, topP, minP }: Parameters): string {
  const kept = [
    topK === 0 ? "" : "\\text{the }k\\text{ most probable}",
    topP === 1 ? "" : "\\text{the fewest that reach }p",
    minP === 0 ? "" : "\\pi(y_t)\\ge p_{\\min}\\max\\pi",
  ].filter((text) => text !== "");
  return kept.length === 0 ? "" : `,\\quad y_t\\text{ among: }${kept.join(";\\ ")}`;
}

/** Independent draws from the policy, with the usual truncations. */
export const temperatureSampler: SamplerPlugin = {
  id: "temperature",
  name: "Temperature sampling",
  scope: "token",
  parameters: {
    promptsPerStep: {
      kind: "integer",
      label: "Prompts a step",
      default: 16,
      min: 1,
      max: 256,
      slider: [1, 64, 1],
      effect: "More prompts make each update less noisy and each step slower.",
    },
    groupSize: {
      kind: "integer",
      label: "Group size",
      default: 8,
      min: 1,
      max: 256,
      slider: [1, 32, 1],
      effect: "Answers per prompt. Larger groups compare better and more often contain both right and wrong answers.",
    },
    temperature: {
      kind: "number",
      label: "Temperature",
      default: 1,
      min: 0.05,
      max: 5,
      slider: [0.1, 2, 0.05],
      symbol: "T",
      effect: "Below 1 answers become alike, above 1 more varied and more often wrong.",
    },
    topK: {
      kind: "integer",
      label: "Top-k",
      default: 0,
      min: 0,
      max: 104,
      slider: [0, 40, 1],
      symbol: "k",
      effect: "Draw only from the k most probable tokens; 0 keeps all.",
    },
    topP: {
      kind: "number",
      label: "Top-p",
      default: 1,
      min: 0.01,
      max: 1,
      slider: [0.5, 1, 0.01],
      symbol: "p",
      effect: "Draw only from the smallest set of tokens that reaches this probability; 1 keeps all.",
    },
    minP: {
      kind: "number",
      label: "Min-p",
      default: 0,
      min: 0,
      max: 0.99,
      slider: [0, 0.5, 0.01],
      symbol: "p_{\\min}",
      effect: "Drop tokens less probable than this share of the most probable one; 0 keeps all.",
    },
    maxNewTokens: {
      kind: "integer",
      label: "Longest answer",
      default: 0,
      min: 0,
      max: 120,
      slider: [0, 64, 1],
      unit: "tokens",
      effect: "Answers are cut off here; 0 takes the task's own limit.",
    },
  },
  explanation: {
    sentence: "Every token is drawn from the policy's own distribution, sharpened or flattened by the temperature.",
    latex: "y_t \\sim \\mathrm{softmax}(z_t / T)",
    source: SOURCES.nucleus,
  },
  latexOf: (params) => `y_t \\sim \\mathrm{softmax}(z_t / T)${truncationLatex(params)}`,
  terms: { T: { symbol: "T", meaning: "temperature" } },
  drawing: (params) => ({
    temperature: params.temperature as number,
    topK: params.topK as number,
    topP: params.topP as number,
    minP: params.minP as number,
  }),
};
