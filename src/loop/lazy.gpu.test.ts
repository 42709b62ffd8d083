import { beforeAll, describe, expect, it } from "vitest";
import type { PolicyConfig } from "../policy/config.ts";
import type { Engine, Policy } from "../policy/engine.ts";
import { initialWeights } from "../policy/initialise.ts";
import { VOCABULARY } from "../policy/tokenizer.ts";
import { Device } from "../policy/webgpu/device.ts";
import { WebgpuEngine } from "../policy/webgpu/engine.ts";
import { nodeGpu } from "../policy/webgpu/node.ts";
import { failOnGpuErrors, testEngine } from "../policy/webgpu/testing.ts";
import type { StepRecord } from "./record.ts";
import { type Base, Run } from "./run.ts";
import { reproducible, runSteps, shippedBase, smallSetup } from "./testing.ts";

failOnGpuErrors();
let base: Base;
beforeAll(async () => {
  base = await shippedBase("nano");
});

/** The plain way: each call's work is submitted before the next call, and nothing is left with the engine after a phase. */
function plainly(engine: Engine): Engine {
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, key) {
        const value = Reflect.get(object, key, object) as unknown;
        if (typeof value !== "function" || key === "start" || key === "dispose")
          return typeof value === "function" ? value.bind(object) : value;
        return async (...args: unknown[]) => {
          const result = await value.apply(object, args);
          await engine.start();
          return key === "load" ? guard(result as Policy) : result;
        };
      },
    });
  return guard(engine);
}

async function plainSteps(run: Run, count: number): Promise<StepRecord[]> {
  const records: StepRecord[] = [];
  for (let i = 0; i < count; i++) for await (const record of run.next()) records[i] = record;
  return records;
}

/** Records without what tells of the machine. */
const comparable = (records: readonly StepRecord[]) => records.map((record) => ({ ...record, metrics: reproducible(record.metrics!) }));

describe("work that is submitted together, with rollouts drawn ahead", () => {
  it("trains to the same weights and records, to the bit, as work that is submitted call by call: 30 steps", async () => {
    const engine = await testEngine();
    const setup = smallSetup({ "sampler.promptsPerStep": 2, "optimizer.learningRate": 0.002 });
    const [plain, together] = [await Run.open(plainly(engine), setup, base), await Run.open(engine, setup, base)];
    const submits = async (work: () => Promise<StepRecord[]>) => {
      const before = engine.counters().submits;
      return { records: comparable(await work()), submits: engine.counters().submits - before };
    };
    const expected = await submits(() => plainSteps(plain, 30));
    const actual = await submits(() => runSteps(together, 30));
    expect(actual.records).toEqual(expected.records);
    expect(await together.policy.save()).toEqual(await plain.policy.save());
    // Both were what they are called: four submits a step, or at least one for every call; and training did something.
    expect(actual.submits).toBeLessThanOrEqual(4 * 30);
    expect(expected.submits).toBeGreaterThan(12 * 30);
    const clipped = actual.records.flatMap((record) => record.updates.flatMap((update) => [...update.clipped]));
    expect(clipped.some((flag) => flag !== 0)).toBe(true);
    plain.dispose();
    together.dispose();
  });

  it.each([
    ["a KL penalty", { "kl.coefficient": 0.1 }, "grpo"],
    ["another temperature", { "sampler.temperature": 0.8 }, "grpo"],
    ["losses on the host", { losses: "entropy", tokenWeights: "top-entropy" }, "grpo"],
    ["demonstrations", {}, "chord"],
    ["a reference that follows", { reference: "average" }, "grpo"],
    ["groups that are filtered", {}, "dapo"],
  ] as const)("does so with %s", async (_, changes, recipe) => {
    const engine = await testEngine();
    const setup = smallSetup({ "sampler.promptsPerStep": 2, ...changes }, recipe);
    const options = { inspect: true };
    const [plain, together] = [await Run.open(plainly(engine), setup, base, options), await Run.open(engine, setup, base, options)];
    expect(comparable(await runSteps(together, 3))).toEqual(comparable(await plainSteps(plain, 3)));
    expect(await together.policy.save()).toEqual(await plain.policy.save());
    plain.dispose();
    together.dispose();
  });
});

