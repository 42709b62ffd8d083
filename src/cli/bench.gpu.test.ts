import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UpdateRecord } from "../loop/record.ts";
import { POLICY_CONFIGS } from "../policy/config.ts";
import type { Engine } from "../policy/engine.ts";
import { initialWeights } from "../policy/initialise.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { failOnGpuErrors, testEngine } from "../policy/webgpu/testing.ts";
import { Iteration, type IterationCounts, TOKENS } from "./bench-iteration.ts";

// What decides speed on a GPU is how often the loop talks to it. These budgets are what it does today: lower them with every gain.
failOnGpuErrors();
const config = POLICY_CONFIGS.nano;
const base = { config, theta: initialWeights(config, 1) };
const SHAPE = { prompts: 8, group: 4 };

describe("one iteration of nano with 8×4 rollouts", () => {
  let iteration: Iteration;
  let cold: IterationCounts;
  let warm: IterationCounts[];
  let updates: readonly UpdateRecord[];
  beforeAll(async () => {
    iteration = await Iteration.open(await testEngine(), SHAPE, base);
    const runs = [];
    for (let i = 0; i < 3; i++) runs.push(await iteration.once());
    const counts = runs.map((run) => run.counts!);
    cold = counts[0];
    warm = counts.slice(1);
    updates = runs[0].record.updates;
  }, 240_000);
  afterAll(() => iteration.dispose());

  it("draws the rollouts it says, and makes updates that change something", () => {
    expect(cold.rollouts).toBe(32);
    expect(cold.tokens).toBeGreaterThan((32 * TOKENS) / 2);
    expect(updates.length).toBeGreaterThan(0);
    for (const update of updates) expect(update.applied && update.gradNorm > 0).toBe(true);
  });

  it("does the same each time", () => {
    expect(warm[1]).toEqual(warm[0]);
    expect(warm[0].dispatches).toBe(cold.dispatches);
    expect(warm[0].bytesReadBack).toBe(cold.bytesReadBack);
  });

  it("makes buffers the first time alone", async () => {
    expect((await testEngine()).counters().buffersCreated).toBeGreaterThan(0);
    for (const { buffersCreated, bytesAllocated } of warm) expect([buffersCreated, bytesAllocated]).toEqual([0, 0]);
  });

  it("waits for the device once, for the tokens that the verifier judges; what the updates report comes while the next rollouts are drawn", () => {
    expect(updates).toHaveLength(4);
    expect(warm[0].readBacks).toBe(2);
    expect(warm[0].blockingReadBacks).toBe(1);
  });

  it("submits four times: the reference's scores, the first update, the other updates, the next rollouts", () => {
    expect(warm[0].submits).toBeLessThanOrEqual(4);
  });

  it("stays within its budget of dispatches and bytes", async () => {
    // A GPU turns the weights for drawing, and adds slices of the weight gradients in each update.
    const more = (await testEngine()).software ? 0 : 5;
    expect(warm[0].dispatches).toBeLessThanOrEqual(42 + more);
    expect(warm[0].bytesReadBack).toBeLessThanOrEqual(104_656);
    expect(warm[0].bytesUploaded).toBeLessThanOrEqual(103_416 + 256 * more);
  });
});

it("starts each repeat from the same weights, and counts nothing where there is no device", async () => {
  const engine: Engine = await createPortableEngine();
  const iteration = await Iteration.open(engine, { prompts: 2, group: 2 }, base);
  const [first, second] = [await iteration.once(), await iteration.once()];
  expect(first.counts).toBeUndefined();
  expect(second.record.tokens!.tokens).toEqual(first.record.tokens!.tokens);
  expect(second.record.updates.map((u) => u.gradNorm)).toEqual(first.record.updates.map((u) => u.gradNorm));
  iteration.dispose();
  engine.dispose();
});
