import { SOURCES } from "../../algorithm/sources.ts";
import type { Recipe } from "../recipe.ts";

export const thr: Recipe = {
  id: "thr",
  name: "THR",
  summary: "Trains only the tokens that move the group's right answers, and leans to those that exploit them or to those that explore.",
  explanation:
    "Pushing one token up or down also moves other answers, as far as their hidden states and their prediction errors overlap. THR adds that overlap up between each token and all tokens of the group's right answers. Few tokens have much of it: the others are left out. Of those that remain, the sign tells whether an update makes the known right answers surer or leaves room for others, and one knob favours the one kind or the other. Turn it from 0.1 to −0.1 and compare pass@1 with pass@k; look at how few tokens keep a coefficient.",
  source: SOURCES.thr,
  base: "grpo@1",
  changes: {
    groupFilter: { plugin: "mixed" },
    shapers: [{ plugin: "token-hidden-reward", params: { lean: 0.1 } }],
  },
};
