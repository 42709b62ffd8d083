import { ADVANTAGES } from "../algorithm/advantages/index.ts";
import { AGGREGATIONS } from "../algorithm/aggregation/aggregation.ts";
import { cleanChannel } from "../algorithm/channels/clean.ts";
import { flippedVerdicts } from "../algorithm/channels/flipped.ts";
import { heldoutEvaluation } from "../algorithm/evaluations/heldout.ts";
import { mixedGroups } from "../algorithm/filters/mixed.ts";
import { keepAllGroups } from "../algorithm/filters/none.ts";
import { notAllRight } from "../algorithm/filters/not-all-right.ts";
import { GUIDANCES } from "../algorithm/guidance/index.ts";
import { KLS } from "../algorithm/kl/index.ts";
import { LOSSES } from "../algorithm/losses/index.ts";
import { OBJECTIVES } from "../algorithm/objectives/index.ts";
import { adamWOptimizer } from "../algorithm/optimizers/adamw.ts";
import type { PluginDeclaration } from "../algorithm/plugin.ts";
import { REFERENCES } from "../algorithm/references/index.ts";
import { coReward } from "../algorithm/rewards/co-reward.ts";
import { REWARDS } from "../algorithm/rewards/index.ts";
import { verdictReward } from "../algorithm/rewards/verdict.ts";
import { SAMPLERS } from "../algorithm/samplers/index.ts";
import { SHAPERS } from "../algorithm/shapers/index.ts";
import type {
  AdvantagePlugin,
  AggregationPlugin,
  GroupFilterPlugin,
  GuidancePlugin,
  KlPlugin,
  ObjectivePlugin,
  ReferencePlugin,
  RewardChannelPlugin,
  RewardPlugin,
  SamplerPlugin,
  ShaperPlugin,
  TokenWeightPlugin,
} from "../algorithm/slots.ts";
import { TOKEN_WEIGHTS } from "../algorithm/weights/index.ts";
import { TASKS } from "../tasks/index.ts";
import type { Task } from "../tasks/task.ts";

/** The slots of a recipe that hold one plug-in each, in the order in which a step visits them. */
export const SLOTS = [
  "task",
  "sampler",
  "guidance",
  "groupFilter",
  "rewardChannel",
  "reward",
  "advantage",
  "objective",
  "aggregation",
  "kl",
  "reference",
  "optimizer",
  "evaluation",
] as const;
export type Slot = (typeof SLOTS)[number];

/** The slots that hold any number of plug-ins, applied in the order in which a recipe lists them; GRPO has none in them. */
export const LIST_SLOTS = ["rewards", "shapers", "tokenWeights", "losses"] as const;
export type ListSlot = (typeof LIST_SLOTS)[number];

/** What a person reads over a slot's knobs. */
export const SLOT_NAMES: Readonly<Record<Slot | ListSlot, string>> = {
  task: "Task",
  sampler: "Sampling",
  guidance: "Guidance",
  groupFilter: "Group filter",
  rewardChannel: "Verdict noise",
  reward: "Reward",
  rewards: "Further rewards",
  advantage: "Advantage",
  shapers: "Advantage shaping",
  tokenWeights: "Token weights",
  objective: "Objective",
  aggregation: "Aggregation",
  losses: "Further losses",
  kl: "KL to the base",
  reference: "Reference policy",
  optimizer: "Optimizer",
  evaluation: "Evaluation",
};

/** A task as a choice for the recipe. */
function taskPlugin(task: Task): PluginDeclaration {
  return {
    id: task.id,
    name: task.name,
    scope: "run",
    parameters: {
      level: {
        kind: "choice",
        label: "Level",
        default: task.defaultLevel,
        options: task.levels.map((level) => ({ value: level.id, label: level.label })),
        effect: "How hard the problems are.",
      },
      problems: {
        kind: "integer",
        label: "Different problems",
        default: 0,
        min: 0,
        max: 100000,
        slider: [0, 1024, 16],
        effect: "Train on a fixed set of this many problems, again and again; 0 makes new ones without end.",
      },
    },
    explanation: {
      sentence: task.description,
      latex: "x \\sim \\mathcal D",
    },
    terms: {},
  };
}

const tasks = [...TASKS].sort((a, b) => Number(b.id === "countdown") - Number(a.id === "countdown")).map(taskPlugin);

/** The plug-ins of each slot. The first of each, with its defaults, is GRPO as frozen in `grpo@1`. */
export const PLUGINS: Readonly<{
  task: readonly PluginDeclaration[];
  sampler: readonly SamplerPlugin[];
  guidance: readonly GuidancePlugin[];
  groupFilter: readonly GroupFilterPlugin[];
  rewardChannel: readonly RewardChannelPlugin[];
  reward: readonly RewardPlugin[];
  advantage: readonly AdvantagePlugin[];
  objective: readonly ObjectivePlugin[];
  aggregation: readonly AggregationPlugin[];
  kl: readonly KlPlugin[];
  reference: readonly ReferencePlugin[];
  optimizer: readonly PluginDeclaration[];
  evaluation: readonly PluginDeclaration[];
  rewards: readonly RewardPlugin[];
  shapers: readonly ShaperPlugin[];
  tokenWeights: readonly TokenWeightPlugin[];
  losses: readonly ObjectivePlugin[];
}> = {
  task: tasks,
  sampler: SAMPLERS,
  guidance: GUIDANCES,
  groupFilter: [keepAllGroups, mixedGroups, notAllRight],
  rewardChannel: [cleanChannel, flippedVerdicts],
  reward: [verdictReward, coReward],
  advantage: ADVANTAGES,
  objective: OBJECTIVES,
  aggregation: AGGREGATIONS,
  kl: KLS,
  optimizer: [adamWOptimizer],
  evaluation: [heldoutEvaluation],
  reference: REFERENCES,
  rewards: REWARDS,
  shapers: SHAPERS,
  tokenWeights: TOKEN_WEIGHTS,
  losses: LOSSES,
};
