import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine, ForwardHandle, Policy } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { PLUGINS } from "../recipes/slots.ts";
import { type Base, Run } from "./run.ts";
import { runSteps, shippedBase, smallSetup } from "./testing.ts";

let engine: Engine;
let base: Base;
beforeAll(async () => {
  engine = await createPortableEngine();
  base = await shippedBase("nano");
});
afterAll(() => engine.dispose());

const finite = (values: ArrayLike<number>) => Array.from(values).every(Number.isFinite);

describe("no NaN reaches the weights", () => {
  it("skips, counts and records an update whose numbers are not finite; the next ones go on", async () => {
    let spoilt = 0;
    // The second training pass reports log-probs that are not numbers, as a failing device might.
    const failing = <P extends Policy>(policy: P): P =>
      new Proxy(policy, {
        get(target, name) {
          const own = Reflect.get(target, name);
          if (name !== "forward") return typeof own === "function" ? own.bind(target) : own;
          return async (...args: Parameters<Policy["forward"]>): Promise<ForwardHandle> => {
            const handle = await target.forward(...args);
            if (args[2]?.inference || ++spoilt !== 2) return handle;
            const logProb = { length: handle.logProb.length, read: async () => new Float32Array(handle.logProb.length).fill(Number.NaN) };
            return new Proxy(handle, {
              get: (h, key) => {
                if (key === "logProb") return logProb;
                const value = Reflect.get(h, key);
                return typeof value === "function" ? value.bind(h) : value;
              },
            });
          };
        },
      });
    const wrapped = { ...engine, load: async (...args: Parameters<Engine["load"]>) => failing(await engine.load(...args)) };
    const run = await Run.open(wrapped as Engine, smallSetup(), base);
    const [record] = await runSteps(run, 1);
    expect(record.updates.map((u) => u.applied)).toEqual([true, false, true, true]);
    expect(record.metrics!.updates_skipped).toBe(1);
    expect(Object.values(record.metrics!).every(Number.isFinite)).toBe(true);
    const { state } = await run.snapshot();
    expect(state.updates).toBe(3);
    expect(finite(state.theta) && finite(state.m) && finite(state.v)).toBe(true);
    run.dispose();
  });

  const hard: readonly [string, Record<string, number | boolean | string>][] = [
    ["groups of one answer", { "sampler.groupSize": 1, "sampler.promptsPerStep": 6 }],
    ["every answer cut off and masked", { "sampler.maxNewTokens": 1, "aggregation.maskTruncated": true }],
    ["rewards in millions", { advantage: "expression", "advantage.formula": "(reward - 0.5) * 2000000" }],
    ["all rewards equal", { "task.level": "6", "sampler.temperature": 4, "sampler.maxNewTokens": 2 }],
    ["a policy that has moved far in one step", { "optimizer.learningRate": 0.05, "optimizer.epochs": 4, "optimizer.maxGradNorm": 0 }],
  ];
  const objectives = PLUGINS.objective.map((plugin) => plugin.id);
  it.each(hard.flatMap(([name, changes]) => objectives.map((objective) => [name, objective, changes] as const)))(
    "%s, %s",
    async (_, objective, changes) => {
      const run = await Run.open(engine, smallSetup({ ...changes, objective }), base);
      for (const record of await runSteps(run, 1)) {
        for (const update of record.updates) if (update.applied) expect(finite(update.coefficient), "a coefficient").toBe(true);
        expect(Object.values(record.metrics!).every(Number.isFinite), "a metric").toBe(true);
      }
      const { state } = await run.snapshot();
      expect(finite(state.theta) && finite(state.m) && finite(state.v)).toBe(true);
      run.dispose();
    },
  );
});
