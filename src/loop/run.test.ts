import { beforeAll, describe, expect, it } from "vitest";
import { RecipeError } from "../algorithm/plugin.ts";
import { type Engine, tokenBatch } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { splitOf } from "../tasks/task.ts";
import type { Phase } from "./record.ts";
import { type Base, Run } from "./run.ts";
import { reproducible, runSteps, shippedBase, smallSetup } from "./testing.ts";

let engine: Engine;
let base: Base;
beforeAll(async () => {
  engine = await createPortableEngine();
  base = await shippedBase("nano");
});

const metricsOf = async (run: Run, steps: number) => (await runSteps(run, steps)).map((r) => reproducible(r.metrics!));
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe("a step", () => {
  it("visits its phases in order, once for each update, and fills the record", async () => {
    const run = await Run.open(engine, smallSetup(), base);
    const phases: Phase[] = [];
    for await (const record of run.next()) phases.push(record.phase);
    expect(phases).toEqual(["prompts", "rollouts", "verdicts", "rewards", "advantages", ...Array(4).fill("update"), "evaluation"]);
    const [record] = await runSteps(run, 1);
    expect(record.step).toBe(2);
    expect(record.groups).toHaveLength(4);
    expect(record.rollouts).toHaveLength(16);
    for (const group of record.groups) {
      expect(splitOf(group.problem)).toBe("train");
      const rewards = group.members.map((row) => record.rollouts[row].reward!);
      const advantages = group.members.map((row) => record.rollouts[row].advantage!);
      const center = mean(rewards);
      expect(group.statistics!.mean).toBeCloseTo(center, 12);
      const std = Math.sqrt(rewards.reduce((sum, r) => sum + (r - center) ** 2, 0) / 3);
      rewards.forEach((r, i) => {
        expect(advantages[i]).toBeCloseTo(std === 0 ? 0 : (r - center) / (std + 1e-6), 5);
      });
    }
    for (const rollout of record.rollouts) expect(rollout.reward).toBe(rollout.verdict!.score);
    run.dispose();
  });

  it("has a ratio of exactly 1 and clips nothing when its only update is on-policy", async () => {
    const setup = smallSetup({ "optimizer.miniBatches": 1, "optimizer.epochs": 1, "optimizer.learningRate": 0.01 });
    const run = await Run.open(engine, setup, base);
    for (const { updates } of await runSteps(run, 3)) {
      expect(updates).toHaveLength(1);
      expect([...updates[0].ratio].every((r) => r === 1)).toBe(true);
      expect([...updates[0].clipped].every((f) => f === 0)).toBe(true);
    }
    run.dispose();
  });

  it("leaves ratio 1 from the second update on, clips, and counts what it clipped", async () => {
    const run = await Run.open(engine, smallSetup({ "optimizer.learningRate": 0.003 }), base);
    const [{ updates, metrics, tokens }] = await runSteps(run, 1);
    expect(updates).toHaveLength(4);
    expect(Math.max(...updates[0].ratio.map((r) => Math.abs(r - 1)))).toBeLessThan(1e-4);
    expect(Math.max(...updates[3].ratio.map((r) => Math.abs(r - 1)))).toBeGreaterThan(0.05);
    expect(metrics!["clip_ratio/low_mean"] + metrics!["clip_ratio/high_mean"]).toBeGreaterThan(0);
    // Every rollout is used once in each epoch; token-mean weights add up to 1 in each mini-batch.
    for (const epoch of [0, 1]) {
      const rows = updates.filter((u) => u.epoch === epoch).flatMap((u) => [...u.rows]);
      expect(rows.sort((a, b) => a - b)).toEqual([...Array(16).keys()]);
    }
    for (const u of updates) {
      expect(u.weight.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      u.rows.forEach((row, i) => {
        expect(u.offsets[i + 1] - u.offsets[i]).toBe(tokens!.offsets[row + 1] - tokens!.offsets[row]);
      });
    }
    run.dispose();
  });

  it("takes old and reference log-probs at the sampling temperature", async () => {
    const run = await Run.open(engine, smallSetup({ "sampler.temperature": 0.7 }), base);
    const [record] = await runSteps(run, 1);
    const fresh = await engine.load(base.config, base.theta);
    const tokens = record.tokens!;
    const batch = tokenBatch(
      record.rollouts.map((r) => record.groups[r.group].promptTokens),
      record.rollouts.map((_, r) => tokens.tokens.subarray(tokens.offsets[r], tokens.offsets[r + 1])),
    );
    const expected = await (await fresh.forward(batch, { temperature: 0.7 }, { inference: true })).logProb.read();
    for (const got of [tokens.oldLogProb, tokens.refLogProb!]) {
      got.forEach((x, t) => {
        expect(x).toBeCloseTo(expected[t], 5);
      });
    }
    // Nothing but bans and the temperature shaped the draws, and banned tokens are as good as impossible.
    tokens.samplerLogProb.forEach((x, t) => {
      expect(x).toBeCloseTo(expected[t], 2);
    });
    run.dispose();
    fresh.dispose();
  });

  it("replaces groups without signal under DAPO and counts their cost", async () => {
    const run = await Run.open(engine, smallSetup({ "sampler.groupSize": 2, "groupFilter.maxRounds": 20 }, "dapo"), base);
    const records = await runSteps(run, 3);
    for (const { groups, rollouts, metrics, tokens } of records) {
      expect(groups).toHaveLength(4);
      expect(metrics!.frac_reward_zero_std).toBe(0);
      expect(tokens!.offsets).toHaveLength(rollouts.length + 1);
      groups.forEach((group, g) => {
        const scores = group.members.map((row) => rollouts[row].verdict!.score);
        expect(new Set(scores).size).toBe(2);
        expect(group.members.every((row) => rollouts[row].group === g)).toBe(true);
      });
    }
    const discarded = records.flatMap((r) => r.discarded);
    expect(discarded.length).toBeGreaterThan(0);
    expect(discarded.every((d) => new Set(d.scores).size === 1)).toBe(true);
    expect(records[0].metrics!.rollouts_drawn).toBe(8 + 2 * records[0].discarded.length);
    run.dispose();
  });

  it("goes on without an update when no group has signal", async () => {
    const setup = smallSetup({ "sampler.groupSize": 1 }, "dapo");
    const run = await Run.open(engine, setup, base);
    const [record] = await runSteps(run, 1);
    expect(record.rollouts).toHaveLength(0);
    expect(record.updates).toHaveLength(0);
    expect(record.metrics!.updates).toBe(0);
    expect(Object.values(record.metrics!).every(Number.isFinite)).toBe(true);
    run.dispose();
  });

  it("revisits a finite set of problems, every one once before any comes again", async () => {
    const run = await Run.open(engine, smallSetup({ "task.problems": 6, "sampler.groupSize": 1 }), base);
    const keys = (await runSteps(run, 6)).flatMap((r) => r.groups.map((g) => g.problem.key));
    expect(new Set(keys).size).toBe(6);
    for (let i = 0; i < 24; i += 6) expect(new Set(keys.slice(i, i + 6)).size).toBe(6);
    run.dispose();
  });

  it("puts form and the overlong penalty into the reward, beside the verdict", async () => {
    const changes = { "reward.formatWeight": 0.25, "reward.overlongBuffer": 3, "reward.overlongPenalty": 0.5, "sampler.maxNewTokens": 5 };
    const run = await Run.open(engine, smallSetup(changes), base);
    const [{ rollouts, tokens }] = await runSteps(run, 1);
    rollouts.forEach((rollout, r) => {
      const length = tokens!.offsets[r + 1] - tokens!.offsets[r];
      const { score, parts } = rollout.verdict!;
      const penalty = (0.5 * Math.max(0, length - 2)) / 3;
      expect(rollout.reward).toBeCloseTo(score + 0.25 * parts.wellFormed - penalty, 12);
    });
    run.dispose();
  });
});

describe("a run", () => {
  it("learns: reward rises", async () => {
    const run = await Run.open(engine, smallSetup({ "sampler.promptsPerStep": 8, "sampler.groupSize": 8 }), base);
    const rewards = (await metricsOf(run, 12)).map((m) => m.reward);
    expect(mean(rewards.slice(-4))).toBeGreaterThan(mean(rewards.slice(0, 4)) + 0.1);
    run.dispose();
  });

  it("is the same again from the same seed, and another from another", async () => {
    const again = async (seed: number) => {
      const run = await Run.open(engine, smallSetup({}, "grpo", seed), base);
      const metrics = await metricsOf(run, 2);
      run.dispose();
      return metrics;
    };
    const first = await again(7);
    expect(await again(7)).toEqual(first);
    expect(await again(8)).not.toEqual(first);
  });

  it("continues from a snapshot to the bit, edits included", async () => {
    const setup = smallSetup({ "evaluation.every": 2, "evaluation.problems": 16 });
    const run = await Run.open(engine, setup, base);
    await runSteps(run, 2);
    run.edit("optimizer.learningRate", 0.001);
    const snapshot = structuredClone(await run.snapshot());
    const rest = await metricsOf(run, 3);
    run.edit("sampler.temperature", 0.8);
    rest.push(...(await metricsOf(run, 1)));
    const weights = await run.policy.save();

    const other = await createPortableEngine();
    const resumed = await Run.open(other, setup, base, { snapshot, edits: run.edits });
    expect(resumed.step).toBe(2);
    expect(await metricsOf(resumed, 4)).toEqual(rest);
    expect(await resumed.policy.save()).toEqual(weights);
    run.dispose();
    resumed.dispose();
    other.dispose();
  });

  it("turns a knob from the next step on, the step in progress left alone", async () => {
    const run = await Run.open(engine, smallSetup(), base);
    const step = run.next();
    await step.next();
    expect(run.edit("sampler.groupSize", 2)).toEqual({ step: 2, path: "sampler.groupSize", value: 2 });
    let rows = 0;
    for await (const record of step) rows = record.rollouts.length;
    expect(rows).toBe(16);
    run.edit("sampler.groupSize", 3);
    run.edit("task", "sort");
    run.edit("seed", 99);
    expect(run.edits).toHaveLength(3);
    const [record] = await runSteps(run, 1);
    expect(record.rollouts).toHaveLength(12);
    expect(record.groups[0].problem.task).toBe("sort");
    run.dispose();
  });

  it("refuses a bad knob with a sentence and stays as it was", async () => {
    const run = await Run.open(engine, smallSetup(), base);
    for (const [path, value] of [
      ["sampler.groupSize", 0],
      ["sampler.groupSize", 2.5],
      ["sampler.nothing", 1],
      ["nothing.groupSize", 1],
      ["task", "chess"],
      ["task.level", "hardest"],
      ["seed", -1],
      ["seed", "x"],
      ["objective.clipLow", Number.NaN],
    ] as const) {
      expect(() => run.edit(path, value), path).toThrow(RecipeError);
    }
    expect(run.edits).toEqual([]);
    expect(run.upcoming).toEqual(run.setup);
    run.dispose();
  });

  it("evaluates policy and reference on held-out problems", async () => {
    const run = await Run.open(engine, smallSetup({ "evaluation.passAtKProblems": 8, "evaluation.passAtKSamples": 4 }), base);
    const before = await run.evaluate("policy");
    expect(Object.keys(before.passAtK)).toEqual(["1", "2", "4"]);
    expect(before.passAtK[4]).toBeGreaterThanOrEqual(before.passAtK[1]);
    await runSteps(run, 2);
    expect(await run.evaluate("base")).toEqual(before);
    expect(await run.evaluate("policy")).not.toEqual(before);
    await expect(run.evaluate("policy", undefined, AbortSignal.abort())).rejects.toThrow();
    run.dispose();
  });
});
