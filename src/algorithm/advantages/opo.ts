import { lengthsOf } from "../batch.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { ratioOrZero, scorableGroups } from "../statistics.ts";
import { singleton } from "./parameters.ts";

/** OPO: the baseline of least variance if a gradient's size grows with length, the length-weighted mean. verl's `opo`. */
export const opo: AdvantagePlugin = {
  id: "opo",
  name: "OPO",
  scope: "group",
  parameters: { singleton: singleton("raw") },
  explanation: {
    sentence: "The group's average counts each answer by its length, because long answers make large gradients.",
    latex: "A_i = r_i - \\frac{\\sum_j \\ell_j r_j}{\\sum_j \\ell_j}",
    source: SOURCES.opo,
  },
  terms: { baselines: { symbol: "\\frac{\\sum_j \\ell_j r_j}{\\sum_j \\ell_j}", meaning: "the group's length-weighted mean reward" } },
  estimate(batch, params) {
    const lengths = lengthsOf(batch);
    const advantage = new Float64Array(batch.rows);
    const baselines = new Float64Array(batch.rows);
    for (const members of scorableGroups(batch)) {
      const total = members.reduce((sum, r) => sum + lengths[r], 0);
      // Written as a distance from the first reward, so that equal rewards are exactly their own mean.
      const first = batch.reward[members[0]];
      const shift = members.reduce((sum, r) => sum + lengths[r] * (batch.reward[r] - first), 0);
      const weighted = first + ratioOrZero(shift, total);
      for (const r of members) {
        baselines[r] = members.length > 1 ? weighted : params.singleton === "raw" ? 0 : batch.reward[r];
        advantage[r] = batch.reward[r] - baselines[r];
      }
    }
    return { level: "rollout", advantage, terms: { baselines } };
  },
};
