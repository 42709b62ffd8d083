import { whitened } from "../latex.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mean, returnsToGo, scorableGroups, scorableRows, scorableTokenRewards, whitenTokens } from "../statistics.ts";
import { ddof, eps, gamma, singleton } from "./parameters.ts";

/**
 * REINFORCE++ (discounted return-to-go, whitened over all tokens) and its baseline variant (reward minus the group's mean, on every token,
 * whitened). verl's `reinforce_plus_plus` and `reinforce_plus_plus_baseline`; ddof 0 is OpenRLHF's whitening.
 */
export const reinforcePlusPlus: AdvantagePlugin = {
  id: "reinforce-plus-plus",
  name: "REINFORCE++",
  scope: "batch",
  parameters: {
    baseline: {
      kind: "choice",
      label: "Baseline",
      default: "none",
      options: [
        { value: "none", label: "none" },
        { value: "groupMean", label: "group mean" },
      ],
      effect: "Whether rewards are compared with their group first. With the group's mean there is no discount.",
    },
    gamma,
    ddof: ddof("in the whitening"),
    eps: eps(1e-8, "Added to the tokens' variance before its root."),
    singleton: singleton("raw"),
  },
  explanation: {
    sentence: "What is still to come after a token, measured against all tokens of the batch: minus their mean, over their spread.",
    latex:
      "A_{i,t} = \\frac{G_{i,t} - \\mathrm{mean}(G)}{\\sqrt{\\mathrm{var}(G) + \\varepsilon}}, \\quad G_{i,t} = \\sum_{s \\ge t} \\gamma^{s-t} r_{i,s}",
    source: SOURCES.reinforcePlusPlus,
  },
  latexOf({ baseline, ddof: taken, singleton: alone }) {
    const lone = alone === "raw" ? "\\ (r_i\\text{ if alone})" : "";
    const returns = baseline === "groupMean" ? `r_i - \\mathrm{mean}(r)${lone}` : "r_{i,t} + \\gamma\\,G_{i,t+1}";
    return `${whitened("A_{i,t}", "G_{i,t}", "G", { over: "tokens", ddof: taken })}, \\quad G_{i,t} = ${returns}`;
  },
  terms: { returns: { symbol: "G_{i,t}", meaning: "return-to-go, or the reward minus its group's mean, before whitening" } },
  estimate(batch, params) {
    const counts = scorableRows(batch);
    const returns =
      params.baseline === "groupMean"
        ? new Float64Array(batch.offsets[batch.rows])
        : returnsToGo(scorableTokenRewards(batch), batch, params.gamma as number);
    if (params.baseline === "groupMean") {
      for (const members of scorableGroups(batch)) {
        const alone = members.length === 1;
        const baseline = alone && params.singleton === "raw" ? 0 : mean(members.map((r) => batch.reward[r]));
        for (const r of members) returns.fill(batch.reward[r] - baseline, batch.offsets[r], batch.offsets[r + 1]);
      }
    }
    const { whitened } = whitenTokens(returns, batch, counts, params.ddof as number, params.eps as number);
    return { level: "token", advantage: whitened, terms: { returns } };
  },
};
