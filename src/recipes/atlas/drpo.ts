import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const drpo: Recipe = {
  id: "drpo",
  name: "DRPO",
  summary: "Favours short right answers among the right ones alone, so that a long right answer is never pushed down.",
  explanation:
    "Take a penalty for length out of the reward, and a right but long answer can fall below its group's average and be unlearned. DRPO keeps the two apart: right answers share a positive weight that prefers the short, wrong answers are pushed down, the more probable ones harder, and no advantage mixes them. Instead of clipping, a guard pulls the policy back when it has moved too far within a step. Watch the length of right answers beside their number, and the weights, which never turn negative.",
  source: SOURCES.drpo,
  base: "grpo@1",
  changes: { objective: { plugin: "decoupled-reward" } },
};
