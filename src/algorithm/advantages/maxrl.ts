import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, ratioOrZero, scorableGroups } from "../statistics.ts";
import { eps } from "./parameters.ts";

/** MaxRL: the difference from the group's mean over that mean. Groups without a positive mean have nothing to teach and get 0. */
export const maxRl: AdvantagePlugin = {
  id: "maxrl",
  name: "MaxRL",
  scope: "group",
  parameters: { eps: eps(0, "Added to the mean that is divided by.") },
  explanation: {
    sentence: "Dividing by the group's success rate makes rare successes count most, as maximum likelihood of success would.",
    latex: "A_i = \\frac{r_i - \\mathrm{mean}(r)}{\\mathrm{mean}(r) + \\varepsilon}",
    source: SOURCES.maxRl,
  },
  terms: { baselines: { symbol: "\\mathrm{mean}(r)", meaning: "the group's mean reward" } },
  estimate(batch, params) {
    const advantage = new Float64Array(batch.rows);
    const baselines = new Float64Array(batch.rows);
    for (const members of scorableGroups(batch)) {
      const baseline = mean(members.map((r) => batch.reward[r]));
      for (const r of members) {
        baselines[r] = baseline;
        if (baseline > 0) advantage[r] = ratioOrZero(batch.reward[r] - baseline, baseline + (params.eps as number));
      }
    }
    return { level: "rollout", advantage, terms: { baselines } };
  },
};
