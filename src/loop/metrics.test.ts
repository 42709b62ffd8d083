import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { createPortableEngine } from "../policy/portable/node.ts";
import { METRICS, metricName, metricsPage } from "./metric-names.ts";
import { metricsOf } from "./metrics.ts";
import type { Metrics, StepRecord, UpdateRecord } from "./record.ts";
import { type Base, Run } from "./run.ts";
import { runSteps, shippedBase, smallSetup } from "./testing.ts";

/** Two groups of two: rewards 1 and 0 and (unscorable) NaN and 0.5; lengths 2, 1, 3, 2; the third was cut off. */
function handMade(update: Partial<UpdateRecord> = {}): StepRecord {
  const verdict = (score: number) => ({ score, parts: { wellFormed: 1, correct: score }, reason: "" });
  const rollout = (group: number, text: string, score: number, reward: number, advantage: number, finished = true) => ({
    group,
    round: 0,
    text,
    finished,
    verdict: verdict(score),
    rewardParts: { verdict: reward, kl: -0.1 },
    reward: reward - 0.1,
    advantage,
  });
  const problem = { task: "reverse", level: "4", key: "k", prompt: "p", truth: "t", data: null };
  const group = (members: number[], signal: boolean) => ({
    problem,
    promptTokens: new Int32Array(1),
    members,
    statistics: { mean: 0, std: 0, signal },
  });
  const half = Math.log(0.5);
  return {
    step: 3,
    phase: "evaluation",
    settings: { "objective.clipLow": 0.2, "objective.clipHigh": 0.3 },
    groups: [group([0, 1], true), group([2, 3], false)],
    rollouts: [
      rollout(0, "ab", 1, 1, 1),
      rollout(0, "a", 0, 0, -1),
      rollout(1, "abc", 0, Number.NaN, 0, false),
      rollout(1, "ab", 1, 0.5, -1),
    ],
    discarded: [{ round: 0, problem, texts: ["x", "y"], scores: [0, 0], reason: "all wrong" }],
    demonstrations: [],
    tokens: {
      offsets: Int32Array.of(0, 2, 3, 6, 8),
      tokens: new Int32Array(8),
      samplerLogProb: new Float32Array(8).fill(half),
      oldLogProb: Float32Array.of(half, half, 2 * half, half, half, half, 0, 0),
      entropy: Float32Array.of(1, 1, 1, 1, 0, 0, 0, 0),
      alternatives: 0,
      alternativeTokens: new Int32Array(0),
      alternativeLogProbs: new Float32Array(0),
      refLogProb: Float32Array.of(half, half, half, half, half, half, 0, 0),
      advantage: Float32Array.of(1, 1, -1, 0, 0, 0, -1, -1),
    },
    updates: [
      {
        epoch: 0,
        miniBatch: 0,
        rows: Int32Array.of(1, 0),
        demonstrations: new Int32Array(0),
        offsets: Int32Array.of(0, 1, 3),
        logProb: Float32Array.of(2 * half, half + Math.log(1.5), half - 0.1),
        ratio: Float32Array.of(0.5, 1.5, 0.9),
        clipped: Float32Array.of(-1, 1, 0),
        weight: Float32Array.of(0.4, 0.4, 0.4),
        coefficient: Float32Array.of(0, 0.3, 0.1),
        tokenLoss: Float32Array.of(0, 0, 0),
        loss: 0.5,
        lossParts: { policy: 0.4, kl: 0.1 },
        terms: {},
        metrics: { kl: 0.02 },
        learningRate: 1e-3,
        gradNorm: 2,
        tensorGradNorms: new Float32Array(0),
        applied: true,
        ...update,
      },
    ],
  };
}

