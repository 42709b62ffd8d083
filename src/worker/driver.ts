import type { Metrics, StepRecord } from "../loop/record.ts";
import type { Edit, Run } from "../loop/run.ts";
import { EngineError } from "../policy/engine.ts";
import { SNAPSHOT_EVERY } from "../storage/run-file.ts";
import type { Keeper } from "./keeper.ts";
import type { Machine } from "./machine.ts";
import { type OnScreen, runTo, storedRun } from "./on-screen.ts";
import { Pace } from "./pace.ts";
import type { Event } from "./protocol.ts";
import type { Turns } from "./turns.ts";

/** How far the run is to go before it stands still. */
export type Goal =
  | { readonly kind: "play" }
  | { readonly kind: "phase" }
  | { readonly kind: "steps"; left: number }
  | { readonly kind: "preview" };

/** While playing, records are shown at most this often (milliseconds); metrics always arrive. */
const SHOW_EVERY = 80;
/** The same for records whose numbers would have to be brought from the engine, which then stands still. */
const BRING_EVERY = 500;

interface Surroundings {
  readonly machine: Machine;
  readonly keeper: Keeper;
  readonly turns: Turns;
  emit(event: Event): void;
  /** Stops the run, and says what went wrong. */
  fail(error: unknown): void;
  /** The run has come to rest. */
  onRest(): void;
}

/**
 * Drives the run on screen phase by phase to where it is to go, takes its snapshots and has it kept. If the device is lost, a new engine
 * recomputes from the last snapshot to the very phase that was shown: the loop is deterministic, so nothing shown changes. If the GPU fails
 * otherwise, as when it has too little memory, the portable engine does the same in its place.
 */
export class Driver {
  private readonly around: Surroundings;
  private readonly pace = new Pace();
  private onScreen: OnScreen | undefined;
  private goal: Goal | undefined;
  private pumping: Promise<void> | undefined;
  private generator: AsyncGenerator<StepRecord, void> | undefined;
  /** Phases of the step in progress that were shown. */
  private shownPhases = 0;
  /** True while step 1 shows its first answers and nothing else has been asked for. */
  private previewing = false;
  private betweenUpdates = false;
  private lastShown = 0;
  private rowTime = 0;

  constructor(around: Surroundings) {
    this.around = around;
  }

  get current(): OnScreen | undefined {
    return this.onScreen;
  }

  /** @throws Error with one sentence if there is none. */
  get needed(): OnScreen {
    if (!this.onScreen) throw new Error("There is no run yet.");
    return this.onScreen;
  }

  /** It is to go on. */
  get going(): boolean {
    return this.goal !== undefined;
  }

  /** It computes. A phase in progress ends after the goal that it ran for is gone. */
  get busy(): boolean {
    return this.pumping !== undefined;
  }

  /** From a step's first update to its end: the policy is neither the old one nor the new. */
  get updating(): boolean {
    return this.betweenUpdates;
  }

  /** What a rollout took when the last ones were drawn. */
  get millisecondsPerRow(): number {
    return this.rowTime;
  }

  // Transport.

  async go(goal: Goal): Promise<void> {
    void this.needed;
    if (goal.kind !== "preview") this.previewing = false;
    if (goal.kind !== "play") {
      this.stop();
      await this.pumping;
    }
    this.setGoal(goal);
    this.startPump();
  }

  /** Stands still after the phase in progress. */
  stop(): void {
    this.setGoal(undefined);
  }

  /** Stands still, and is kept. */
  async pause(): Promise<void> {
    this.stop();
    await this.pumping;
    this.emitState();
    await this.keep();
  }

  /** Shows the first answers of the next step. */
  async preview(): Promise<void> {
    await this.go({ kind: "preview" });
    await this.pumping;
  }

  /**
   * Another run takes the place of the one on screen, which is stopped and kept. If `open` fails the run stays where it stood.
   * @param stored how many of the other's steps are stored
   */
  async replace(open: () => Promise<OnScreen>, stored = 0): Promise<OnScreen> {
    this.stop();
    await this.pumping;
    await this.keep();
    const [phases, updated] = [this.shownPhases, this.betweenUpdates];
    this.generator = undefined;
    const next = await open().catch(async (error) => {
      await this.comeBack(phases, updated);
      throw error;
    });
    this.onScreen?.run.dispose();
    this.onScreen = next;
    this.around.keeper.adopt(stored);
    this.dropStep();
    return next;
  }

