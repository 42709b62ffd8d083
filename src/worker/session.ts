import { evaluationMetrics } from "../loop/metrics.ts";
import type { EvaluationRecord, Metrics, StepRecord } from "../loop/record.ts";
import { type Base, type Edit, Run, type RunOptions, type RunSetup, type Snapshot, setupAt } from "../loop/run.ts";
import { type Engine, EngineError } from "../policy/engine.ts";
import { checkResolved } from "../recipes/recipe.ts";
import type { RunStore, StoredRun } from "../storage/run-store.ts";
import type { Command, EngineStatus, Event, KeptRun } from "./protocol.ts";

/** What the session needs from its surroundings: a worker in a browser, or a test. */
export interface SessionHost {
  /**
   * @param refusal what the GPU failed with, if it must not be used any more.
   * @throws Error with one sentence for a person if no engine can run at all.
   */
  createEngine(wanted: "auto" | "portable" | "webgpu", refusal?: string): Promise<{ engine: Engine; status: EngineStatus }>;
  /** @throws Error with one sentence if there is no such policy or it is broken. */
  loadBase(policy: string): Promise<Base>;
  readonly store: RunStore;
  emit(event: Event): void;
}

/** How far the session is to run before it stands still. */
type Goal =
  | { readonly kind: "play" }
  | { readonly kind: "phase" }
  | { readonly kind: "steps"; left: number }
  | { readonly kind: "preview" };

/** Steps between snapshots: what a lost device costs to recompute, at most. */
const SNAPSHOT_EVERY = 10;
/** Step records kept for scrubbing. */
const RECORDS_KEPT = 60;
/** While playing, records are shown at most this often (milliseconds); metrics always arrive. */
const SHOW_EVERY = 80;
/** Idle time before pass@k is measured, and the longest that it may be expected to take (milliseconds). */
const IDLE = 1500;
const IDLE_WORK = 20000;

/**
 * The run behind a page: takes commands, drives the loop phase by phase, keeps snapshots and sends events. One command is handled at a
 * time; what takes long (playing) goes on between them. If the device is lost, a new engine recomputes from the last snapshot to the very
 * phase that was shown: the loop is deterministic, so nothing shown changes. If the GPU fails otherwise, as when it has too little memory,
 * the portable engine does the same in its place.
 */
export class Session {
  private readonly host: SessionHost;
  private wanted: "auto" | "portable" | "webgpu" = "auto";
  private engine: Engine | undefined;
  private engineLost = false;
  /** What the GPU failed with; from then on the portable engine runs. */
  private refusal: string | undefined;
  private base: { policy: string; base: Base } | undefined;
  private run: Run | undefined;
  private runId = "";
  private snapshot: Snapshot | undefined;
  private start: EvaluationRecord | undefined;
  private history: Metrics[] = [];
  private records = new Map<number, StepRecord>();
  private generator: AsyncGenerator<StepRecord, void> | undefined;
  /** Phases of the step in progress that were shown. */
  private shownPhases = 0;
  /** True while step 1 shows its first answers and nothing else has been asked for. */
  private previewing = false;
  private goal: Goal | undefined;
  private pumping: Promise<void> | undefined;
  /** True from a step's first update to its end. */
  private updating = false;
  private lastShown = 0;
  private storageFailed = false;
  /** How many entries of `history` are stored. */
  private stored = 0;
  private queue: Promise<void> = Promise.resolve();
  private idle: { timer: ReturnType<typeof setTimeout>; abort: AbortController } | undefined;
  private evaluatedAt = -1;
  private millisecondsPerRow = 0;

  constructor(host: SessionHost) {
    this.host = host;
  }

  /** Handles a command after those before it. Never throws: failures become events. */
  handle(command: Command): Promise<void> {
    this.stopIdleWork();
    // Pausing must not wait behind the work that it pauses.
    if (command.type === "pause") this.setGoal(undefined);
    this.queue = this.queue
      .then(() => this.execute(command))
      .catch((error) => this.fail(error, command.type === "open"))
      .finally(() => this.startIdleWork());
    return this.queue;
  }

