import { RecipeError } from "../algorithm/plugin.ts";
import type { PolicyConfig } from "../policy/config.ts";
import type { Engine, Policy, PolicyState } from "../policy/engine.ts";
import { type ResolvedRecipe, recipeAt, withChange } from "../recipes/recipe.ts";
import { taskById } from "../tasks/index.ts";
import type { Problem } from "../tasks/task.ts";
import { DrawnAhead } from "./ahead.ts";
import { firstRequest } from "./collect.ts";
import { inSlot, type PluginStates } from "./context.ts";
import { type Answer, evaluatePolicy, heldOutProblems, sampleAnswers } from "./evaluate.ts";
import { Pending } from "./pending.ts";
import type { EvaluationRecord, StepRecord } from "./record.ts";
import { runStep } from "./step.ts";

/** Everything that starts a run. */
export interface RunSetup {
  readonly recipe: ResolvedRecipe;
  /** Id of a shipped policy, such as `nano`, or the folder of another. */
  readonly policy: string;
  readonly seed: number;
}

/** A knob turned during a run: from step `step` on, `path` (`slot.param`, a slot's name, or `seed`) is `value`. */
export interface Edit {
  readonly step: number;
  readonly path: string;
  readonly value: number | boolean | string;
}

/** Where a run stands after a step, apart from what its setup and edits say. */
export interface Snapshot {
  /** Steps completed. */
  readonly step: number;
  readonly state: PolicyState;
  /** What the plug-ins carry from step to step. Absent in snapshots of older programs: nothing. */
  readonly plugins?: PluginStates;
  /** The reference's weights, if they are no longer the base's. */
  readonly reference?: Float32Array;
}

/** The weights that a run starts from. */
export interface Base {
  readonly config: PolicyConfig;
  readonly theta: Float32Array;
}

/** Answers to one held-out problem. */
export interface AnswersNow {
  readonly problem: Problem;
  readonly at: number;
  readonly samples: number;
  /** Before training. */
  readonly before: readonly Answer[];
  readonly after: readonly Answer[];
}

export interface RunOptions {
  readonly edits?: readonly Edit[];
  readonly snapshot?: Snapshot;
  readonly inspect?: boolean;
}

/** A seed as a knob, a flag or a link gives it. @throws RecipeError unless it is a whole number from 0 to 2³² − 1. */
export function checkSeed(value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
    throw new RecipeError(`seed must be a whole number from 0 to ${2 ** 32 - 1}, got ${JSON.stringify(value)}`);
  }
  return value;
}

function applyEdit(setup: RunSetup, { path, value }: Pick<Edit, "path" | "value">): RunSetup {
  if (path === "seed") return { ...setup, seed: checkSeed(value) };
  return { ...setup, recipe: withChange(setup.recipe, path, value) };
}

/** The setup in force at a step: the run's own, with every edit that holds by then. */
export function setupAt(setup: RunSetup, edits: readonly Edit[], step: number): RunSetup {
  return edits.filter((edit) => edit.step <= step).reduce(applyEdit, setup);
}

/**
 * A run is its setup, its edits and the number of steps behind it; nothing else decides what comes next, so a snapshot continued on an
 * engine of the same plan repeats the original to the bit.
 */
export class Run {
  readonly engine: Engine;
  readonly setup: RunSetup;
  readonly policy: Policy;
  readonly reference: Policy;
  inspect: boolean;
  private readonly log: Edit[];
  private readonly base: Base;
  private states: PluginStates;
  private referenceMoved: boolean;
  private completed: number;
  private begun: number;
  private pending = new Pending();
  private readonly ahead = new DrawnAhead();

  private constructor(engine: Engine, setup: RunSetup, base: Base, policies: [Policy, Policy], options: RunOptions) {
    this.engine = engine;
    this.base = base;
    this.states = { ...options.snapshot?.plugins };
    this.referenceMoved = options.snapshot?.reference !== undefined;
    this.setup = setup;
    [this.policy, this.reference] = policies;
    this.inspect = options.inspect ?? false;
    this.log = [...(options.edits ?? [])];
    this.completed = options.snapshot?.step ?? 0;
    this.begun = this.completed;
  }