  /** Slow motion: the pause after each phase, in milliseconds. */
  setPace(pause: number): void {
    this.pace.set(pause);
  }

  private setGoal(goal: Goal | undefined): void {
    const changed = goal !== this.goal;
    this.goal = goal;
    this.pace.wake();
    if (changed) this.emitState();
  }

  private emitState(): void {
    this.around.emit({ type: "state", playing: this.goal?.kind === "play", busy: this.going || this.busy });
  }

  tellMemory(): void {
    const { emit } = this.around;
    emit({ type: "memory", memory: { step: this.onScreen?.run.step ?? 0, ...this.needed.history.memory() } });
  }

  // The loop.

  private startPump(): void {
    this.pumping ??= this.pump().finally(() => {
      this.pumping = undefined;
      // A new goal, or the loss of the device, may arrive in the moment in which the pump runs out.
      if (this.goal) {
        this.startPump();
        return;
      }
      this.emitState();
      if (this.onScreen) this.tellMemory();
      this.around.onRest();
    });
  }

  /** Runs until the goal is reached. Never throws: what cannot be mended becomes an error event, and the run stands at its last whole step. */
  private async pump(): Promise<void> {
    const { machine, turns, fail } = this.around;
    while (this.goal) {
      try {
        await turns.take(() => this.advance());
        if (this.goal && this.goal.kind !== "preview") await this.pace.rest();
      } catch (error) {
        try {
          // A device is sometimes gone before it says so.
          await new Promise((resolve) => setTimeout(resolve, 50));
          if (machine.lost) await turns.take(() => this.recover(LOST));
          else if (machine.refuseGpu(error)) await turns.take(() => this.recover(machine.refusal!));
          else {
            fail(error);
            await turns.take(() => this.rewind());
          }
        } catch (again) {
          fail(again);
        }
      }
    }
  }

  /** One phase. */
  private async advance(): Promise<void> {
    const { machine, emit } = this.around;
    if (machine.lost) await this.recover(LOST);
    const { run, history, metrics } = this.needed;
    this.generator ??= run.next({ lazy: true, goesOn: () => this.goesOn() });
    const started = performance.now();
    const { drawnAhead } = run;
    const { value: record } = await this.generator.next();
    if (!record) throw new Error("a step ended early");
    // After an error that no call reports, the device's numbers cannot be trusted.
    if (machine.engine.errorCount() > 0) throw new EngineError(`The GPU reported an error: ${machine.engine.errorMessages()[0]}`);
    if (record.phase === "rollouts" && !drawnAhead) this.rowTime = (performance.now() - started) / Math.max(1, record.rollouts.length);
    const goal = this.goal;
    const complete = record.phase === "evaluation";
    this.betweenUpdates = record.phase === "update" && record.rollouts.length > 0;
    this.shownPhases++;
    if (complete) {
      await this.generator.next();
      this.generator = undefined;
      this.shownPhases = 0;
      history.addRecord(record);
      metrics.push(record.metrics!);
      if (goal?.kind === "steps" && --goal.left === 0) this.goal = undefined;
      await this.stepCompleted(record.metrics!);
    }
    if (goal?.kind === "phase" || (goal?.kind === "preview" && record.phase === "verdicts")) this.goal = undefined;
    const now = performance.now();
    if (this.goal?.kind !== "play" || this.pace.slow || now - this.lastShown >= (run.unfinished ? BRING_EVERY : SHOW_EVERY)) {
      await run.bring();
      this.lastShown = now;
      emit({ type: "phase", phase: record.phase, record });
    }
    if (complete) emit({ type: "step", step: record.step, metrics: record.metrics! });
    if (goal?.kind === "preview" && !this.goal) this.previewing = true;
  }

  /** Another step follows the one in progress, as far as one can tell. */
  private goesOn(): boolean {
    const { goal } = this;
    return !this.pace.slow && (goal?.kind === "play" || (goal?.kind === "steps" && goal.left > 1));
  }

  private async stepCompleted({ updates_skipped: skipped = 0 }: Metrics): Promise<void> {
    const { emit, keeper, machine } = this.around;
    const current = this.needed;
    const { run, history } = current;
    if (skipped > 0)
      emit({
        type: "notice",
        message: `Step ${run.step}: ${skipped} update${skipped > 1 ? "s were" : " was"} skipped, because the gradient was not a finite number.`,
      });
    const due = run.step % SNAPSHOT_EVERY === 0;
    const edited = run.edits.some((edit) => edit.step === run.step + 1);
    if (due || edited) {
      history.addSnapshot(await run.snapshot(), edited);
      this.tellMemory();
    }
    await keeper.keep(current.id, current.metrics, due || run.step === 1 ? () => storedRun(current, machine.engine.plan) : undefined);
  }