  private async execute(command: Command): Promise<void> {
    switch (command.type) {
      case "open":
        this.wanted = command.engine;
        await this.openEngine();
        return;
      case "start":
        return this.begin(command.setup);
      case "resume":
        return this.resume(command.runId);
      case "forget":
        await this.host.store.forget(command.runId);
        return;
      case "play":
        return this.go({ kind: "play" });
      case "phase":
        return this.go({ kind: "phase" });
      case "step":
        return this.go({ kind: "steps", left: command.count ?? 1 });
      case "pause":
        // Again, for a goal that waited in the queue when the pause was asked for.
        this.setGoal(undefined);
        await this.pumping;
        this.emitState();
        return this.keep();
      case "reset":
        if (this.run) await this.begin(this.run.upcoming);
        return;
      case "edit":
        return this.edit(command.path, command.value);
      case "record":
        this.host.emit({ type: "record", step: command.step, record: this.records.get(command.step) ?? null });
        return;
    }
  }

  private fail(error: unknown, fatal = false): void {
    this.setGoal(undefined);
    this.host.emit({ type: "error", message: sentence(error), fatal });
  }

  // Engine and policy.

  private async openEngine(): Promise<void> {
    this.host.emit({ type: "progress", what: "Starting the engine", fraction: 0.1 });
    const { status } = await this.createEngine();
    const keptRuns = await this.keptRuns().catch(() => []);
    this.host.emit({ type: "ready", engine: status, keptRuns });
  }

  /** Runs of earlier visits. Metrics are kept with every step and runs less often, so the metrics know how far a run has come. */
  private async keptRuns(): Promise<KeptRun[]> {
    const { store } = this.host;
    const runs = await store.list();
    const steps = await Promise.all(runs.map(async (run) => (await store.metrics(run.id)).at(-1)?.step ?? run.steps));
    return runs.map((run, i) => keptRun({ ...run, steps: steps[i] })).filter((run) => run.steps > 0);
  }

  private async createEngine(): Promise<{ engine: Engine; status: EngineStatus }> {
    const made = await this.host.createEngine(this.wanted, this.refusal);
    this.engine = made.engine;
    this.engineLost = false;
    this.host.emit({ type: "engine", engine: made.status });
    void made.engine.lost.then(() => {
      if (this.engine === made.engine) {
        this.engineLost = true;
        // Playing notices by itself; a run that stands still is mended now, so that nothing waits when it goes on.
        if (!this.pumping) void this.handle({ type: "pause" });
      }
    });
    return made;
  }

  /** Gives the GPU up after it failed without being lost. False if the error is another's. */
  private refuseGpu(error: unknown): boolean {
    if (!(error instanceof EngineError) || this.engine?.kind !== "webgpu" || this.engineLost || this.refusal !== undefined) return false;
    this.refusal = sentence(error);
    this.engine.dispose();
    this.engine = undefined;
    return true;
  }

  /** A run on the engine at hand; on another if there is none, or it fails. */
  private async openRun(setup: RunSetup, options: RunOptions = {}): Promise<Run> {
    const base = await this.loadBase(setup.policy);
    if (this.engineLost || !this.engine) await this.createEngine();
    const open = () => Run.open(this.engine!, setup, base, { ...options, inspect: true });
    try {
      return await open();
    } catch (error) {
      if (!this.refuseGpu(error)) throw error;
      const { status } = await this.createEngine();
      this.host.emit({ type: "notice", message: `${this.refusal} The run is on ${status.label} instead.` });
      return open();
    }
  }

  private async loadBase(policy: string): Promise<Base> {
    if (this.base?.policy !== policy) {
      this.host.emit({ type: "progress", what: `Loading the policy ${policy}`, fraction: 0.4 });
      this.base = { policy, base: await this.host.loadBase(policy) };
    }
    return this.base.base;
  }

  // Runs.

  private async begin(setup: RunSetup): Promise<void> {
    await this.halt();
    const run = await this.openRun(setup);
    this.adopt(run, crypto.randomUUID(), undefined, [], undefined);
    this.host.emit({ type: "started", runId: this.runId, setup, edits: [], step: 0, history: [], records: [] });
    await this.go({ kind: "preview" });
    await this.pumping;
  }

