import type { StepRecord } from "../loop/record.ts";
import { type Base, Run, type RunSetup, type Snapshot } from "../loop/run.ts";
import type { Engine } from "../policy/engine.ts";
import type { DeviceCounters } from "../policy/webgpu/device.ts";
import type { WebgpuEngine } from "../policy/webgpu/engine.ts";
import { recipeById } from "../recipes/index.ts";
import { resolveRecipe, withChange } from "../recipes/recipe.ts";

/** A batch of rollouts: so many prompts, each answered so many times. */
export interface Shape {
  readonly prompts: number;
  readonly group: number;
}

/** What one iteration does, the same on every machine. */
export interface IterationCounts extends DeviceCounters {
  readonly rollouts: number;
  /** Tokens of the rollouts: a row ends with its stop token, or after `TOKENS`. */
  readonly tokens: number;
}

/** Longest rollout of the measured iteration. */
export const TOKENS = 32;

/**
 * GRPO on Countdown, without evaluation. Fresh weights ramble on, most often to the length limit; the penalty for that makes groups
 * differ, so that the update has something to do.
 */
function iterationSetup({ prompts, group }: Shape): RunSetup {
  const changes = {
    task: "countdown",
    rewards: "overlong",
    "sampler.promptsPerStep": prompts,
    "sampler.groupSize": group,
    "sampler.maxNewTokens": TOKENS,
    "evaluation.every": 0,
  };
  const recipe = Object.entries(changes).reduce((r, [path, value]) => withChange(r, path, value), resolveRecipe(recipeById("grpo")));
  return { recipe, policy: "fresh", seed: 1 };
}

/**
 * The second step of a run, again and again from the same weights: the same rollouts each time. The run goes on as when it plays: where rollouts
 * are drawn ahead, the step's own are there when it begins, and it ends with those of the next.
 */
export class Iteration {
  private readonly engine: Engine;
  private readonly run: Run;
  private readonly start: Snapshot;

  private constructor(engine: Engine, run: Run, start: Snapshot) {
    this.engine = engine;
    this.run = run;
    this.start = start;
  }

  static async open(engine: Engine, shape: Shape, base: Base): Promise<Iteration> {
    const run = await Run.open(engine, iterationSetup(shape), base);
    return new Iteration(engine, run, await run.snapshot());
  }

  /** Runs the step once. Milliseconds are those of the step alone; counts are given where the engine has a device. */
  async once(): Promise<{ milliseconds: number; record: StepRecord; counts?: IterationCounts }> {
    await this.run.restore(this.start);
    await this.run.complete(true);
    await this.run.arrival();
    const device = this.engine.kind === "webgpu" ? (this.engine as WebgpuEngine) : undefined;
    const before = device?.counters();
    const started = performance.now();
    const record = await this.run.complete(true);
    await this.run.arrival();
    const milliseconds = performance.now() - started;
    if (!record.tokens) throw new Error("The measured step drew no rollouts.");
    if (!device || !before) return { milliseconds, record };
    const after = device.counters();
    const counts = Object.fromEntries((Object.keys(after) as (keyof DeviceCounters)[]).map((key) => [key, after[key] - before[key]]));
    return {
      milliseconds,
      record,
      counts: {
        rollouts: record.rollouts.length,
        tokens: record.tokens.tokens.length,
        ...(counts as unknown as DeviceCounters),
      },
    };
  }

  dispose(): void {
    this.run.dispose();
  }
}
