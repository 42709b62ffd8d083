import type { GuidancePlugin } from "../slots.ts";

/** The policy learns from its own rollouts alone. */
export const noGuidance: GuidancePlugin = {
  id: "none",
  name: "None",
  scope: "batch",
  parameters: {},
  explanation: { sentence: "The policy learns from its own answers alone: nobody shows it a solution.", latex: "\\varnothing" },
  terms: {},
  demonstrations: (problems) => problems.map(() => []),
};