  private async resume(id: string): Promise<void> {
    const stored = (await this.host.store.list()).find((run) => run.id === id);
    if (!stored) throw new Error("This run is no longer kept.");
    const history = await this.host.store.metrics(id);
    const { edits, snapshot } = stored;
    // It may have been kept by another version of this page.
    const setup = { ...stored.setup, recipe: checkResolved(stored.setup.recipe) };
    setupAt(setup, edits, Number.POSITIVE_INFINITY);
    await this.halt();
    const run = await this.openRun(setup, { edits, ...(snapshot ? { snapshot } : {}) });
    this.adopt(run, id, snapshot, history, stored.start);
    if (JSON.stringify(stored.plan) !== JSON.stringify(this.engine!.plan)) {
      this.host.emit({
        type: "notice",
        message: "The run goes on with another engine than before: from here on its numbers may differ in the last digits.",
      });
    }
    const steps = history.at(-1)?.step ?? 0;
    await this.replay(steps, (fraction) => this.host.emit({ type: "progress", what: "Bringing the run back", fraction }));
    const start = this.start ? { start: this.start } : {};
    this.host.emit({
      type: "started",
      runId: id,
      setup,
      edits: [...run.edits],
      step: run.step,
      history,
      records: [...this.records.keys()],
      ...start,
    });
    await this.go({ kind: "preview" });
    await this.pumping;
  }

  private adopt(run: Run, id: string, snapshot: Snapshot | undefined, history: Metrics[], start: EvaluationRecord | undefined): void {
    this.run?.dispose();
    this.run = run;
    this.runId = id;
    this.snapshot = snapshot;
    this.start = start;
    this.history = history;
    this.stored = history.length;
    this.records = new Map();
    this.dropStep();
    this.evaluatedAt = -1;
  }

  /** Stops where the loop stands, and drops the step in progress. */
  private async halt(): Promise<void> {
    this.setGoal(undefined);
    await this.pumping;
    await this.keep();
    this.dropStep();
  }

  private dropStep(): void {
    this.generator = undefined;
    this.shownPhases = 0;
    this.updating = false;
  }

  /** Runs whole steps, unseen but for their records, until `step` are complete. */
  private async replay(step: number, onProgress: (fraction: number) => void): Promise<void> {
    const run = this.run!;
    const from = run.step;
    while (run.step < step) {
      onProgress((run.step - from) / (step - from));
      let last: StepRecord | undefined;
      for await (const record of run.next()) last = record;
      if (last) this.keepRecord(last);
    }
  }

  // Driving.

  private async go(goal: Goal): Promise<void> {
    if (!this.run) throw new Error("There is no run yet.");
    if (goal.kind !== "preview") this.previewing = false;
    if (goal.kind !== "play") {
      this.setGoal(undefined);
      await this.pumping;
    }
    this.setGoal(goal);
    this.startPump();
  }

  private startPump(): void {
    this.pumping ??= this.pump().finally(() => {
      this.pumping = undefined;
      // A new goal, or the loss of the device, may arrive in the moment in which the pump runs out.
      if (this.goal) {
        this.startPump();
        return;
      }
      this.emitState();
      if (this.engineLost) void this.handle({ type: "pause" });
      else this.startIdleWork();
    });
  }

  private setGoal(goal: Goal | undefined): void {
    const changed = goal !== this.goal;
    this.goal = goal;
    if (changed) this.emitState();
  }

  /** A phase in progress ends after the goal that it ran for is gone: until then the session is busy. */
  private emitState(): void {
    this.host.emit({ type: "state", playing: this.goal?.kind === "play", busy: this.goal !== undefined || this.pumping !== undefined });
  }

  /** Runs until the goal is reached. Never throws: what cannot be mended becomes an error event, and the run stands at its last whole step. */
  private async pump(): Promise<void> {
    while (this.goal) {
      try {
        await this.advance();
      } catch (error) {
        try {
          // A device is sometimes gone before it says so.
          await new Promise((resolve) => setTimeout(resolve, 50));
          if (this.engineLost) await this.recover("The GPU was lost.");
          else if (this.refuseGpu(error)) await this.recover(this.refusal!);
          else {
            this.fail(error);
            await this.rewind();
          }
        } catch (again) {
          this.fail(again);
        }
      }
    }
  }

