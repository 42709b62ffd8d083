import type { RolloutBatch } from "../batch.ts";
import { type Elementwise, FUNCTIONS, LEVELS, type Level, OPERATORS, REDUCTIONS } from "./functions.ts";
import { ADVANTAGE, type Environment, OBJECTIVE, type Shape } from "./inputs.ts";

/** The language as data, from the same tables that formulas are checked with: for completions, help and the documentation. */

export interface Entry {
  readonly name: string;
  /** Its type, in words; for what can be called, with its arguments: `clip(x, low, high)`. */
  readonly type: string;
  /** One sentence. */
  readonly meaning: string;
}

export interface Example {
  readonly name: string;
  readonly formula: string;
}

export interface Language {
  readonly inputs: readonly Entry[];
  readonly functions: readonly Entry[];
  readonly operators: readonly Entry[];
  readonly examples: readonly Example[];
}

const PER: Readonly<Record<Shape, string>> = { scalar: "", group: " per group", rollout: " per rollout", token: " per token" };
const KINDS = { number: "number", boolean: "true or false" } as const;
const RESULTS: Readonly<Record<Level, string>> = { rollout: "token → rollout", group: "rollout → group", batch: "any → batch" };

const inputsOf = <B extends RolloutBatch>({ inputs }: Environment<B>): Entry[] =>
  [...inputs.values()].map(({ name, shape, kind, meaning, gradientInto }) => ({
    name,
    type: KINDS[kind] + PER[shape] + (gradientInto ? ", with gradient" : ""),
    meaning,
  }));

const called = (name: string, { args }: Pick<Elementwise, "args">) => `${name}(${args.map((arg) => arg.name).join(", ")})`;

function written(name: string, fn: Elementwise): string {
  const [a, b] = fn.args.map((arg) => arg.name);
  if (name === "if") return "if condition then a else b";
  return fn.args.length === 1 ? `${name === "neg" ? "-" : "not "}${a}` : `${a} ${name} ${b}`;
}

const operators: Entry[] = [...OPERATORS].map(([name, fn]) => ({ name, type: written(name, fn), meaning: fn.meaning }));

const functions: Entry[] = [
  ...[...FUNCTIONS].map(([name, fn]) => ({ name, type: called(name, fn), meaning: fn.meaning })),
  { name: "part", type: 'part("name")', meaning: "One part of the rollout's reward, by its name, such as correct." },
  ...LEVELS.flatMap(({ level, prefix, over }) =>
    [...REDUCTIONS].map(([fn, { meaning, empty }]) => ({
      name: prefix + fn,
      type: `${prefix + fn}(${fn === "count" ? "condition" : "x"}), ${RESULTS[level]}`,
      meaning: `${meaning} ${over}; ${empty}.`,
    })),
  ),
];

const advantages: Example[] = [
  {
    name: "GRPO: distance from the group's mean, in standard deviations",
    formula: "let baseline = group_mean(reward)\nlet spread = group_std(reward)\n(reward - baseline) / (spread + 1e-6)",
  },
  { name: "Dr. GRPO: without the division", formula: "reward - group_mean(reward)" },
  {
    name: "RLOO: distance from the mean of the others",
    formula: "let others = (group_sum(reward) - reward) / max(group_size - 1, 1)\nif group_size > 1 then reward - others else 0",
  },
  {
    name: "A price on long answers, among right ones only",
    formula:
      'let right = part("correct") > 0.5\nlet paid = reward - (if right then 0.2 * length / max_length else 0)\npaid - group_mean(paid)',
  },
  {
    name: "More say for tokens that were a real choice",
    formula: "let a = reward - group_mean(reward)\nlet share = entropy / (mean(entropy) + 1e-6)\na * clip(share, 0, 2)",
  },
];

const objectives: Example[] = [
  {
    name: "The clipped surrogate of PPO and GRPO",
    formula: "let bounded = clip(ratio, 1 - 0.2, 1 + 0.2)\nmax(-ratio * advantage, -bounded * advantage)",
  },
  { name: "REINFORCE", formula: "-log_prob * advantage" },
  { name: "CISPO: every token keeps a gradient, with a bounded weight", formula: "-stop_gradient(min(ratio, 3)) * advantage * log_prob" },
  {
    name: "GSPO: one ratio for the whole answer",
    formula:
      "let s = exp(mean(log_prob - old_log_prob))\nlet bounded = clip(s, 1 - 3e-4, 1 + 4e-4)\nmax(-s * advantage, -bounded * advantage)",
  },
  { name: "An entropy bonus", formula: "-ratio * advantage - 0.01 * entropy" },
  {
    name: "A penalty for leaving the reference (k3)",
    formula: "let gap = ref_log_prob - log_prob\n-ratio * advantage + 0.05 * (exp(gap) - gap - 1)",
  },
];

export const LANGUAGES: Readonly<Record<"advantage" | "objective", Language>> = {
  advantage: { inputs: inputsOf(ADVANTAGE), functions, operators, examples: advantages },
  objective: { inputs: inputsOf(OBJECTIVE), functions, operators, examples: objectives },
};
