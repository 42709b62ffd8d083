import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { ratioOrZero, scorableGroups, standardDeviation } from "../statistics.ts";
import { ddof, eps } from "./parameters.ts";

/** Only the best answer of a group learns, by how far it leads. verl's `grpo_passk`. */
export const bestMinusSecond: AdvantagePlugin = {
  id: "best-minus-second",
  name: "pass@k, best minus second",
  scope: "group",
  parameters: {
    scale: {
      kind: "choice",
      label: "Divide by",
      default: "std",
      options: [
        { value: "std", label: "standard deviation" },
        { value: "none", label: "nothing" },
      ],
      effect: "Whether the lead is measured in the group's standard deviations.",
    },
    ddof: ddof("in the spread"),
    eps: eps(1e-6, "Added to the spread."),
  },
  explanation: {
    sentence:
      "The group is worth its best answer, so only that answer is credited, with what would be lost without it. A tie earns nothing.",
    latex: "A_i = \\frac{r_{(1)} - r_{(2)}}{\\mathrm{std}(r) + \\varepsilon}\\,[i\\ \\text{is the best}]",
    source: SOURCES.passAtKPolicy,
  },
  latexOf: ({ scale }) =>
    scale === "none"
      ? "A_i = (r_{(1)} - r_{(2)})\\,[i\\ \\text{is the best}]"
      : "A_i = \\frac{r_{(1)} - r_{(2)}}{\\mathrm{std}(r) + \\varepsilon}\\,[i\\ \\text{is the best}]",
  terms: {
    seconds: { symbol: "r_{(2)}", meaning: "the group's second best reward" },
    scales: { symbol: "\\mathrm{std}(r)", meaning: "the spread that the lead is divided by" },
  },
  estimate(batch, params) {
    const advantage = new Float64Array(batch.rows);
    const seconds = new Float64Array(batch.rows);
    const scales = new Float64Array(batch.rows);
    for (const members of scorableGroups(batch)) {
      if (members.length < 2) continue;
      const [best, second] = [...members].sort((a, b) => batch.reward[b] - batch.reward[a]);
      const lead = batch.reward[best] - batch.reward[second];
      const rewards = members.map((r) => batch.reward[r]);
      const scale = params.scale === "none" ? 1 : standardDeviation(rewards, params.ddof as number);
      for (const r of members) {
        seconds[r] = batch.reward[second];
        scales[r] = scale;
      }
      if (lead > 0) advantage[best] = params.scale === "none" ? lead : ratioOrZero(lead, scale + (params.eps as number));
    }
    return { level: "rollout", advantage, terms: { seconds, scales } };
  },
};
