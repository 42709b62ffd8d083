import type { RewardChannelPlugin } from "../slots.ts";

/** The reward sees the verdict as it is. */
export const cleanChannel: RewardChannelPlugin = {
  id: "clean",
  name: "No noise",
  scope: "rollout",
  parameters: {},
  explanation: { sentence: "The verifier is always right.", latex: "\\tilde v = v" },
  terms: {},
  transmit: (scores) => scores,
};
