import type { PluginDeclaration } from "../plugin.ts";
import { SOURCES } from "../sources.ts";

/** How the policy is measured on problems that it never trains on. */
export const heldoutEvaluation: PluginDeclaration = {
  id: "heldout",
  name: "Held-out problems",
  scope: "run",
  parameters: {
    every: {
      kind: "integer",
      label: "Evaluate every",
      default: 10,
      min: 0,
      max: 10000,
      slider: [0, 50, 1],
      unit: "steps",
      effect: "How often pass@1 on held-out problems is measured; 0 never.",
    },
    problems: {
      kind: "integer",
      label: "Problems",
      default: 256,
      min: 1,
      max: 4096,
      slider: [16, 1024, 16],
      effect: "More problems make the curve of pass@1 smoother and the evaluation slower.",
    },
    passAtKProblems: {
      kind: "integer",
      label: "Problems for pass@k",
      default: 64,
      min: 1,
      max: 1024,
      slider: [8, 256, 8],
      effect: "Problems on which pass@k is measured at the start and at the end.",
    },
    passAtKSamples: {
      kind: "integer",
      label: "Samples for pass@k",
      default: 16,
      min: 1,
      max: 256,
      slider: [1, 64, 1],
      effect: "Answers per problem for pass@k; k goes up to this number.",
    },
  },
  explanation: {
    sentence: "pass@k is the chance that at least one of k answers is right, estimated without bias from n answers of which c are right.",
    latex: "\\text{pass@}k = 1 - \\binom{n-c}{k} \\Big/ \\binom{n}{k}",
    source: SOURCES.passAtK,
  },
  terms: {},
};
