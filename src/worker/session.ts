import { evaluationMetrics } from "../loop/metrics.ts";
import type { EvaluationRecord, Metrics, StepRecord } from "../loop/record.ts";
import { type Base, type Edit, Run, type RunOptions, type RunSetup, setupAt } from "../loop/run.ts";
import { type Engine, EngineError } from "../policy/engine.ts";
import type { Change } from "../recipes/changes.ts";
import { checkResolved } from "../recipes/recipe.ts";
import { checkWeights, readRunFile, SNAPSHOT_EVERY } from "../storage/run-file.ts";
import type { Parent, RunStore, StoredRun } from "../storage/run-store.ts";
import { RunHistory } from "./history.ts";
import { Keeper, sentence } from "./keeper.ts";
import { LookBack, Turns } from "./look-back.ts";
import type { Command, EngineStatus, Event, ExportKind } from "./protocol.ts";
import { fileOf } from "./run-files.ts";

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

/** The longest pause of slow motion (milliseconds). */
const LONGEST_PAUSE = 60_000;
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
  private name: string | undefined;
  private parent: Parent | undefined;
  private start: EvaluationRecord | undefined;
  private metrics: Metrics[] = [];
  private history = new RunHistory();
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
  /** Slow motion's pause, and what ends it early. */
  private pause = 0;
  private endPause: (() => void) | undefined;
  private readonly keeper: Keeper;
  private readonly turns = new Turns();
  private readonly lookBack: LookBack;
  /** The fork that is being made. */
  private forking: AbortController | undefined;
  private queue: Promise<void> = Promise.resolve();
  private idle: { timer: ReturnType<typeof setTimeout>; abort: AbortController } | undefined;
  private evaluatedAt = -1;
  private millisecondsPerRow = 0;

  constructor(host: SessionHost) {
    this.host = host;
    this.keeper = new Keeper(host.store, (event) => host.emit(event));
    this.lookBack = new LookBack({
      subject: () => this.run && { run: this.run, history: this.history, metrics: this.metrics },
      openAt: (run, snapshot) =>
        Run.open(this.engine!, run.setup, this.base!.base, { edits: run.edits, inspect: true, ...(snapshot ? { snapshot } : {}) }),
      turns: this.turns,
      isLost: () => this.engineLost,
      emit: (event) => host.emit(event),
      onEnd: () => {
        this.tellMemory();
        if (!this.goal) this.startIdleWork();
      },
    });
  }

  /** Handles a command after those before it. Never throws: failures become events. */
  handle(command: Command): Promise<void> {
    this.stopIdleWork();
    // Pausing, and giving up, must not wait behind the work that they end.
    if (command.type === "pause") this.setGoal(undefined);
    if (command.type === "cancel") this.cancel();
    if (command.type === "pace") this.setPause(command.pause);
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
        return this.begin(command.setup, command.edits);
      case "resume":
        return this.resume(command.runId);
      case "forget":
        await this.keeper.forget(command.runId);
        // If it is the run at hand that is forgotten, all of it is to be stored when it goes on.
        if (command.runId === this.runId) this.keeper.adopt(0);
        return this.tellKept();
      case "rename":
        if (command.runId === this.runId) this.name = command.name;
        await this.keeper.rename(command.runId, command.name);
        return this.tellKept();
      case "fork":
        return this.fork(command.step, command.changes, command.name);
      case "export":
        return this.export(command.runId, command.what);
      case "import":
        return this.import(command.text);
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
        return this.lookBack.ask(command.step);
      case "sample":
        return this.sample(command.problem, command.samples);
      case "cancel":
      case "pace":
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
    const keptRuns = await this.keeper.list().catch(() => []);
    this.host.emit({ type: "ready", engine: status, keptRuns });
  }

  private async tellKept(): Promise<void> {
    this.host.emit({ type: "kept", keptRuns: await this.keeper.list() });
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

  private async begin(setup: RunSetup, edits: readonly Edit[] = []): Promise<void> {
    // One that does not fit must not end the run in progress.
    setupAt(setup, edits, Number.POSITIVE_INFINITY);
    await this.halt();
    const run = await this.inItsPlace(() => this.openRun(setup, { edits }));
    this.adopt(run, { id: crypto.randomUUID() });
    await this.show();
  }

  private async resume(id: string): Promise<void> {
    const { run: stored, metrics } = await this.keeper.load(id);
    const { edits, snapshot, name, parent, start } = stored;
    // It may have been kept by another version of this page.
    const setup = { ...stored.setup, recipe: checkResolved(stored.setup.recipe) };
    setupAt(setup, edits, Number.POSITIVE_INFINITY);
    await this.halt();
    const run = await this.inItsPlace(() => this.openRun(setup, { edits, ...(snapshot ? { snapshot } : {}) }));
    const history = new RunHistory();
    if (snapshot) history.addSnapshot(snapshot);
    this.adopt(run, { id, name, parent, start, metrics, history });
    this.keeper.adopt(metrics.length);
    if (JSON.stringify(stored.plan) !== JSON.stringify(this.engine!.plan)) {
      this.host.emit({
        type: "notice",
        message: "The run goes on with another engine than before: from here on its numbers may differ in the last digits.",
      });
    }
    await this.replay(metrics.at(-1)?.step ?? 0, (fraction) =>
      this.host.emit({ type: "progress", what: "Bringing the run back", fraction }),
    );
    await this.show();
  }

  /** Branches off after `step`: the same weights, the same seed, the edits until then, and the changes from the next step on. */
  private async fork(step: number, changes: readonly Change[], name: string): Promise<void> {
    const parent = this.run;
    if (!parent) throw new Error("There is no run yet.");
    if (!Number.isInteger(step) || step < 0 || step > parent.step) throw new Error(`There is no step ${step} to fork from.`);
    const { setup } = parent;
    const edits = [
      ...parent.edits.filter((edit) => edit.step <= step),
      ...changes.map(([path, value]) => ({ step: step + 1, path, value })),
    ];
    setupAt(setup, edits, step + 1);
    await this.halt();
    const metrics = this.metrics.filter((line) => line.step <= step);
    const history = this.history.upTo(step);
    const snapshot = history.nearest(step);
    const from: Parent = { id: this.runId, name: this.name ?? setup.recipe.name, step };
    this.forking = new AbortController();
    const { signal } = this.forking;
    const run = await this.inItsPlace(async () => {
      const opened = await this.openRun(setup, { edits, ...(snapshot ? { snapshot } : {}) });
      try {
        await runTo(
          opened,
          step,
          (record) => history.addRecord(record),
          (fraction) => {
            this.host.emit({ type: "progress", what: `Computing the weights after step ${step}`, fraction });
            if (signal.aborted) throw new Error("The run was not forked.");
          },
        );
        if (step > 0 && !history.hasSnapshot(step)) history.addSnapshot(await opened.snapshot(), true);
        return opened;
      } catch (error) {
        opened.dispose();
        throw error;
      }
    }).finally(() => {
      this.forking = undefined;
    });
    this.adopt(run, { id: crypto.randomUUID(), name, parent: from, start: this.start, metrics, history });
    await this.keep();
    await this.show();
  }

  /** Opens what is to take the run's place. If that fails the run stays, at its last whole step. */
  private async inItsPlace(open: () => Promise<Run>): Promise<Run> {
    try {
      return await open();
    } catch (error) {
      if (this.updating) await this.rewind();
      throw error;
    }
  }

  private adopt(run: Run, facts: Adopted): void {
    this.run?.dispose();
    this.run = run;
    this.runId = facts.id;
    this.name = facts.name;
    this.parent = facts.parent;
    this.start = facts.start;
    this.metrics = facts.metrics ?? [];
    this.history = facts.history ?? new RunHistory();
    this.keeper.adopt(0);
    this.dropStep();
    this.evaluatedAt = -1;
  }

  /** Tells the page of the run that it now has, and shows the first answers of its next step. */
  private async show(): Promise<void> {
    const { setup, edits, step } = this.run!;
    this.host.emit({
      type: "started",
      runId: this.runId,
      ...(this.name === undefined ? {} : { name: this.name }),
      ...(this.parent ? { parent: this.parent } : {}),
      setup,
      edits: [...edits],
      step,
      history: this.metrics,
      records: this.history.keptRecords.map((record) => record.step),
      ...(this.start ? { start: this.start } : {}),
    });
    this.tellMemory();
    await this.go({ kind: "preview" });
    await this.pumping;
  }

  private tellMemory(): void {
    this.host.emit({ type: "memory", memory: { step: this.run?.step ?? 0, ...this.history.memory() } });
  }

  /** Stops where the loop stands, and drops the step in progress. */
  private async halt(): Promise<void> {
    this.setGoal(undefined);
    await this.lookBack.end();
    await this.pumping;
    await this.keep();
    this.generator = undefined;
    this.shownPhases = 0;
  }

  private dropStep(): void {
    this.generator = undefined;
    this.shownPhases = 0;
    this.updating = false;
  }

  /** Runs whole steps, unseen but for their records, until `step` are complete. */
  private async replay(step: number, onProgress: (fraction: number) => void): Promise<void> {
    await runTo(this.run!, step, (record) => this.history.addRecord(record), onProgress);
  }

  private cancel(): void {
    this.lookBack.cancel();
    this.forking?.abort();
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
    this.endPause?.();
    if (changed) this.emitState();
  }

  private setPause(pause: number): void {
    this.pause = Number.isFinite(pause) ? Math.min(Math.max(0, pause), LONGEST_PAUSE) : 0;
    this.endPause?.();
  }

  /** Slow motion: stands still between phases while the run goes on by itself. */
  private async rest(): Promise<void> {
    if (this.pause === 0 || !this.goal || this.goal.kind === "preview") return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.pause);
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.endPause = undefined;
  }

  /** A phase in progress ends after the goal that it ran for is gone: until then the session is busy. */
  private emitState(): void {
    this.host.emit({ type: "state", playing: this.goal?.kind === "play", busy: this.goal !== undefined || this.pumping !== undefined });
  }

  /** Runs until the goal is reached. Never throws: what cannot be mended becomes an error event, and the run stands at its last whole step. */
  private async pump(): Promise<void> {
    while (this.goal) {
      try {
        await this.turns.take(() => this.advance());
        await this.rest();
      } catch (error) {
        try {
          // A device is sometimes gone before it says so.
          await new Promise((resolve) => setTimeout(resolve, 50));
          if (this.engineLost) await this.turns.take(() => this.recover("The GPU was lost."));
          else if (this.refuseGpu(error)) await this.turns.take(() => this.recover(this.refusal!));
          else {
            this.fail(error);
            await this.turns.take(() => this.rewind());
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
      this.history.addRecord(record);
      this.metrics.push(record.metrics!);
      if (goal?.kind === "steps" && --goal.left === 0) this.goal = undefined;
      await this.stepCompleted();
    }
    if (goal?.kind === "phase" || (goal?.kind === "preview" && record.phase === "verdicts")) this.goal = undefined;
    const now = performance.now();
    if (this.goal?.kind !== "play" || this.pause > 0 || now - this.lastShown >= SHOW_EVERY) {
      this.lastShown = now;
      this.host.emit({ type: "phase", phase: record.phase, record });
    }
    if (complete) this.host.emit({ type: "step", step: record.step, metrics: record.metrics! });
    if (goal?.kind === "preview" && !this.goal) this.previewing = true;
  }

  private async stepCompleted(): Promise<void> {
    const run = this.run!;
    const skipped = this.metrics.at(-1)!.updates_skipped ?? 0;
    if (skipped > 0)
      this.host.emit({
        type: "notice",
        message: `Step ${run.step}: ${skipped} update${skipped > 1 ? "s were" : " was"} skipped, because the gradient was not a finite number.`,
      });
    const due = run.step % SNAPSHOT_EVERY === 0;
    const edited = run.edits.some((edit) => edit.step === run.step + 1);
    if (due || edited) {
      this.history.addSnapshot(await run.snapshot(), edited);
      this.tellMemory();
    }
    await this.keeper.keep(this.runId, this.metrics, due || run.step === 1 ? () => this.stored() : undefined);
  }

  private async edit(path: string, value: number | boolean | string): Promise<void> {
    const run = this.run;
    if (!run) throw new Error("There is no run yet.");
    // After an error the run goes back to its last whole step; what is edited meanwhile holds from the step after that.
    if (!this.goal) await this.pumping;
    // The first answers are shown before anybody asked for a step: a knob turned now should show in them.
    const again = this.previewing && !this.goal;
    if (again) {
      this.dropStep();
      run.abandon();
    }
    let edit: Edit;
    try {
      edit = run.edit(path, value);
    } finally {
      if (again) await this.go({ kind: "preview" });
    }
    this.host.emit({ type: "edited", edit, settings: run.upcoming.recipe });
    // Between steps the weights that the edit is felt by are here now; otherwise the step's end takes the snapshot.
    if (!this.goal && !this.generator && run.step > 0 && edit.step === run.step + 1 && !this.history.hasSnapshot(run.step)) {
      this.history.addSnapshot(await this.turns.take(() => run.snapshot()), true);
      this.tellMemory();
    }
  }

  /** Forgets the step in progress, as if it had not begun. Only its updates change the policy, so mostly there is nothing to restore. */
  private async rewind(): Promise<void> {
    this.dropStep();
    const run = this.run;
    if (!run) return;
    const step = this.metrics.at(-1)?.step ?? 0;
    await this.restoreSnapshot(run);
    await this.replay(step, () => {});
  }

  private async restoreSnapshot(run: Run): Promise<void> {
    const { theta } = this.base!.base;
    const zeros = () => new Float32Array(theta.length);
    await run.restore(this.history.nearest() ?? { step: 0, state: { theta, m: zeros(), v: zeros(), updates: 0 } });
  }

  /** A new engine in place of one that is gone, brought to the phase that was shown. */
  private async recover(reason: string): Promise<void> {
    const old = this.run;
    this.host.emit({ type: "notice", message: `${reason} The run is brought back from its last snapshot…` });
    const { status } = await this.createEngine();
    if (!old) return;
    const phases = this.shownPhases;
    const snapshot = this.history.nearest();
    this.run = await this.openRun(old.setup, { edits: old.edits, ...(snapshot ? { snapshot } : {}) });
    await this.replay(this.metrics.at(-1)?.step ?? 0, (fraction) =>
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
    if (this.engineLost) await this.turns.take(() => this.recover("The GPU was lost."));
    const run = this.run;
    if (!run || run.step === 0) return;
    if (!this.generator && !this.history.hasSnapshot(run.step)) this.history.addSnapshot(await this.turns.take(() => run.snapshot()));
    await this.keeper.keep(this.runId, this.metrics, () => this.stored());
    this.tellMemory();
  }

  /** The run at hand as it is kept. */
  private stored(): StoredRun {
    const { setup, edits, step } = this.run!;
    const snapshot = this.history.nearest();
    const passAt1 = this.metrics.findLast((metrics) => "pass@1" in metrics)?.["pass@1"];
    return {
      id: this.runId,
      setup,
      edits: [...edits],
      plan: this.engine!.plan,
      steps: step,
      savedAt: Date.now(),
      ...(this.name === undefined ? {} : { name: this.name }),
      ...(this.parent ? { parent: this.parent } : {}),
      ...(snapshot ? { snapshot } : {}),
      ...(this.start ? { start: this.start } : {}),
      ...(passAt1 === undefined ? {} : { passAt1 }),
    };
  }

  // Files.

  private async export(id: string, what: ExportKind): Promise<void> {
    const here = id === this.runId && this.run !== undefined;
    const { run, metrics } = here ? { run: this.stored(), metrics: this.metrics } : await this.keeper.load(id);
    const records = here ? this.history.keptRecords : undefined;
    this.host.emit({ type: "exported", ...(await fileOf({ run, metrics }, what, records, this.engine?.label ?? "")) });
  }

  private async import(text: string): Promise<void> {
    const { run, metrics } = readRunFile(text, crypto.randomUUID());
    // Of another policy than the run's, whose weights are loaded for the check alone.
    const { theta } = this.base?.policy === run.setup.policy ? this.base.base : await this.host.loadBase(run.setup.policy);
    checkWeights(run, theta.length);
    const kept = await this.keeper.add(run, metrics);
    this.host.emit({ type: "imported", run: kept });
    await this.tellKept();
  }

  /** Answers to one held-out problem, drawn between two phases if the run goes on. */
  private async sample(problem: number, samples: number): Promise<void> {
    const run = this.run;
    if (!run) throw new Error("There is no run yet.");
    const onProgress = (fraction: number) =>
      this.host.emit({ type: "progress", what: `Drawing ${samples} answers before and now`, fraction });
    const answers = await this.turns.take(() => run.answers(problem, samples, onProgress));
    if (run === this.run) this.host.emit({ type: "sampled", step: run.step, updating: this.updating, answers });
  }

  // pass@k, measured when nothing else is to do.

  private startIdleWork(): void {
    this.stopIdleWork();
    const run = this.run;
    if (!run || this.goal || this.lookBack.busy) return;
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
    const last = this.metrics.at(-1);
    if (!current() || !last || this.updating || this.evaluatedAt === run.step) return;
    const evaluation = await run.evaluate("policy", undefined, signal);
    if (!current()) return;
    this.evaluatedAt = run.step;
    this.host.emit({ type: "evaluated", step: run.step, evaluation });
    this.metrics[this.metrics.length - 1] = { ...last, ...evaluationMetrics(evaluation) };
    this.keeper.revise();
    await this.keeper.keep(this.runId, this.metrics, () => this.stored());
  }
}

/** Who a run is, besides itself. */
interface Adopted {
  readonly id: string;
  readonly name?: string | undefined;
  readonly parent?: Parent | undefined;
  readonly start?: EvaluationRecord | undefined;
  readonly metrics?: Metrics[];
  readonly history?: RunHistory;
}

/** Runs whole steps until `step` are complete. */
async function runTo(run: Run, step: number, keep: (record: StepRecord) => void, onProgress: (fraction: number) => void): Promise<void> {
  const from = run.step;
  while (run.step < step) {
    onProgress((run.step - from) / (step - from));
    let last: StepRecord | undefined;
    for await (const record of run.next()) last = record;
    if (last) keep(last);
  }
}
