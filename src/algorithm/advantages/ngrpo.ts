import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, ratioOrZero, scorableGroups, variance } from "../statistics.ts";
import { eps } from "./parameters.ts";

/** NGRPO's advantage: the group is standardised together with imaginary rollouts that earned all there is to earn. */
export const virtualBest: AdvantagePlugin = {
  id: "virtual-best",
  name: "With an imaginary best answer",
  scope: "group",
  parameters: {
    best: {
      kind: "number",
      label: "Largest reward",
      default: 1,
      min: -1000,
      max: 1000,
      slider: [0, 2, 0.1],
      symbol: "r_{\\max}",
      effect: "What the imaginary answer earned; no real answer can earn more.",
    },
    count: {
      kind: "integer",
      label: "Imaginary answers",
      default: 1,
      min: 0,
      max: 100,
      slider: [0, 8, 1],
      symbol: "n",
      effect: "More of them push harder; 0 is GRPO.",
    },
    eps: eps(1e-6, "Added to the spread."),
  },
  explanation: {
    sentence: "An imaginary best answer joins every group, so that answers that are all wrong are below average and pushed away.",
    latex: "A_i=\\frac{r_i-\\mathrm{mean}(E)}{\\mathrm{std}(E)+\\varepsilon},\\quad E=\\{r_1,\\dots,r_G\\}\\cup n\\times\\{r_{\\max}\\}",
    source: SOURCES.ngrpo,
  },
  latexOf: ({ count }) =>
    `A_i=\\frac{r_i-\\mathrm{mean}(E)}{\\mathrm{std}(E)+\\varepsilon},\\quad E=\\{r_1,\\dots,r_G\\}${count === 0 ? "" : "\\cup n\\times\\{r_{\\max}\\}"}`,
  terms: {
    baselines: { symbol: "\\mathrm{mean}(E)", meaning: "mean reward of the group with its imaginary answers" },
    scales: { symbol: "\\mathrm{std}(E)", meaning: "their standard deviation" },
  },
  estimate(batch, params) {
    const { rows, reward } = batch;
    const [advantage, baselines, scales] = [new Float64Array(rows), new Float64Array(rows), new Float64Array(rows)];
    for (const members of scorableGroups(batch)) {
      const extended = [...members.map((r) => reward[r]), ...new Array<number>(params.count as number).fill(params.best as number)];
      const center = mean(extended);
      const spread = Math.sqrt(variance(extended, 1));
      for (const r of members) {
        advantage[r] = ratioOrZero(reward[r] - center, spread + (params.eps as number));
        baselines[r] = center;
        scales[r] = spread;
      }
    }
    return { level: "rollout", advantage, terms: { baselines, scales } };
  },
};
