import { lengthsOf } from "../batch.ts";
import { RecipeError } from "../plugin.ts";
import type { AdvantagePlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { ratioOrZero, returnsToGo, scorableGroups, scorableTokenRewards } from "../statistics.ts";
import { eps } from "./parameters.ts";

const BASELINE = "B = \\frac{\\sum_j W_{j,t} G_{j,t}}{\\sum_j W_{j,t} + \\varepsilon}";
const ENERGY = "W_{j,t} = \\sum_{s \\le t} \\bigl(1 - 2\\pi_{j,s} + \\textstyle\\sum_v \\pi_{j,s}(v)^2\\bigr)";

/**
 * The baseline of least variance at each position: returns of the group's rollouts that reach it, weighted with the energy
 * W_t = Σ_{j ≤ t} (1 − 2π_j + Σ_v π_v²) that their gradients have gathered. verl's `optimal_token_baseline`; a group of one has no
 * baseline.
 */
export const optimalTokenBaseline: AdvantagePlugin = {
  id: "optimal-token-baseline",
  name: "Optimal token baseline",
  scope: "token",
  needs: ["sumSquares"],
  parameters: {
    zeroTail: {
      kind: "boolean",
      label: "No baseline for the longest answer's tail",
      default: true,
      effect: "Where only one answer of the group is still running, its baseline would be its own return; with this it is 0.",
    },
    eps: eps(1e-8, "Added to the sum of weights."),
  },
  explanation: {
    sentence: "Every position has a baseline of its own, in which rollouts with large gradients so far count more.",
    latex: `A_{i,t} = G_{i,t} - B, \\quad ${BASELINE}, \\quad ${ENERGY}`,
    source: SOURCES.optimalTokenBaseline,
  },
  latexOf: ({ zeroTail }) =>
    `A_{i,t} = G_{i,t} - B, \\quad ${BASELINE}${zeroTail === true ? "\\ (0\\text{ after all others have ended})" : ""}, \\quad ${ENERGY}`,
  terms: {
    returns: { symbol: "G_{i,t}", meaning: "return-to-go" },
    energies: { symbol: "W", meaning: "gradient energy gathered so far" },
    baselines: { symbol: "B", meaning: "the position's baseline" },
  },
  estimate(batch, params) {
    const { offsets, rows } = batch;
    const { oldLogProb, sumSquares } = batch.scores;
    if (!oldLogProb || !sumSquares) throw new RecipeError("advantage optimal-token-baseline needs old log-probs and sums of squares");
    const lengths = lengthsOf(batch);
    const returns = returnsToGo(scorableTokenRewards(batch), batch, 1);
    const energies = new Float64Array(offsets[rows]);
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      for (let t = offsets[r]; t < offsets[r + 1]; t++) {
        sum += 1 - 2 * Math.exp(oldLogProb[t]) + sumSquares[t];
        energies[t] = sum;
      }
    }
    const baselines = new Float64Array(offsets[rows]);
    const advantage = new Float64Array(offsets[rows]);
    for (const members of scorableGroups(batch)) {
      const [longest, second] = [...members].sort((a, b) => lengths[b] - lengths[a]);
      for (let position = 0; members.length > 1 && position < lengths[longest]; position++) {
        if (params.zeroTail && position >= lengths[second]) break;
        const here = members.filter((r) => lengths[r] > position).map((r) => offsets[r] + position);
        const weight = here.reduce((sum, t) => sum + energies[t], 0) + (params.eps as number);
        const baseline = ratioOrZero(
          here.reduce((sum, t) => sum + energies[t] * returns[t], 0),
          weight,
        );
        for (const t of here) baselines[t] = baseline;
      }
      for (const r of members) for (let t = offsets[r]; t < offsets[r + 1]; t++) advantage[t] = returns[t] - baselines[t];
    }
    return { level: "token", advantage, terms: { returns, energies, baselines } };
  },
};
