import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExpressionError } from "../algorithm/expression/error.ts";
import type { Engine } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
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

async function train(changes: Readonly<Record<string, number | boolean | string>>, steps = 1): Promise<StepRecord[]> {
  const run = await Run.open(engine, smallSetup({ "optimizer.miniBatches": 2, "optimizer.epochs": 2, ...changes }), base);
  const records = await runSteps(run, steps);
  run.dispose();
  return records;
}

describe("formulas in the loop", () => {
  it("train as GRPO does where they say the same", async () => {
    const built = await train({}, 2);
    const mine = await train({ advantage: "expression", objective: "expression" }, 2);
    mine.forEach((record, s) => {
      expect(record.rollouts.map((r) => r.text)).toEqual(built[s].rollouts.map((r) => r.text));
      record.updates.forEach((update, u) => {
        update.coefficient.forEach((c, t) => {
          expect(Math.abs(c - built[s].updates[u].coefficient[t])).toBeLessThan(1e-5);
        });
      });
    });
    expect(built.some((record) => record.updates.some((update) => update.coefficient.some((c) => c !== 0)))).toBe(true);
    const { advantageTerms } = mine[0].tokens!;
    expect(Object.keys(advantageTerms!)).toEqual(["advantage.expression.baseline", "advantage.expression.spread"]);
    expect(Object.keys(mine[0].updates[0].terms!).sort()).toEqual(["objective.expression.bounded", "objective.expression.ratio"]);
  });

  it("have what they name measured for them", async () => {
    const [record] = await train({
      advantage: "expression",
      "advantage.formula": "reward - greedy_reward + mean(entropy) + mean(ref_log_prob - sampler_log_prob) + score * length / step",
      objective: "expression",
      "objective.formula": "-ratio * advantage - 0.1 * entropy + 0.1 * old_entropy + 0.01 * (ref_log_prob - log_prob) ^ 2",
    });
    const { advantage, entropy } = record.tokens!;
    expect(advantage!.every(Number.isFinite)).toBe(true);
    expect(entropy!.some((h) => h > 0)).toBe(true);
    expect(record.updates.every((u) => u.applied)).toBe(true);
  });

  it("stop before a step whose numbers do not go through them; mended, the run goes on as if nothing had been", async () => {
    const good = { advantage: "expression", "advantage.formula": "reward - group_mean(reward)" };
    const run = await Run.open(engine, smallSetup(good), base);
    await runSteps(run, 1);
    const snapshot = await run.snapshot();
    run.edit("advantage.formula", "let a = reward\na + log(-1 - length)");
    await expect(runSteps(run, 1)).rejects.toThrow(ExpressionError);
    await run.restore(snapshot);
    await expect(runSteps(run, 1)).rejects.toThrow(/^formula, line 2, column 5: log\(-\d+\) is NaN for rollout 1$/);
    await run.restore(snapshot);
    expect(() => run.edit("advantage.formula", "reward -")).toThrow("formula, line 1, column 9: expected a number");
    run.edit("advantage.formula", "reward - group_mean(reward)");
    const [second] = await runSteps(run, 1);
    run.dispose();
    const undisturbed = await Run.open(engine, smallSetup(good), base);
    const [, expected] = await runSteps(undisturbed, 2);
    undisturbed.dispose();
    expect(reproducible(second.metrics!)).toEqual(reproducible(expected.metrics!));
  });
});
