import type { GroupFilterPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

/** DAPO's dynamic sampling: groups without signal are replaced by fresh prompts, and their rollouts still count as spent. */
export const mixedGroups: GroupFilterPlugin = {
  id: "mixed",
  name: "Dynamic sampling",
  scope: "group",
  parameters: {
    maxRounds: {
      kind: "integer",
      label: "Rounds at most",
      default: 4,
      min: 1,
      max: 20,
      slider: [1, 10, 1],
      effect: "How often groups without signal are replaced before the step goes on with what it has.",
    },
  },
  explanation: {
    sentence: "A group whose answers all score the same has advantage zero everywhere; it is thrown away and another prompt is tried.",
    latex: "0 < \\left|\\{i : \\text{correct}(o_i)\\}\\right| < G",
    source: SOURCES.dapo,
  },
  terms: { G: { symbol: "G", meaning: "group size" } },
  rounds: (params) => params.maxRounds as number,
  reject: (scores) =>
    scores.every((s) => s === scores[0]) ? (scores[0] === 1 ? "all right" : scores[0] === 0 ? "all wrong" : "all alike") : null,
};
