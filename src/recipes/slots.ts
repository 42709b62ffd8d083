import { groupRelative } from "../algorithm/advantages/group.ts";
import { AGGREGATIONS } from "../algorithm/aggregation/aggregation.ts";
import { heldoutEvaluation } from "../algorithm/evaluations/heldout.ts";
import { mixedGroups } from "../algorithm/filters/mixed.ts";
import { keepAllGroups } from "../algorithm/filters/none.ts";
import { k3Penalty } from "../algorithm/kl/k3.ts";
import { clippedSurrogate } from "../algorithm/objectives/clipped.ts";
import { adamWOptimizer } from "../algorithm/optimizers/adamw.ts";
import type { PluginDeclaration } from "../algorithm/plugin.ts";
import { verdictReward } from "../algorithm/rewards/verdict.ts";
import { temperatureSampler } from "../algorithm/samplers/temperature.ts";
import type {
  AdvantagePlugin,
  AggregationPlugin,
  GroupFilterPlugin,
  ObjectivePlugin,
  RewardPlugin,
  SamplerPlugin,
} from "../algorithm/slots.ts";
import { TASKS } from "../tasks/index.ts";
import type { Task } from "../tasks/task.ts";

/** The slots of a recipe, in the order in which a step visits them. */
export const SLOTS = [
  "task",
  "sampler",
  "groupFilter",
  "reward",
  "advantage",
  "objective",
  "aggregation",
  "kl",
  "optimizer",
  "evaluation",
] as const;
export type Slot = (typeof SLOTS)[number];

/** What a person reads over a slot's knobs. */
export const SLOT_NAMES: Readonly<Record<Slot, string>> = {
  task: "Task",
  sampler: "Sampling",
  groupFilter: "Group filter",
  reward: "Reward",
  advantage: "Advantage",
  objective: "Objective",
  aggregation: "Aggregation",
  kl: "KL to the base",
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
  groupFilter: readonly GroupFilterPlugin[];
  reward: readonly RewardPlugin[];
  advantage: readonly AdvantagePlugin[];
  objective: readonly ObjectivePlugin[];
  aggregation: readonly AggregationPlugin[];
  kl: readonly PluginDeclaration[];
  optimizer: readonly PluginDeclaration[];
  evaluation: readonly PluginDeclaration[];
}> = {
  task: tasks,
  sampler: [temperatureSampler],
  groupFilter: [keepAllGroups, mixedGroups],
  reward: [verdictReward],
  advantage: [groupRelative],
  objective: [clippedSurrogate],
  aggregation: AGGREGATIONS,
  kl: [k3Penalty],
  optimizer: [adamWOptimizer],
  evaluation: [heldoutEvaluation],
};