  /** Turns a knob: felt from the next step to begin. @throws RecipeError if it cannot be turned so. */
  async edit(path: string, value: number | boolean | string): Promise<void> {
    const { emit, turns } = this.around;
    const { run, history } = this.needed;
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
    emit({ type: "edited", edit, settings: run.upcoming.recipe });
    // Between steps the weights that the edit is felt by are here now; otherwise the step's end takes the snapshot.
    if (!this.goal && !this.generator && run.step > 0 && edit.step === run.step + 1 && !history.hasSnapshot(run.step)) {
      history.addSnapshot(await turns.take(() => run.snapshot()), true);
      this.tellMemory();
    }
  }

  // Bringing back, and keeping.

  private dropStep(): void {
    this.generator = undefined;
    this.shownPhases = 0;
    this.betweenUpdates = false;
  }

  /** After `phases` of its step the run was left for another, which did not come. */
  private async comeBack(phases: number, updated: boolean): Promise<void> {
    const { machine } = this.around;
    if (!this.onScreen || machine.lost) return;
    if (this.onScreen.run.engine !== machine.engine) return this.recover(machine.refusal ?? LOST);
    if (updated) await this.rewind();
    await this.goThrough(phases);
  }

  /** The first phases of the next step, unseen. */
  private async goThrough(phases: number): Promise<void> {
    this.shownPhases = phases;
    this.generator = phases > 0 ? this.needed.run.next() : undefined;
    for (let i = 0; i < phases; i++) {
      const { value: record } = await this.generator!.next();
      this.betweenUpdates = (record?.updates.length ?? 0) > 0;
    }
  }

  /** Forgets the step in progress, as if it had not begun. Only its updates change the policy, so mostly there is nothing to restore. */
  private async rewind(): Promise<void> {
    this.dropStep();
    const current = this.onScreen;
    if (!current) return;
    await this.restoreSnapshot(current);
    await this.replay(current, () => {});
  }

  private async restoreSnapshot({ run, history }: OnScreen): Promise<void> {
    const { theta } = await this.around.machine.baseOf(run.setup.policy);
    const zeros = () => new Float32Array(theta.length);
    await run.restore(history.nearest() ?? { step: 0, state: { theta, m: zeros(), v: zeros(), updates: 0 } });
  }

  /** Computes the steps between the snapshot that the run was opened at and where it stood. */
  private replay({ run, history, metrics }: OnScreen, onProgress: (fraction: number) => void): Promise<void> {
    return runTo(run, metrics.at(-1)?.step ?? 0, (record) => history.addRecord(record), onProgress);
  }

  /** A new engine in place of one that is gone, brought to the phase that was shown. */
  private async recover(reason: string): Promise<void> {
    const { machine, emit } = this.around;
    const current = this.onScreen;
    emit({ type: "notice", message: `${reason} The run is brought back from its last snapshot…` });
    const { label } = await machine.renew();
    if (!current) return;
    const phases = this.shownPhases;
    const { setup, edits }: Run = current.run;
    const snapshot = current.history.nearest();
    current.run = await machine.openRun(setup, { edits, ...(snapshot ? { snapshot } : {}) });
    await this.replay(current, (fraction) => emit({ type: "progress", what: "Bringing the run back", fraction }));
    await this.goThrough(phases);
    emit({ type: "notice", message: `The run goes on where it was, on ${label}.` });
  }

  /** Puts the run where a later visit finds it; mends a lost engine first. */
  async keep(): Promise<void> {
    const { machine, keeper, turns } = this.around;
    if (machine.lost) await turns.take(() => this.recover(LOST));
    const current = this.onScreen;
    if (!current || current.run.step === 0) return;
    const { run, history } = current;
    if (!this.generator && !history.hasSnapshot(run.step)) history.addSnapshot(await turns.take(() => run.snapshot()));
    await keeper.keep(current.id, current.metrics, () => storedRun(current, machine.engine.plan));
    this.tellMemory();
  }
}

const LOST = "The GPU was lost.";
