import type { Parameters, PluginDeclaration } from "../plugin.ts";
import { SOURCES } from "../sources.ts";

/** The update, with the clipped gradient's running means, and the learning rate over steps where it does not stay (LaTeX). */
function latexOf({ maxGradNorm, weightDecay, schedule, warmup }: Parameters): string {
  const changes = schedule !== "constant" || warmup !== 0;
  const gradient = maxGradNorm === 0 ? "g" : "\\bar g";
  const clipped = maxGradNorm === 0 ? "" : ",\\quad \\bar g = g\\,\\min(1,\\ g_{\\max}/\\lVert g \\rVert)";
  const decayed = weightDecay === 0 ? "" : " + \\lambda\\,\\theta";
  const moments = `m \\leftarrow \\beta_1\\,m + (1-\\beta_1)\\,${gradient},\\quad v \\leftarrow \\beta_2\\,v + (1-\\beta_2)\\,${gradient}^2`;
  const later = schedule === "cosine" ? "\\tfrac12\\big(1 + \\cos(\\pi\\,\\tfrac{s - 1 - s_w}{S - s_w})\\big)" : "1";
  const factor = warmup === 0 ? later.replaceAll(" - s_w", "") : `\\begin{cases}s/s_w & s \\le s_w\\\\ ${later} & \\text{else}\\end{cases}`;
  const rate = changes ? `,\\quad \\eta_s = \\eta\\,${factor}` : "";
  return `\\theta \\leftarrow \\theta - ${changes ? "\\eta_s" : "\\eta"}\\Big(\\frac{\\hat m}{\\sqrt{\\hat v} + \\epsilon}${decayed}\\Big),\\quad ${moments}${clipped}${rate}`;
}

/** AdamW, and how a batch is cut into updates. */
export const adamWOptimizer: PluginDeclaration = {
  id: "adamw",
  name: "AdamW",
  scope: "run",
  parameters: {
    learningRate: {
      kind: "number",
      label: "Learning rate",
      default: 5e-5,
      min: 0,
      max: 0.1,
      slider: [1e-6, 1e-2, 0],
      scale: "log",
      symbol: "\\eta",
      effect: "The length of each update. Too high and the policy falls apart, too low and nothing happens.",
    },
    miniBatches: {
      kind: "integer",
      label: "Mini-batches",
      default: 2,
      min: 1,
      max: 64,
      slider: [1, 8, 1],
      effect: "Updates per pass over the batch. From the second on the ratio leaves 1 and clipping can act.",
    },
    epochs: {
      kind: "integer",
      label: "Epochs",
      default: 2,
      min: 1,
      max: 16,
      slider: [1, 8, 1],
      effect: "Passes over the same batch. More squeeze more out of it and go further off-policy.",
    },
    maxGradNorm: {
      kind: "number",
      label: "Gradient clip",
      default: 1,
      min: 0,
      max: 1000,
      slider: [0, 5, 0.1],
      symbol: "g_{\\max}",
      effect: "Gradients longer than this are shortened to it; 0 switches it off.",
    },
    weightDecay: {
      kind: "number",
      label: "Weight decay",
      default: 0,
      min: 0,
      max: 1,
      slider: [0, 0.2, 0.01],
      symbol: "\\lambda",
      effect: "Pulls weights towards zero at each update.",
    },
    beta1: {
      kind: "number",
      label: "β₁",
      default: 0.9,
      min: 0,
      max: 0.9999,
      slider: [0, 0.999, 0.001],
      symbol: "\\beta_1",
      effect: "How long the running mean of gradients remembers.",
    },
    beta2: {
      kind: "number",
      label: "β₂",
      default: 0.99,
      min: 0,
      max: 0.99999,
      slider: [0.8, 0.9999, 0.0001],
      symbol: "\\beta_2",
      effect: "How long the running mean of squared gradients remembers.",
    },
    schedule: {
      kind: "choice",
      label: "Schedule",
      default: "constant",
      options: [
        { value: "constant", label: "constant" },
        { value: "cosine", label: "cosine to zero" },
      ],
      effect: "Whether the learning rate falls over the run.",
    },
    warmup: {
      kind: "integer",
      label: "Warm-up",
      default: 0,
      min: 0,
      max: 10000,
      slider: [0, 50, 1],
      unit: "steps",
      symbol: "s_w",
      effect: "Steps in which the learning rate climbs to its full value.",
    },
    scheduleSteps: {
      kind: "integer",
      label: "Schedule length",
      default: 150,
      min: 1,
      max: 1000000,
      slider: [10, 1000, 10],
      unit: "steps",
      symbol: "S",
      effect: "Where a cosine schedule ends.",
    },
  },
  explanation: {
    sentence: "Each weight moves against its averaged gradient, scaled by the gradient's usual size.",
    latex: "\\theta \\leftarrow \\theta - \\eta\\Big(\\frac{\\hat m}{\\sqrt{\\hat v} + \\epsilon} + \\lambda\\theta\\Big)",
    source: SOURCES.adamw,
  },
  latexOf,
  terms: { gradNorm: { symbol: "\\lVert g \\rVert", meaning: "gradient norm before clipping" } },
};