  /** Loads the policy twice (one learns, one stays as the reference) and continues from the snapshot, if there is one. */
  static async open(engine: Engine, setup: RunSetup, base: Base, options: RunOptions = {}): Promise<Run> {
    checkSeed(setup.seed);
    const policy = await engine.load(base.config, base.theta);
    const reference = await engine.load(base.config, options.snapshot?.reference ?? base.theta);
    if (options.snapshot) await policy.restore(options.snapshot.state);
    return new Run(engine, setup, base, [policy, reference], options);
  }

  /** Steps completed. */
  get step(): number {
    return this.completed;
  }

  get edits(): readonly Edit[] {
    return this.log;
  }

  /** The recipe and seed that the next step to begin will use. */
  get upcoming(): RunSetup {
    return setupAt(this.setup, this.log, this.begun + 1);
  }

  /**
   * Turns a knob from the next step to begin. Several turns of one knob before that step count as one.
   * @throws RecipeError if there is no such knob or the value does not fit; nothing changes then.
   */
  edit(path: string, value: number | boolean | string): Edit {
    applyEdit(this.upcoming, { path, value });
    const edit = { step: this.begun + 1, path, value };
    const same = this.log.findIndex((e) => e.step === edit.step && e.path === path);
    if (same >= 0) this.log.splice(same, 1);
    this.log.push(edit);
    return edit;
  }

  /**
   * Runs the next step; yields its record after each phase. A step that is not run to its end must be followed by `restore`.
   * @param options.lazy Numbers that nothing on the host needs yet may be missing in the record until `bring`, or the step's end.
   * @param options.goesOn Asked when the updates are under way: whether the next step follows at once. Its rollouts are then drawn already.
   */
  async *next(options: { readonly lazy?: boolean; readonly goesOn?: () => boolean } = {}): AsyncGenerator<StepRecord, void> {
    this.pending = new Pending();
    const step = this.completed + 1;
    this.begun = step;
    const { recipe, seed } = setupAt(this.setup, this.log, step);
    const { engine, policy, reference, inspect } = this;
    // A step that is not run to its end leaves the states as they were.
    const states = { ...this.states };
    const context = {
      engine,
      policy,
      reference,
      step,
      seed,
      evaluationSeed: this.setup.seed,
      recipe: recipeAt(recipe, step),
      states,
      inspect,
      ahead: this.ahead,
      pending: this.pending,
      lazy: options.lazy ?? false,
    };
    const drawNext = () => {
      // On the host there is nothing to overlap with.
      if (engine.kind !== "webgpu" || !options.goesOn?.()) return;
      try {
        const next = setupAt(this.setup, this.log, step + 1);
        const request = firstRequest({ ...context, step: step + 1, seed: next.seed, recipe: recipeAt(next.recipe, step + 1) });
        if (request) this.ahead.start(policy, request);
      } catch {
        // What is wrong with the next step is for that step to say.
      }
    };
    yield* runStep({ ...context, drawNext });
    this.states = states;
    const { plugin, params } = inSlot(recipe, "reference");
    if (plugin.mix(step, params) !== 0) this.referenceMoved = true;
    this.completed = step;
  }

  /** Runs the next step to its end. @param goesOn whether the step after it follows at once. */
  async complete(goesOn = false): Promise<StepRecord> {
    let last: StepRecord | undefined;
    for await (const record of this.next({ lazy: true, goesOn: () => goesOn })) last = record;
    return last!;
  }

  /** The record of the step in progress lacks something. */
  get unfinished(): boolean {
    return this.pending.any;
  }

  /** The rollouts of the next step to begin are drawn, or being drawn. */
  get drawnAhead(): boolean {
    return this.ahead.any;
  }

  /** Waits for rollouts that are being drawn ahead. */
  arrival(): Promise<void> {
    return this.ahead.arrival();
  }

  /** Completes the record of the step in progress as far as the step has come. Only between two phases. */
  async bring(): Promise<void> {
    const { pending } = this;
    const started = performance.now();
    await pending.settle();
    pending.seconds += (performance.now() - started) / 1000;
  }

