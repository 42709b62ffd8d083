import type { GroupFilterPlugin } from "../slots.ts";
import { SOURCES } from "../sources.ts";

export const keepAllGroups: GroupFilterPlugin = {
  id: "none",
  name: "Keep every group",
  scope: "group",
  parameters: {},
  explanation: {
    sentence: "Every group is trained on, also those whose answers are all right or all wrong and therefore teach nothing.",
    latex: "\\mathcal B = \\{1,\\dots,P\\}",
    source: SOURCES.grpo,
  },
  terms: {},
  rounds: () => 1,
  reject: () => null,
};