  /** One phase. */
  private async advance(): Promise<void> {
    if (this.engineLost) await this.recover("The GPU was lost.");
    const run = this.run!;
    this.generator ??= run.next();
    const started = performance.now();
    const { value: record } = await this.generator.next();
    if (!record) throw new Error("a step ended early");
    // After an error that no call reports, the device's numbers cannot be trusted.
    if (this.engine!.errorCount() > 0) throw new EngineError(`The GPU reported an error: ${this.engine!.errorMessages()[0]}`);
    if (record.phase === "rollouts") this.millisecondsPerRow = (performance.now() - started) / Math.max(1, record.rollouts.length);
    const goal = this.goal;
    const complete = record.phase === "evaluation";
    this.updating = record.updates.length > 0 && !complete;
    this.shownPhases++;
    if (complete) {
      await this.generator.next();
      this.generator = undefined;
      this.shownPhases = 0;
      this.keepRecord(record);
      this.history.push(record.metrics!);
      if (goal?.kind === "steps" && --goal.left === 0) this.goal = undefined;
      await this.stepCompleted();
    }
    if (goal?.kind === "phase" || (goal?.kind === "preview" && record.phase === "verdicts")) this.goal = undefined;
    const now = performance.now();
    if (this.goal?.kind !== "play" || now - this.lastShown >= SHOW_EVERY) {
      this.lastShown = now;
      this.host.emit({ type: "phase", phase: record.phase, record });
    }
    if (complete) this.host.emit({ type: "step", step: record.step, metrics: record.metrics! });
    if (goal?.kind === "preview" && !this.goal) this.previewing = run.step === 0;
  }

  private keepRecord(record: StepRecord): void {
    this.records.set(record.step, record);
    this.records.delete(record.step - RECORDS_KEPT);
  }

  private async stepCompleted(): Promise<void> {
    const run = this.run!;
    const skipped = this.history.at(-1)!.updates_skipped ?? 0;
    if (skipped > 0)
      this.host.emit({
        type: "notice",
        message: `Step ${run.step}: ${skipped} update${skipped > 1 ? "s were" : " was"} skipped, because the gradient was not a finite number.`,
      });
    if (run.step % SNAPSHOT_EVERY === 0) this.snapshot = await run.snapshot();
    await this.store(async () => {
      await this.storeMetrics();
      if (run.step % SNAPSHOT_EVERY === 0 || run.step === 1) await this.saveRun();
    });
  }

  private async edit(path: string, value: number | boolean | string): Promise<void> {
    const run = this.run;
    if (!run) throw new Error("There is no run yet.");
    // After an error the run goes back to its last whole step; what is edited meanwhile holds from the step after that.
    if (!this.goal) await this.pumping;
    // The first answers are shown before anybody asked for a step: a knob turned now should show in them.
    const again = this.previewing && !this.goal;
    if (again) await this.rewind();
    let edit: Edit;
    try {
      edit = run.edit(path, value);
    } finally {
      if (again) await this.go({ kind: "preview" });
    }
    this.host.emit({ type: "edited", edit, settings: run.upcoming.recipe });
  }

  /** Forgets the step in progress, as if it had not begun. Only its updates change the policy, so mostly there is nothing to restore. */
  private async rewind(): Promise<void> {
    this.dropStep();
    const run = this.run;
    if (!run) return;
    const step = this.history.at(-1)?.step ?? 0;
    await this.restoreSnapshot(run);
    await this.replay(step, () => {});
  }

  private async restoreSnapshot(run: Run): Promise<void> {
    const { theta } = this.base!.base;
    const zeros = () => new Float32Array(theta.length);
    await run.restore(this.snapshot ?? { step: 0, state: { theta, m: zeros(), v: zeros(), updates: 0 } });
  }

  /** A new engine in place of one that is gone, brought to the phase that was shown. */
  private async recover(reason: string): Promise<void> {
    const old = this.run;
    this.host.emit({ type: "notice", message: `${reason} The run is brought back from its last snapshot…` });
    const { status } = await this.createEngine();
    if (!old) return;
    const phases = this.shownPhases;
    const snapshot = this.snapshot ? { snapshot: this.snapshot } : {};
    this.run = await this.openRun(old.setup, { edits: old.edits, ...snapshot });
    await this.replay(this.history.at(-1)?.step ?? 0, (fraction) =>
      this.host.emit({ type: "progress", what: "Bringing the run back", fraction }),
    );
    this.generator = this.run.next();
    for (let i = 0; i < phases; i++) await this.generator.next();
    if (phases === 0) this.generator = undefined;
    this.host.emit({ type: "notice", message: `The run goes on where it was, on ${status.label}.` });
  }