describe("the metrics of a step", () => {
  const metrics = metricsOf(handMade(), { tokens: 20, seconds: 2 });
  const close = (expected: Readonly<Record<string, number>>, found: Metrics = metrics) => {
    for (const [name, value] of Object.entries(expected)) expect(found[name], name).toBeCloseTo(value, 6);
  };

  it("leave unscorable answers out, take the spread over the batch, and name the parts", () =>
    close({
      reward: 0.4,
      reward_std: 0.5,
      "critic/rewards/max": 0.9,
      "critic/rewards/min": -0.1,
      "critic/score/mean": 0.5,
      "rewards/verdict/mean": 0.5,
      "rewards/verdict/std": 0.5,
      "rewards/kl/mean": -0.1,
      frac_reward_zero_std: 0.5,
      score: 0.5,
      "groups/any_right": 1,
      "groups/all_right": 0,
      "groups/distinct_texts": 2,
    }));

  it("describe lengths, of answers that ended too", () =>
    close({
      "completions/mean_length": 2,
      "completions/min_length": 1,
      "completions/max_length": 3,
      "completions/clipped_ratio": 0.25,
      "completions/mean_terminated_length": 5 / 3,
      "completions/min_terminated_length": 1,
      "completions/max_terminated_length": 2,
      "completions/mean_length_right": 2,
      "completions/mean_length_wrong": 2,
    }));

  it("describe advantages and the policy before the update", () =>
    close({
      "critic/advantages/mean": -1 / 8,
      "critic/advantages/max": 1,
      "critic/advantages/min": -1,
      "advantages/nonzero_fraction": 0.75,
      "advantages/distinct_per_group": 2,
      "advantages/right_negative_fraction": 0.5,
      entropy: 0.5,
      // One token is half as probable as under the reference: 2 − ln 2 − 1.
      kl: (1 - Math.log(2)) / 8,
      "confidence/right": 0.75,
      "confidence/wrong": (0.25 + 0.5) / 2,
    }));

  it("describe the updates: movement, clipping, losses", () =>
    close({
      loss: 0.5,
      "actor/pg_loss": 0.4,
      "loss/kl": 0.1,
      "actor/kl_loss": 0.02,
      "actor/ppo_kl": (0 - Math.log(1.5) + 0.1) / 3,
      "clip_ratio/low_mean": 1 / 3,
      "clip_ratio/high_mean": 1 / 3,
      "clip_ratio/region_mean": 2 / 3,
      "clip_ratio/low_min": 0,
      "clip_ratio/high_max": 0.5,
      "clip_ratio/gradient_kept": 0.5,
      right_pushed_down: 1,
      "actor/pg_clipfrac": 2 / 3,
      "actor/pg_clipfrac_lower": 0,
      grad_norm: 2,
      learning_rate: 1e-3,
      updates: 1,
      updates_skipped: 0,
      groups_discarded: 1,
      rollouts_drawn: 6,
      tokens: 20,
      tokens_per_second: 10,
    }));

  it("prefer what the objective measured itself", () =>
    close(
      { "clip_ratio/low_mean": 0.25, "actor/pg_clipfrac": 0.125, "vespo/phi_seq_mean": 0.7 },
      metricsOf(handMade({ metrics: { "clip_ratio/low_mean": 0.25, "actor/pg_clipfrac": 0.125, "vespo/phi_seq_mean": 0.7 } }), {
        tokens: 1,
        seconds: 1,
      }),
    ));

  it("leave out what has no value, and never hold NaN", () => {
    const skipped = metricsOf(handMade({ gradNorm: Number.NaN, applied: false, loss: Number.NaN, ratio: Float32Array.of(1, 1, 1) }), {
      tokens: 1,
      seconds: 0,
    });
    for (const name of ["grad_norm", "loss", "clip_ratio/gradient_kept", "tokens_per_second"]) expect(skipped).not.toHaveProperty([name]);
    expect(skipped.updates_skipped).toBe(1);
    const empty = metricsOf({ ...handMade(), groups: [], rollouts: [], updates: [], tokens: undefined } as unknown as StepRecord, {
      tokens: 8,
      seconds: 1,
    });
    expect(Object.values(empty).every(Number.isFinite)).toBe(true);
    expect(empty.tokens).toBe(8);
  });
});

describe("the table of metrics", () => {
  let base: Base;
  beforeAll(async () => {
    base = await shippedBase("nano");
  });

  it("has a row for each metric that is measured, and every row is measured", async () => {
    const engine = await createPortableEngine();
    const seen = new Set<string>();
    const measure = async (recipe: string, changes: Readonly<Record<string, number | string>>) => {
      const run = await Run.open(engine, smallSetup({ "optimizer.learningRate": 3e-3, ...changes }, recipe), base);
      for (const { metrics } of await runSteps(run, 2)) for (const name of Object.keys(metrics!)) seen.add(name);
      run.dispose();
    };
    await measure("grpo", { "evaluation.every": 2, "evaluation.problems": 4, "kl.coefficient": 0.1 });
    const plugins = new Set(METRICS.flatMap(({ from }) => (from ? [from] : [])));
    for (const from of plugins) {
      const [slot, plugin] = from.split("=");
      await measure("grpo", { [slot]: plugin, ...(plugin === "sft" ? { guidance: "solver" } : {}) });
    }
    engine.dispose();
    expect([...seen].filter((name) => !metricName(name))).toEqual([]);
    const rows = new Set([...seen].map((name) => metricName(name)!.name));
    expect(METRICS.map(({ name }) => name).filter((name) => !rows.has(name))).toEqual([]);
  });

  it("names each metric once and is what docs/metrics.md says", async () => {
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
    const page = await readFile(new URL("../../docs/metrics.md", import.meta.url), "utf8");
    expect(page, "docs/metrics.md is out of date: write it with metricsPage()").toBe(metricsPage());
  });

  it("reads names with a part, a loss or a k in them", () => {
    expect(metricName("pass@16")?.name).toBe("pass@<k>");
    expect(metricName("rewards/verdict/std")?.name).toBe("rewards/<part>/std");
    expect(metricName("loss/kl")?.name).toBe("loss/<loss>");
    expect(metricName("pass@x")).toBeUndefined();
    expect(metricName("nothing")).toBeUndefined();
  });
});
