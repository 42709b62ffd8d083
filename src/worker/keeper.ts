import type { Metrics } from "../loop/record.ts";
import { type ListedRun, listed, type RunStore, type StoredRun, snapshotBytes } from "../storage/run-store.ts";
import type { Event, KeptRun } from "./protocol.ts";

/** Keeps runs for later visits. Storage may be full or forbidden: that is said once, and the run goes on all the same. */
export class Keeper {
  private readonly store: RunStore;
  private readonly emit: (event: Event) => void;
  private failed = false;
  /** How many steps' metrics of the run at hand are stored. */
  private stored = 0;

  constructor(store: RunStore, emit: (event: Event) => void) {
    this.store = store;
    this.emit = emit;
  }

  /** Another run is at hand, of which `stored` steps are stored. */
  adopt(stored: number): void {
    this.stored = stored;
  }

  /** The last step's metrics have changed since they were stored. */
  revise(): void {
    this.stored = Math.max(0, this.stored - 1);
  }

  /** Stores the metrics that are not stored yet (the last step's, and those before it for which there was no room), and the run, if it is given. */
  async keep(id: string, history: readonly Metrics[], run?: () => StoredRun): Promise<void> {
    try {
      for (const metrics of history.slice(this.stored)) {
        await this.store.appendMetrics(id, metrics);
        this.stored++;
      }
      if (run) {
        const stored = run();
        await this.store.save(stored);
        this.emit({ type: "saved", run: inList(stored, history) });
      }
      this.failed = false;
    } catch (error) {
      if (this.failed) return;
      this.failed = true;
      const message = `This run cannot be kept for a later visit (${storageProblem(error)}); it goes on all the same.`;
      this.emit({ type: "notice", message });
    }
  }

  async list(): Promise<KeptRun[]> {
    return (await this.store.list()).map(keptRun).filter((run) => run.steps > 0);
  }

  /** @throws Error with one sentence if the run is gone. */
  async load(id: string): Promise<{ run: StoredRun; metrics: Metrics[] }> {
    const run = await this.store.load(id);
    if (!run) throw new Error("This run is no longer kept.");
    return { run, metrics: await this.store.metrics(id) };
  }

  /** @throws Error with one sentence if there is no room. */
  async add(run: StoredRun, metrics: readonly Metrics[]): Promise<KeptRun> {
    await this.store.save(run, metrics).catch((error) => {
      throw new Error(`The run cannot be kept (${storageProblem(error)}): delete other runs first.`);
    });
    return inList(run, metrics);
  }

  rename = (id: string, name: string) => this.store.rename(id, name);
  forget = (id: string) => this.store.forget(id);
}

function inList({ snapshot, ...head }: StoredRun, metrics: readonly Metrics[]): KeptRun {
  return keptRun(listed(head, snapshotBytes(snapshot), metrics.at(-1)));
}

function keptRun({ id, name, parent, setup, steps, passAt1, savedAt, bytes }: ListedRun): KeptRun {
  const { recipe, policy, seed } = setup;
  return {
    id,
    policy,
    task: recipe.slots.task.plugin,
    recipe: recipe.name,
    seed,
    steps,
    savedAt,
    bytes,
    ...(name === undefined ? {} : { name }),
    ...(parent ? { parent } : {}),
    ...(passAt1 === undefined ? {} : { passAt1 }),
  };
}

/** Why nothing can be stored; browsers say it in many ways, or not at all. */
function storageProblem(error: unknown): string {
  if (error instanceof Error && error.name === "QuotaExceededError") return "this browser's storage for the page is full";
  return sentence(error) || "this browser's storage failed";
}

/** An error as one sentence for a person. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0] : String(error);
}
