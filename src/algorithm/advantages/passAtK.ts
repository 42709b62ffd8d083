import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { bestOfSubsetWeights, others, ratioOrZero, scorableGroups } from "../statistics.ts";
import { eps } from "./parameters.ts";

/**
 * The analytic pass@k advantage. A group of n answers holds C(n, k) teams of k; a team earns its best reward. An answer's credit is the
 * mean over the teams that it is in, compared with the mean over all teams and divided by their spread. With rewards 0 and 1, c right
 * ones and ρ = 1 − C(n−c, k)/C(n, k) that is (1 − ρ)/σ for right answers and (1 − ρ − C(n−c−1, k−1)/C(n−1, k−1))/σ for wrong ones, with
 * σ = √(ρ(1 − ρ)): the closed form of the paper. Sorting the rewards gives the same for any rewards.
 */
export const passAtK: AdvantagePlugin = {
  id: "pass-at-k",
  name: "pass@k, analytic",
  scope: "group",
  parameters: {
    k: {
      kind: "integer",
      label: "k",
      default: 4,
      min: 1,
      max: 1024,
      slider: [1, 32, 1],
      symbol: "k",
      effect:
        "How many answers may be tried: at 1 it is the usual advantage, more leaves room for daring answers. At most the group's size.",
    },
    baseline: {
      kind: "choice",
      label: "Baseline",
      default: "all",
      options: [
        { value: "all", label: "all teams of the group" },
        { value: "leaveOneOut", label: "teams without this answer" },
      ],
      effect: "Teams without the answer do not depend on it, so the estimate stays unbiased; at k = 1 that is RLOO.",
    },
    scale: {
      kind: "choice",
      label: "Divide by",
      default: "std",
      options: [
        { value: "std", label: "spread of the teams" },
        { value: "none", label: "nothing" },
      ],
      effect: "Whether the credit is measured in standard deviations of the teams' rewards.",
    },
    eps: eps(1e-6, "Added to the spread."),
  },
  explanation: {
    sentence:
      "Answers are judged as members of teams of k that earn their best member's reward: what did the teams with this one earn more?",
    latex:
      "A_i = \\frac{\\mathbb E_{S \\ni i}[\\max_{j \\in S} r_j] - \\mathbb E_{S}[\\max_{j \\in S} r_j]}{\\mathrm{std}_S(\\max r) + \\varepsilon}, \\quad |S| = k",
    source: SOURCES.passAtKTraining,
  },
  latexOf({ baseline, scale }) {
    const without = baseline === "leaveOneOut" ? "\\mathbb E_{S \\not\\ni i}[\\max r]" : "\\mathbb E_S[\\max r]";
    const difference = `\\mathbb E_{S \\ni i}[\\max r] - ${without}`;
    const value = scale === "none" ? difference : `\\frac{${difference}}{\\mathrm{std}_S(\\max r) + \\varepsilon}`;
    return `A_i = ${value}, \\quad |S| = k`;
  },
  symbolsOf: ({ baseline }) => ({
    baselines: baseline === "leaveOneOut" ? "\\mathbb E_{S \\not\\ni i}[\\max r]" : "\\mathbb E_S[\\max r]",
  }),
  terms: {
    credits: { symbol: "\\mathbb E_{S \\ni i}[\\max r]", meaning: "mean reward of the teams that the answer is in" },
    baselines: { symbol: "\\mathbb E_S[\\max r]", meaning: "mean reward of the teams that it is compared with" },
    scales: { symbol: "\\mathrm{std}_S(\\max r)", meaning: "spread of the teams' rewards" },
  },
  estimate(batch, params) {
    const advantage = new Float64Array(batch.rows);
    const credits = new Float64Array(batch.rows);
    const baselines = new Float64Array(batch.rows);
    const scales = new Float64Array(batch.rows);
    for (const members of scorableGroups(batch)) {
      const n = members.length;
      if (n < 2) continue;
      const k = Math.min(params.k as number, n);
      const sorted = [...members].sort((a, b) => batch.reward[a] - batch.reward[b]);
      const rewards = sorted.map((r) => batch.reward[r]);
      const weights = bestOfSubsetWeights(n, k);
      const average = expectation(rewards, weights);
      const spread = Math.sqrt(
        expectation(
          rewards.map((x) => (x - average) ** 2),
          weights,
        ),
      );
      const partners = k > 1 ? bestOfSubsetWeights(n - 1, k - 1) : [];
      const without = bestOfSubsetWeights(n - 1, Math.min(k, n - 1));
      sorted.forEach((row, i) => {
        const rest = others(rewards, i);
        credits[row] =
          k === 1
            ? rewards[i]
            : expectation(
                rest.map((x) => Math.max(x, rewards[i])),
                partners,
              );
        baselines[row] = params.baseline === "all" ? average : expectation(rest, without);
        scales[row] = params.scale === "none" ? 1 : spread;
        const difference = credits[row] - baselines[row];
        if (rewards[0] === rewards[n - 1]) return;
        advantage[row] = params.scale === "none" ? difference : ratioOrZero(difference, spread + (params.eps as number));
      });
    }
    return { level: "rollout", advantage, terms: { credits, baselines, scales } };
  },
};

/** Σ weights·values, as a distance from the last value, so that equal values are exactly their own mean (weights sum to 1). */
function expectation(values: readonly number[], weights: readonly number[]): number {
  const last = values[values.length - 1];
  return values.reduce((sum, x, j) => (weights[j] === 0 ? sum : sum + weights[j] * (x - last)), last);
}
