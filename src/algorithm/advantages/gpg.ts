import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, scorableGroups } from "../statistics.ts";
import { singleton } from "./parameters.ts";

/** GPG: the difference from the group's mean, times the batch's rollouts for each rollout with a reward. verl's `gpg`. */
export const gpg: AdvantagePlugin = {
  id: "gpg",
  name: "GPG",
  scope: "batch",
  parameters: {
    norm: {
      kind: "number",
      label: "Divide by",
      default: 1,
      min: 0.001,
      max: 1000,
      slider: [0.1, 10, 0.1],
      symbol: "F",
      effect: "A constant that every advantage is divided by.",
    },
    singleton: singleton("raw"),
  },
  explanation: {
    sentence: "The fewer answers of the batch earn a reward, the more the difference from the group's average counts.",
    latex: "A_i = \\frac{\\alpha\\,(r_i - \\mathrm{mean}(r))}{F}, \\quad \\alpha = \\frac{N}{\\#\\{j : r_j \\ne 0\\}}",
    source: SOURCES.gpgLoss,
  },
  terms: {
    baselines: { symbol: "\\mathrm{mean}(r)", meaning: "the group's mean reward" },
    factors: { symbol: "\\alpha", meaning: "rollouts of the batch over those with a reward" },
  },
  estimate(batch, params) {
    const groups = scorableGroups(batch);
    const rows = groups.flat();
    const alpha = rows.length / Math.max(1, rows.filter((r) => batch.reward[r] !== 0).length);
    const advantage = new Float64Array(batch.rows);
    const baselines = new Float64Array(batch.rows);
    const factors = new Float64Array(batch.rows);
    for (const members of groups) {
      const alone = members.length === 1;
      const baseline = alone && params.singleton === "raw" ? 0 : mean(members.map((r) => batch.reward[r]));
      for (const r of members) {
        baselines[r] = baseline;
        factors[r] = alpha;
        advantage[r] = (alpha * (batch.reward[r] - baseline)) / (params.norm as number);
      }
    }
    return { level: "rollout", advantage, terms: { baselines, factors } };
  },
};
