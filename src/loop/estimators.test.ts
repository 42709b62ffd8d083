import { beforeAll, describe, expect, it } from "vitest";
import { ADVANTAGES } from "../algorithm/advantages/index.ts";
import { CONVENTIONS } from "../algorithm/conventions.ts";
import type { Engine } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { type Base, Run } from "./run.ts";
import { runSteps, shippedBase, smallSetup } from "./testing.ts";

let engine: Engine;
let base: Base;
beforeAll(async () => {
  engine = await createPortableEngine();
  base = await shippedBase("nano");
});

/** Two steps of a run; everything that it made from the rewards is a finite number. */
async function trains(changes: Record<string, number | boolean | string>) {
  const run = await Run.open(engine, smallSetup({ "optimizer.miniBatches": 1, "optimizer.epochs": 1, ...changes }), base);
  const records = await runSteps(run, 2);
  for (const { updates, metrics } of records) {
    for (const { coefficient, loss, gradNorm } of updates) {
      expect([loss, gradNorm, ...coefficient].every(Number.isFinite)).toBe(true);
    }
    expect(metrics).toBeDefined();
  }
  run.dispose();
  return records;
}

describe("estimators in the loop", () => {
  it.each(ADVANTAGES.map((plugin) => plugin.id))("%s has what it needs and makes an update", async (id) => {
    // Groups of 4 are one team of 4, so teams of 2.
    const records = await trains({ advantage: id, ...(id === "pass-at-k" ? { "advantage.k": 2 } : {}) });
    expect(records.some((r) => r.updates.some((u) => u.coefficient.some((c) => c !== 0)))).toBe(true);
  });

  it.each(["gae", "reinforce"])("%s carries what it has learnt through a snapshot", async (id) => {
    const setup = smallSetup({ advantage: id });
    const run = await Run.open(engine, setup, base);
    await runSteps(run, 1);
    const snapshot = structuredClone(await run.snapshot());
    const [further] = await runSteps(run, 1);
    const resumed = await Run.open(engine, setup, base, { snapshot });
    const [again] = await runSteps(resumed, 1);
    expect(again.rollouts).toEqual(further.rollouts);
    expect(again.updates.map((u) => u.coefficient)).toEqual(further.updates.map((u) => u.coefficient));
    run.dispose();
    resumed.dispose();
  });

  it.each(CONVENTIONS.map((convention) => [convention.id, convention.settings] as const))("%s runs as a whole", async (_, settings) => {
    await trains(Object.fromEntries(settings));
  });
});
