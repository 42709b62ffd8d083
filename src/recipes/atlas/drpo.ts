import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";
import { late, NO_LOSS, TOY, TOY_BUDGET, throughout } from "../toy.ts";

export const drpo: Recipe = {
  id: "drpo",
  name: "DRPO",
  summary: "Favours short right answers among the right ones alone, so that a long right answer is never pushed down.",
  explanation:
    "Take a penalty for length out of the reward, and a right but long answer can fall below its group's average and be unlearned. DRPO keeps the two apart: right answers share a positive weight that prefers the short, wrong answers are pushed down, the more probable ones harder, and no advantage mixes them. Instead of clipping, a guard pulls the policy back when it has moved too far within a step. Watch the length of right answers beside their number, and the weights, which never turn negative.",
  source: SOURCES.drpo,
  base: "grpo@1",
  changes: { objective: { plugin: "decoupled-reward" } },
  claim: {
    sentence:
      "Right answers get shorter than with GRPO and a length penalty, at no loss of pass@1, and no right answer is ever pushed down.",
    baseline: { recipe: "grpo", changes: { rewards: "kimi-length", "rewards.kimi-length.weight": 1 } },
    // A penalty for length where no answer is right would teach to say nothing; groups of both kinds only, for both sides.
    settings: { ...TOY, groupFilter: "mixed" },
    budget: TOY_BUDGET,
    conditions: [
      {
        sentence: "Right answers are shorter in the last twenty steps.",
        measure: late("completions/mean_length_right"),
        direction: "lower",
        margin: 0,
      },
      NO_LOSS,
      {
        sentence: "Less than one right answer in ten thousand is pushed down.",
        measure: throughout("right_pushed_down"),
        direction: "lower",
        margin: -0.0001,
        baseline: 0,
      },
      {
        sentence: "GRPO with the penalty does push some down.",
        measure: throughout("right_pushed_down"),
        direction: "higher",
        margin: 0,
        method: { recipe: "grpo", changes: { rewards: "kimi-length", "rewards.kimi-length.weight": 1 } },
        baseline: 0,
      },
    ],
  },
};
