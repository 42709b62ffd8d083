import { type PolicyConfig, type PolicySize, parameterCount } from "../policy/config.ts";
import type { Policy } from "../policy/engine.ts";
import { TASKS } from "../tasks/index.ts";
import { evaluatePolicy } from "./evaluate.ts";
import type { Mixture } from "./pretrain.ts";

/** What a policy can do at one level, on held-out problems, at temperature 1. */
export interface Measurement {
  readonly task: string;
  readonly level: string;
  readonly problems: number;
  readonly samples: number;
  readonly passAt1: number;
  readonly passAt8: number;
  readonly passAt64: number;
  readonly wellFormed: number;
  readonly accuracyWhenWellFormed: number;
  readonly meanLength: number;
  readonly entropy: number;
}

/** `card.json`: how a base policy came about and what it can do. */
export interface PolicyCard {
  readonly id: string;
  readonly name: string;
  readonly size: PolicySize;
  readonly parameters: number;
  readonly mixture: Mixture;
  /** Supervised updates. */
  readonly steps: number;
  readonly seed: number;
  /** Mean cross-entropy of a completion token over the last hundred steps, in nats. */
  readonly loss: number;
  /** What reproduces the policy. */
  readonly command: string;
  readonly measured: readonly Measurement[];
}

/** `index.json`: the policies that a browser may fetch. */
export interface PolicyIndex {
  readonly policies: readonly {
    readonly id: string;
    readonly name: string;
    readonly size: PolicySize;
    readonly parameters: number;
    readonly config: PolicyConfig;
    /** Names inside the folder `id/`. */
    readonly files: readonly string[];
  }[];
}

/** Problems and samples of one measurement: a k of 64 needs as many samples. */
const SAMPLES = 64;
const SEED = 0;

/** Measures a policy at every level of every task. */
export async function measure(
  policy: Policy,
  problems: { readonly defaultLevel: number; readonly others: number },
  onMeasured?: (measurement: Measurement) => void,
): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  for (const task of TASKS) {
    for (const level of task.levels) {
      const result = await evaluatePolicy(policy, task, level.id, {
        problems: level.id === task.defaultLevel ? problems.defaultLevel : problems.others,
        samples: SAMPLES,
        seed: SEED,
        ks: [1, 8, 64],
      });
      const { passAtK, ...rest } = result;
      const measurement = { task: task.id, level: level.id, passAt1: passAtK[1], passAt8: passAtK[8], passAt64: passAtK[64], ...rest };
      measured.push(measurement);
      onMeasured?.(measurement);
    }
  }
  return measured;
}

const percent = (x: number): string => `${(100 * x).toFixed(0)} %`;

/** A card as a page for people: `README.md` of a policy's folder. */
export function cardText(card: PolicyCard, config: PolicyConfig): string {
  const total = card.mixture.reduce((sum, { weight }) => sum + weight, 0);
  const levelName = (task: string, level: string) =>
    TASKS.find(({ id }) => id === task)?.levels.find(({ id }) => id === level)?.label ?? level;
  return `# ${card.name}

A character-level transformer of the Llama form with ${parameterCount(config).toLocaleString("en")} parameters (${config.layers} layers, width ${config.hiddenSize}, ${config.heads} heads),
pre-trained for reinforcement learning from verifiable rewards: it knows how the tasks go, and often slips.

Made by

    ${card.command}

${card.steps} supervised updates, seed ${card.seed}, final loss ${card.loss.toFixed(3)} nats a token, on demonstrations from the training split:

| task | level | share | of them slips |
|---|---|---|---|
${card.mixture.map((p) => `| ${p.task} | ${levelName(p.task, p.level)} | ${percent(p.weight / total)} | ${percent(p.slips)} |`).join("\n")}

Measured on held-out problems, temperature 1:

| task | level | pass@1 | pass@8 | pass@64 | well-formed | right when well-formed |
|---|---|---|---|---|---|---|
${card.measured.map((m) => `| ${m.task} | ${levelName(m.task, m.level)} | ${percent(m.passAt1)} | ${percent(m.passAt8)} | ${percent(m.passAt64)} | ${percent(m.wellFormed)} | ${percent(m.accuracyWhenWellFormed)} |`).join("\n")}
`;
}