it.each([
  ["the recipe as it is", {}],
  ["a KL penalty in the loss", { "kl.coefficient": 0.1 }],
] as const)("a step waits for the device once, with %s", async (_, changes) => {
  const engine = await testEngine();
  const run = await Run.open(engine, smallSetup({ "sampler.promptsPerStep": 2, ...changes }), base, { inspect: true });
  await run.complete(true);
  await run.arrival();
  const before = engine.counters();
  await run.complete(true);
  await run.arrival();
  const after = engine.counters();
  expect(after.blockingReadBacks - before.blockingReadBacks).toBe(1);
  expect(after.submits - before.submits).toBeLessThanOrEqual(4);
  run.dispose();
});

describe("rollouts that were drawn ahead", () => {
  it("are used when the step asks for the same, and forgotten when a knob was turned or the run went back", async () => {
    const engine = await testEngine();
    const setup = smallSetup({ "sampler.promptsPerStep": 2 });
    const open = () => Run.open(engine, setup, base);
    const [run, expected] = [await open(), await open()];
    const draws: number[] = [];
    for (const policy of [run.policy, expected.policy]) {
      const generate = policy.generate.bind(policy);
      let count = 0;
      const at = draws.push(0) - 1;
      policy.generate = (request) => {
        draws[at] = ++count;
        return generate(request);
      };
    }
    const same = async (goesOn: boolean) => {
      const [record] = comparable([await run.complete(goesOn)]);
      expect(record).toEqual(comparable(await plainSteps(expected, 1))[0]);
    };
    await same(true);
    expect(run.drawnAhead).toBe(true);
    const snapshot = await expected.snapshot();
    await same(true);
    expect(draws).toEqual([3, 2]);
    // Too late for what is drawn already: it is drawn once more.
    for (const each of [run, expected]) each.edit("sampler.temperature", 0.9);
    await same(true);
    expect(draws).toEqual([5, 3]);
    for (const each of [run, expected]) await each.restore(snapshot);
    expect(run.drawnAhead).toBe(false);
    await same(false);
    expect(draws).toEqual([6, 4]);
    expect(run.drawnAhead).toBe(false);
    run.dispose();
    expected.dispose();
  });

  it("do not hide what is wrong with their step from it, nor blame the step before", async () => {
    // The task has no second form of a question.
    const edits = [{ step: 2, path: "reward", value: "co-reward" }];
    const run = await Run.open(await testEngine(), smallSetup({ "sampler.promptsPerStep": 2 }), base, { edits });
    expect((await run.complete(true)).step).toBe(1);
    await expect(run.complete(true)).rejects.toThrow("asks every question in two forms");
    run.dispose();
  });
});

describe("memory", () => {
  const MICRO: PolicyConfig = {
    vocabSize: VOCABULARY.length,
    hiddenSize: 8,
    layers: 1,
    heads: 1,
    headDim: 8,
    intermediateSize: 8,
    contextLength: 64,
    rmsNormEps: 1e-5,
    ropeTheta: 10000,
  };

  it("is taken once: from the third step on, a hundred steps make no buffer, and leave none behind", async () => {
    const device = await Device.create(await nodeGpu());
    const engine = new WebgpuEngine(device, {});
    const setup = smallSetup({ "sampler.promptsPerStep": 2, "sampler.maxNewTokens": 6, rewards: "overlong" });
    const run = await Run.open(engine, setup, { config: MICRO, theta: initialWeights(MICRO, 1) }, { inspect: true });
    const start = await run.snapshot();
    // The same two steps again and again, so that every batch is as large as one before.
    const repeat = async () => {
      await run.restore(start);
      await runSteps(run, 2);
    };
    for (let i = 0; i < 2; i++) await repeat();
    const [before, live] = [engine.counters(), device.liveBytes()];
    for (let i = 0; i < 50; i++) await repeat();
    const after = engine.counters();
    expect([after.buffersCreated, after.bytesAllocated]).toEqual([before.buffersCreated, before.bytesAllocated]);
    expect(device.liveBytes()).toBe(live);
    expect(engine.errorMessages()).toEqual([]);
    engine.dispose();
  }, 240_000);
});
