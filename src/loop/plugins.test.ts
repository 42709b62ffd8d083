import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { RECIPES, recipeById } from "../recipes/index.ts";
import { needsOf, resolveRecipe } from "../recipes/recipe.ts";
import { LIST_SLOTS, PLUGINS, SLOTS } from "../recipes/slots.ts";
import { taskById } from "../tasks/index.ts";
import type { StepRecord } from "./record.ts";
import { type Base, Run } from "./run.ts";
import { reproducible, runSteps, shippedBase, smallSetup } from "./testing.ts";

let engine: Engine;
let base: Base;
beforeAll(async () => {
  engine = await createPortableEngine();
  base = await shippedBase("nano");
});
afterAll(() => engine.dispose());

type Setup = ReturnType<typeof smallSetup>;

/** Two steps, and the second once more from a snapshot that went through a structured clone. */
async function twoSteps(setup: Setup): Promise<StepRecord[]> {
  const run = await Run.open(engine, setup, base);
  const [first] = await runSteps(run, 1);
  const snapshot = structuredClone(await run.snapshot());
  const [second] = await runSteps(run, 1);
  run.dispose();
  const resumed = await Run.open(engine, setup, base, { snapshot });
  const [again] = await runSteps(resumed, 1);
  resumed.dispose();
  expect(reproducible(again.metrics!)).toEqual(reproducible(second.metrics!));
  return [first, second];
}

function expectSound(record: StepRecord): void {
  for (const rollout of record.rollouts) {
    expect(Number.isFinite(rollout.advantage), "a rollout's advantage").toBe(true);
    expect(Number.isFinite(rollout.reward), "a rollout's reward").toBe(true);
  }
  for (const update of record.updates) {
    expect(update.applied, "an update was skipped").toBe(true);
    expect(update.coefficient.every(Number.isFinite), "a coefficient").toBe(true);
    expect(Number.isFinite(update.loss), "a loss").toBe(true);
  }
  expect(Object.values(record.metrics!).every(Number.isFinite), "a metric").toBe(true);
}

const alone = [...SLOTS.filter((slot) => slot !== "task" && slot !== "evaluation"), ...LIST_SLOTS].flatMap((slot) =>
  PLUGINS[slot].map((plugin) => [slot, plugin.id] as const),
);

/** It can ask the same question twice. */
const TASK = taskById("addition");

describe("every plug-in, alone in GRPO, trains soundly and resumes to the bit", () => {
  it.each(alone)("%s = %s", async (slot, id) => {
    const twins = PLUGINS[slot].find((plugin) => plugin.id === id)!.needs?.includes("twins");
    const records = await twoSteps(smallSetup({ ...(twins ? { task: "addition", "task.level": TASK.defaultLevel } : {}), [slot]: id }));
    records.forEach(expectSound);
    expect(records.some((record) => record.updates.length > 0)).toBe(true);
  });
});

describe("every recipe that ships trains soundly and resumes to the bit", () => {
  it.each(RECIPES.map((recipe) => recipe.id))("%s", async (id) => {
    const twins = needsOf(resolveRecipe(recipeById(id))).has("twins");
    const records = await twoSteps(smallSetup(twins ? { task: TASK.id, "task.level": TASK.defaultLevel } : {}, id));
    records.forEach(expectSound);
  });
});