  // Keeping.

  /** Puts the run where a later visit finds it; mends a lost engine first. */
  private async keep(): Promise<void> {
    if (this.engineLost) await this.recover("The GPU was lost.");
    const run = this.run;
    if (!run || run.step === 0) return;
    if (!this.generator && this.snapshot?.step !== run.step) this.snapshot = await run.snapshot();
    await this.store(async () => {
      await this.storeMetrics();
      await this.saveRun();
    });
  }

  /** Stores what is not stored yet: the last step's, and those before it for which there was no room. */
  private async storeMetrics(): Promise<void> {
    for (const metrics of this.history.slice(this.stored)) {
      await this.host.store.appendMetrics(this.runId, metrics);
      this.stored++;
    }
  }

  private async saveRun(): Promise<void> {
    const { setup, edits, step } = this.run!;
    const stored: StoredRun = {
      id: this.runId,
      setup,
      edits: [...edits],
      plan: this.engine!.plan,
      steps: step,
      savedAt: Date.now(),
      ...(this.snapshot ? { snapshot: this.snapshot } : {}),
      ...(this.start ? { start: this.start } : {}),
    };
    await this.host.store.save(stored);
    this.host.emit({ type: "saved", run: keptRun(stored) });
  }

  /** Storage may be full or forbidden: said once, and the run goes on. */
  private async store(write: () => Promise<void>): Promise<void> {
    try {
      await write();
      this.storageFailed = false;
    } catch (error) {
      if (this.storageFailed) return;
      this.storageFailed = true;
      this.host.emit({
        type: "notice",
        message: `This run cannot be kept for a later visit (${storageProblem(error)}); it goes on all the same.`,
      });
    }
  }

  // pass@k, measured when nothing else is to do.

  private startIdleWork(): void {
    this.stopIdleWork();
    const run = this.run;
    if (!run || this.goal) return;
    const params = run.upcoming.recipe.slots.evaluation.params;
    const rows = (params.passAtKProblems as number) * (params.passAtKSamples as number);
    if (rows * this.millisecondsPerRow > IDLE_WORK || (this.start && this.evaluatedAt === run.step)) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      this.queue = this.queue.then(() => this.measure(run, abort.signal)).catch(() => {});
    }, IDLE);
    this.idle = { timer, abort };
  }

  private stopIdleWork(): void {
    if (!this.idle) return;
    clearTimeout(this.idle.timer);
    this.idle.abort.abort();
    this.idle = undefined;
  }

  private async measure(run: Run, signal: AbortSignal): Promise<void> {
    const current = () => !signal.aborted && run === this.run;
    if (current() && !this.start) {
      const start = await run.evaluate("base", undefined, signal);
      if (!current()) return;
      this.start = start;
      this.host.emit({ type: "evaluated", step: 0, evaluation: start });
    }
    // In the middle of a step's updates the policy is neither the old one nor the new.
    const last = this.history.at(-1);
    if (!current() || !last || this.updating || this.evaluatedAt === run.step) return;
    const evaluation = await run.evaluate("policy", undefined, signal);
    if (!current()) return;
    this.evaluatedAt = run.step;
    this.host.emit({ type: "evaluated", step: run.step, evaluation });
    this.history[this.history.length - 1] = { ...last, ...evaluationMetrics(evaluation) };
    await this.store(async () => {
      await this.host.store.appendMetrics(this.runId, this.history.at(-1)!);
      await this.saveRun();
    });
  }
}

function keptRun(run: StoredRun): KeptRun {
  const { recipe, policy, seed } = run.setup;
  return { id: run.id, policy, task: recipe.slots.task.plugin, recipe: recipe.name, seed, steps: run.steps, savedAt: run.savedAt };
}

/** Why nothing can be stored; browsers say it in many ways, or not at all. */
function storageProblem(error: unknown): string {
  if (error instanceof Error && error.name === "QuotaExceededError") return "this browser's storage for the page is full";
  return sentence(error) || "this browser's storage failed";
}

/** An error as one sentence for a person. */
function sentence(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0] : String(error);
}
