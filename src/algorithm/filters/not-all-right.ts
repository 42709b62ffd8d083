import type { GroupFilterPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";
import { mixedGroups } from "./mixed.ts";

/** NGRPO's filter: groups that have nothing left to learn are replaced; groups of wrong answers stay. */
export const notAllRight: GroupFilterPlugin = {
  id: "not-all-right",
  name: "Replace solved prompts",
  scope: "group",
  parameters: {
    maxRounds: {
      ...mixedGroups.parameters.maxRounds,
      effect: "How often solved prompts are replaced before the step goes on with what it has.",
    },
  },
  explanation: {
    sentence: "A group whose answers are all right is thrown away and another prompt is tried; one whose answers are all wrong stays.",
    latex: "\\left|\\{i : \\text{correct}(o_i)\\}\\right| < G",
    source: SOURCES.ngrpo,
  },
  terms: { G: { symbol: "G", meaning: "group size" } },
  rounds: (params) => params.maxRounds as number,
  reject: (scores) => (scores.every((score) => score === 1) ? "all right" : null),
};
