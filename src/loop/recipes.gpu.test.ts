import { afterAll, beforeAll, expect, it } from "vitest";
import type { Engine } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { failOnGpuErrors, testEngine } from "../policy/webgpu/testing.ts";
import { type Base, Run } from "./run.ts";
import { runSteps, shippedBase, smallSetup } from "./testing.ts";

// Every way in which the loop uses an engine: kernel or host losses, KL of either kind, hidden states, logits, the reserved token,
// demonstrations, trees, twins, greedy answers, a reference that moves.
failOnGpuErrors();
let portable: Engine;
let base: Base;
beforeAll(async () => {
  portable = await createPortableEngine();
  base = await shippedBase("nano");
});
afterAll(() => portable.dispose());

const CASES: readonly [string, Parameters<typeof smallSetup>[0], string?][] = [
  ["the kernel's KL penalty", { "kl.coefficient": 0.1 }],
  ["dual clip and leave-one-out on the device", { "objective.dualClip": 3, "advantage.baseline": "leaveOneOut" }],
  ["the exact KL", { kl: "exact", "kl.coefficient": 0.1 }],
  ["a KL in the reward and a reference that follows", { "kl.coefficient": 0.1, "kl.place": "reward", reference: "average" }],
  ["entropy and token weights", { losses: "entropy", tokenWeights: "top-entropy" }],
  ["ReMax", {}, "remax"],
  ["the optimal token baseline", { advantage: "optimal-token-baseline" }],
  ["THR", {}, "thr"],
  ["LaSeR", {}, "laser"],
  ["CHORD", {}, "chord"],
  ["TreePO", {}, "treepo"],
  ["UCAS", {}, "ucas"],
];

it.each(CASES)("trains alike on both engines: %s", async (_, changes, recipe = "grpo") => {
  const setup = smallSetup({ ...changes, "sampler.promptsPerStep": 3 }, recipe);
  const records = [];
  for (const engine of [portable, await testEngine()]) {
    const run = await Run.open(engine, setup, base);
    records.push(await runSteps(run, 2));
    run.dispose();
  }
  const [expected, actual] = records;
  expected.forEach((record, s) => {
    const other = actual[s];
    expect(other.rollouts.map((r) => r.text)).toEqual(record.rollouts.map((r) => r.text));
    record.updates.forEach((update, u) => {
      const there = other.updates[u];
      expect(there.applied).toBe(true);
      expect(Object.keys(there.lossParts).sort()).toEqual(Object.keys(update.lossParts).sort());
      for (const [part, value] of Object.entries(update.lossParts)) expect(there.lossParts[part], part).toBeCloseTo(value, 2);
      const scale = Math.sqrt(update.coefficient.reduce((sum, c) => sum + c * c, 0));
      const apart = Math.sqrt(update.coefficient.reduce((sum, c, t) => sum + (c - there.coefficient[t]) ** 2, 0));
      expect(apart, `coefficients of update ${u} in step ${s + 1}`).toBeLessThan(0.02 * scale + 1e-6);
    });
  });
});
