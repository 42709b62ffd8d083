import { type Edit, type RunSetup, setupAt } from "../loop/run.ts";
import type { Change } from "../recipes/changes.ts";
import { checkResolved } from "../recipes/recipe.ts";
import type { Parent } from "../storage/run-store.ts";
import type { Driver } from "./driver.ts";
import { RunHistory } from "./history.ts";
import type { Keeper } from "./keeper.ts";
import type { LookBack } from "./look-back.ts";
import type { Machine } from "./machine.ts";
import { type OnScreen, runTo, startedEvent } from "./on-screen.ts";
import type { Event } from "./protocol.ts";

interface Surroundings {
  readonly machine: Machine;
  readonly keeper: Keeper;
  readonly driver: Driver;
  readonly lookBack: LookBack;
  emit(event: Event): void;
}

/** The ways in which a run comes on screen: from the beginning, from those that are kept, and as a branch of the one that is there. */
export class Arrivals {
  private readonly around: Surroundings;
  /** The fork that is being made. */
  private forking: AbortController | undefined;

  constructor(around: Surroundings) {
    this.around = around;
  }

  /** Gives up what is being brought here. */
  cancel(): void {
    this.forking?.abort();
  }

  /** From the policy's shipped weights. @throws RecipeError if the setup cannot run; the run on screen stays then. */
  async begin(setup: RunSetup, edits: readonly Edit[] = []): Promise<void> {
    const { machine, driver } = this.around;
    setupAt(setup, edits, Number.POSITIVE_INFINITY);
    await this.halt();
    const run = await driver.inItsPlace(() => machine.openRun(setup, { edits }));
    driver.adopt({ id: crypto.randomUUID(), run, metrics: [], history: new RunHistory() });
    await this.show();
  }

  /** One that was kept, at its end. @throws Error with one sentence if it is gone or cannot run. */
  async resume(id: string): Promise<void> {
    const { machine, keeper, driver, emit } = this.around;
    const { run: stored, metrics } = await keeper.load(id);
    const { edits, snapshot, name, parent, start } = stored;
    // It may have been kept by another version of this page.
    const setup = { ...stored.setup, recipe: checkResolved(stored.setup.recipe) };
    setupAt(setup, edits, Number.POSITIVE_INFINITY);
    await this.halt();
    const run = await driver.inItsPlace(() => machine.openRun(setup, { edits, ...(snapshot ? { snapshot } : {}) }));
    const history = new RunHistory();
    if (snapshot) history.addSnapshot(snapshot);
    const resumed: OnScreen = { id, run, name, parent, start, metrics, history };
    driver.adopt(resumed, metrics.length);
    if (JSON.stringify(stored.plan) !== JSON.stringify(machine.engine.plan)) {
      emit({
        type: "notice",
        message: "The run goes on with another engine than before: from here on its numbers may differ in the last digits.",
      });
    }
    await driver.replay(resumed);
    await this.show();
  }

  /** Branches off after `step`: the same weights, the same seed, the edits until then, and the changes from the next step on. */
  async fork(step: number, changes: readonly Change[], name: string): Promise<void> {
    const { machine, driver, emit } = this.around;
    const { id, run: parent, name: parentName, start, metrics: all, history: whole } = driver.needed;
    if (!Number.isInteger(step) || step < 0 || step > parent.step) throw new Error(`There is no step ${step} to fork from.`);
    const { setup } = parent;
    const edits = [
      ...parent.edits.filter((edit) => edit.step <= step),
      ...changes.map(([path, value]) => ({ step: step + 1, path, value })),
    ];
    setupAt(setup, edits, step + 1);
    await this.halt();
    const metrics = all.filter((line) => line.step <= step);
    const history = whole.upTo(step);
    const snapshot = history.nearest(step);
    const from: Parent = { id, name: parentName ?? setup.recipe.name, step };
    this.forking = new AbortController();
    const { signal } = this.forking;
    const run = await driver
      .inItsPlace(async () => {
        const opened = await machine.openRun(setup, { edits, ...(snapshot ? { snapshot } : {}) });
        try {
          await runTo(
            opened,
            step,
            (record) => history.addRecord(record),
            (fraction) => {
              emit({ type: "progress", what: `Computing the weights after step ${step}`, fraction });
              if (signal.aborted) throw new Error("The run was not forked.");
            },
          );
          if (step > 0 && !history.hasSnapshot(step)) history.addSnapshot(await opened.snapshot(), true);
          return opened;
        } catch (error) {
          opened.dispose();
          throw error;
        }
      })
      .finally(() => {
        this.forking = undefined;
      });
    driver.adopt({ id: crypto.randomUUID(), run, name, parent: from, start, metrics, history });
    await driver.keep();
    await this.show();
  }

  private async halt(): Promise<void> {
    const { driver, lookBack } = this.around;
    driver.stop();
    await lookBack.end();
    await driver.halt();
  }

  /** Tells the page of the run that it now has, and shows the first answers of its next step. */
  private async show(): Promise<void> {
    const { driver, emit } = this.around;
    emit(startedEvent(driver.needed));
    driver.tellMemory();
    await driver.preview();
  }
}
