import { fileURLToPath } from "node:url";
import { importHuggingFace } from "../policy/checkpoint.ts";
import { readCheckpointFolder } from "../policy/checkpoint-folder.ts";
import { recipeById } from "../recipes/index.ts";
import { resolveRecipe, withChange } from "../recipes/recipe.ts";
import { TIMINGS } from "./metrics.ts";
import type { Metrics, StepRecord } from "./record.ts";
import type { Base, Run, RunSetup } from "./run.ts";

/** A shipped policy, for tests. */
export async function shippedBase(id: string): Promise<Base> {
  return importHuggingFace(await readCheckpointFolder(fileURLToPath(new URL(`../../public/policies/${id}`, import.meta.url))));
}

/** A small run: short words to reverse, 4 prompts × 4 rollouts, no evaluation. */
export function smallSetup(changes: Readonly<Record<string, number | boolean | string>> = {}, recipe = "grpo", seed = 7): RunSetup {
  const all = {
    task: "reverse",
    "task.level": "4",
    "sampler.promptsPerStep": 4,
    "sampler.groupSize": 4,
    "evaluation.every": 0,
    ...changes,
  };
  const resolved = Object.entries(all).reduce((r, [path, value]) => withChange(r, path, value), resolveRecipe(recipeById(recipe)));
  return { recipe: resolved, policy: "nano", seed };
}

/** Runs whole steps; returns their records. */
export async function runSteps(run: Run, count: number): Promise<StepRecord[]> {
  const records: StepRecord[] = [];
  for (let i = 0; i < count; i++) records.push(await run.complete(i + 1 < count));
  return records;
}

/** Metrics without those that tell of the machine. */
export function reproducible(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !TIMINGS.includes(name)));
}