  /** Forgets a step that was begun, as long as none of its updates was made: only those change the policy. */
  abandon(): void {
    this.begun = this.completed;
  }

  /** Only between steps. */
  async snapshot(): Promise<Snapshot> {
    return {
      step: this.completed,
      state: await this.policy.save(),
      plugins: this.states,
      ...(this.referenceMoved ? { reference: (await this.reference.save()).theta } : {}),
    };
  }

  async restore(snapshot: Snapshot): Promise<void> {
    this.ahead.forget();
    await this.policy.restore(snapshot.state);
    if (this.referenceMoved || snapshot.reference) {
      await this.reference.restore(freshState(snapshot.reference ?? this.base.theta));
      this.referenceMoved = snapshot.reference !== undefined;
    }
    this.states = { ...snapshot.plugins };
    this.completed = snapshot.step;
    this.begun = snapshot.step;
  }

  /** pass@k on held-out problems of the recipe's task: of the policy as it is now, or of the base, which is as it was before training. */
  async evaluate(who: "policy" | "base", onProgress?: (fraction: number) => void, signal?: AbortSignal): Promise<EvaluationRecord> {
    const { recipe } = this.upcoming;
    const task = taskById(recipe.slots.task.plugin);
    const { passAtKProblems, passAtKSamples } = recipe.slots.evaluation.params;
    const samples = passAtKSamples as number;
    const measured = await this.policyOf(who);
    const result = evaluatePolicy(measured, task, recipe.slots.task.params.level as string, {
      problems: passAtKProblems as number,
      samples,
      ks: [1, 2, 4, 8, 16, 32, 64, 128, 256].filter((k) => k <= samples),
      temperature: 1,
      seed: this.setup.seed,
      maxNewTokens: (recipe.slots.sampler.params.maxNewTokens as number) || task.maxNewTokens,
      ...(onProgress ? { onProgress } : {}),
      ...(signal ? { signal } : {}),
    });
    return result.finally(() => this.giveBack(measured));
  }

  /**
   * Answers to one held-out problem, as the base gives them and as the policy does now.
   * @param at which of the problems that pass@k is measured on. @throws RangeError if there is no such problem, or no samples are wanted.
   */
  async answers(at: number, samples: number, onProgress?: (fraction: number) => void): Promise<AnswersNow> {
    const { recipe } = this.upcoming;
    const problems = recipe.slots.evaluation.params.passAtKProblems as number;
    if (!Number.isInteger(at) || at < 0 || at >= problems) throw new RangeError(`problem must be from 0 to ${problems - 1}, got ${at}`);
    if (!Number.isInteger(samples) || samples < 1 || samples > 256) throw new RangeError(`samples must be from 1 to 256, got ${samples}`);
    const task = taskById(recipe.slots.task.plugin);
    const problem = heldOutProblems(task, recipe.slots.task.params.level as string, at + 1, this.setup.seed)[at];
    const maxNewTokens = (recipe.slots.sampler.params.maxNewTokens as number) || task.maxNewTokens;
    const of = async (who: "policy" | "base") => {
      const measured = await this.policyOf(who);
      return sampleAnswers(measured, task, problem, { samples, seed: this.setup.seed, at, maxNewTokens }).finally(() =>
        this.giveBack(measured),
      );
    };
    onProgress?.(0);
    const before = await of("base");
    onProgress?.(0.5);
    return { problem, at, samples, before, after: await of("policy") };
  }

  private async policyOf(who: "policy" | "base"): Promise<Policy> {
    if (who === "policy") return this.policy;
    return this.referenceMoved ? this.engine.load(this.base.config, this.base.theta) : this.reference;
  }

  private giveBack(policy: Policy): void {
    if (policy !== this.policy && policy !== this.reference) policy.dispose();
  }

  dispose(): void {
    this.policy.dispose();
    this.reference.dispose();
  }
}

/** Weights without a history of updates. */
function freshState(theta: Float32Array): PolicyState {
  return { theta, m: new Float32Array(theta.length), v: new Float32Array(theta.length), updates: 0 };
}
