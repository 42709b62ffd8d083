import type { ReferencePlugin } from "../slots.ts";

/** The reference stays what the run began with. */
export const fixedReference: ReferencePlugin = {
  id: "fixed",
  name: "Fixed",
  scope: "run",
  parameters: {},
  explanation: { sentence: "The policy is measured against what it was when the run began.", latex: "\\theta_{\\text{ref}} = \\theta_0" },
  terms: {},
  mix: () => 0,
};
