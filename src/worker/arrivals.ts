import { RecipeError } from "../algorithm/plugin.ts";
import { type Edit, type Run, type RunSetup, setupAt } from "../loop/run.ts";
import type { Change } from "../recipes/changes.ts";
import { checkFits } from "../recipes/fits.ts";
import { checkResolved, parameterAt } from "../recipes/recipe.ts";
import type { Parent } from "../storage/run-store.ts";
import type { Driver } from "./driver.ts";
import type { RunHistory } from "./history.ts";
import type { Keeper } from "./keeper.ts";
import type { Machine } from "./machine.ts";
import { type OnScreen, runTo, startedEvent } from "./on-screen.ts";
import type { Event } from "./protocol.ts";

interface Surroundings {
  readonly machine: Machine;
  readonly keeper: Keeper;
  readonly driver: Driver;
  /** Ends what else uses the engine. */
  clear(): Promise<void>;
  newHistory(): RunHistory;
  emit(event: Event): void;
}

/** How a run is brought to its place: what that is called, and what is said if somebody gives it up. */
interface Way {
  readonly to: number;
  readonly what: string;
  readonly givenUp: string;
}

/** The ways in which a run comes on screen: from the beginning, from those that are kept, and as a branch of the one that is there. */
export class Arrivals {
  private readonly around: Surroundings;
  private bringing: AbortController | undefined;

  constructor(around: Surroundings) {
    this.around = around;
  }

  /** Gives up what is being brought here; the run on screen stays. */
  cancel(): void {
    this.bringing?.abort();
  }

  /** From the policy's shipped weights. @throws RecipeError if the setup cannot run; the run on screen stays then. */
  async begin(setup: RunSetup, edits: readonly Edit[] = []): Promise<void> {
    const { machine, newHistory } = this.around;
    setupAt(setup, edits, Number.POSITIVE_INFINITY);
    checkFits(setupAt(setup, edits, 1).recipe);
    await this.show(async () => {
      const run = await machine.openRun(setup, { edits });
      return { id: crypto.randomUUID(), run, metrics: [], history: newHistory() };
    });
  }

  /** One that was kept, at its end. @throws Error with one sentence if it is gone, cannot run, or is given up; the run on screen stays then. */
  async resume(id: string): Promise<void> {
    const { machine, keeper, newHistory, emit } = this.around;
    const { run: stored, metrics } = await keeper.load(id);
    const { edits, snapshot, name, parent, start } = stored;
    // It may have been kept by another version of this page.
    const setup = { ...stored.setup, recipe: checkResolved(stored.setup.recipe) };
    setupAt(setup, edits, Number.POSITIVE_INFINITY);
    const history = newHistory();
    if (snapshot) history.addSnapshot(snapshot);
    const way = { to: metrics.at(-1)?.step ?? 0, what: "Bringing the run back", givenUp: "The run was not opened." };
    await this.show(async () => {
      const run = await this.bring(setup, edits, history, way);
      return { id, run, name, parent, start, metrics, history };
    }, metrics.length);
    if (JSON.stringify(stored.plan) !== JSON.stringify(machine.engine.plan)) {
      emit({
        type: "notice",
        message: "The run goes on with another engine than before: from here on its numbers may differ in the last digits.",
      });
    }
  }

  /**
   * Branches off after `step`: the same weights, the same seed, the edits until then, the changes from the next step on, and what is set
   * ahead of where the run stands, as far as that fits. @throws Error with one sentence; the run on screen stays then.
   */
  async fork(step: number, changes: readonly Change[], name: string): Promise<void> {
    const { driver, emit } = this.around;
    const { id, run: parent, name: parentName, start, metrics: all, history: whole } = driver.needed;
    if (!Number.isInteger(step) || step < 0 || step > parent.step) throw new Error(`There is no step ${step} to fork from.`);
    const { setup } = parent;
    const { edits, kept, left } = editsOfFork(parent, step, changes);
    const metrics = all.filter((line) => line.step <= step);
    const from: Parent = { id, name: parentName ?? setup.recipe.name, step };
    const way = { to: step, what: `Computing the weights after step ${step}`, givenUp: "The run was not forked." };
    await this.show(async () => {
      const history = whole.upTo(step);
      const run = await this.bring(setup, edits, history, way);
      if (step > 0 && !history.hasSnapshot(step)) history.addSnapshot(await run.snapshot(), true);
      return { id: crypto.randomUUID(), run, name, parent: from, start, metrics, history };
    });
    const { recipe } = setupAt(setup, edits, step + 1);
    const inWords = (ahead: readonly Edit[]) =>
      ahead.map((edit) => `${parameterAt(recipe, edit.path)?.label ?? edit.path} ${edit.value} from step ${edit.step}`).join(", ");
    if (kept.length > 0) emit({ type: "notice", message: `What was set ahead holds in the fork, too: ${inWords(kept)}.` });
    if (left.length > 0) emit({ type: "notice", message: `What was set ahead does not fit the fork and is left out: ${inWords(left)}.` });
  }

  /** Opens a run at the newest snapshot of its history and brings it to its place, with progress, unless that is given up. */
  private async bring(setup: RunSetup, edits: readonly Edit[], history: RunHistory, { to, what, givenUp }: Way): Promise<Run> {
    const { machine, emit } = this.around;
    this.bringing = new AbortController();
    const { signal } = this.bringing;
    const snapshot = history.nearest();
    try {
      const run = await machine.openRun(setup, { edits, ...(snapshot ? { snapshot } : {}) });
      const onProgress = (fraction: number) => {
        emit({ type: "progress", what, fraction, cancel: true });
        if (signal.aborted) throw new Error(givenUp);
      };
      await runTo(run, to, (record) => history.addRecord(record), onProgress).catch((error) => {
        run.dispose();
        throw error;
      });
      return run;
    } finally {
      this.bringing = undefined;
    }
  }

  /** Puts a run in the place of the one on screen, tells the page, and shows the first answers of its next step. */
  private async show(open: () => Promise<OnScreen>, stored = 0): Promise<void> {
    const { driver, emit, clear } = this.around;
    driver.stop();
    await clear();
    const next = await driver.replace(open, stored);
    // A fork shares its past with the other run, but is a run of its own.
    if (next.run.step > 0 && stored === 0) await driver.keep();
    emit(startedEvent(next));
    driver.tellMemory();
    await driver.preview();
  }
}

/** A fork's edits: those until its step, its changes, and of what is set ahead of where the parent stands what fits (`kept`) and what not. */
function editsOfFork(parent: Run, step: number, changes: readonly Change[]): { edits: Edit[]; kept: Edit[]; left: Edit[] } {
  const edits = [...parent.edits.filter((edit) => edit.step <= step), ...changes.map(([path, value]) => ({ step: step + 1, path, value }))];
  setupAt(parent.setup, edits, Number.POSITIVE_INFINITY);
  const replaced = (edit: Edit) =>
    edit.step === step + 1 && changes.some(([path]) => edit.path === path || edit.path.startsWith(`${path}.`));
  const kept: Edit[] = [];
  const left: Edit[] = [];
  for (const edit of parent.edits.filter((ahead) => ahead.step > parent.step && !replaced(ahead))) {
    try {
      setupAt(parent.setup, [...edits, edit], Number.POSITIVE_INFINITY);
      edits.push(edit);
      kept.push(edit);
    } catch (error) {
      if (!(error instanceof RecipeError)) throw error;
      left.push(edit);
    }
  }
  return { edits, kept, left };
}
