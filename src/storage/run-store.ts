import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { EvaluationRecord, Metrics } from "../loop/record.ts";
import type { Edit, RunSetup, Snapshot } from "../loop/run.ts";

/** A run as it is kept between visits; `metrics` lie beside it, one entry a step. */
export interface StoredRun {
  readonly id: string;
  readonly setup: RunSetup;
  readonly edits: readonly Edit[];
  readonly snapshot?: Snapshot;
  readonly start?: EvaluationRecord;
  /** The engine's plan while it ran. */
  readonly plan: Readonly<Record<string, string | number | boolean>>;
  /** Steps completed. */
  readonly steps: number;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

/** Where runs outlive the page. Every method may throw (storage is full, or forbidden in a private window); the run itself goes on. */
export interface RunStore {
  /** Newest first. */
  list(): Promise<StoredRun[]>;
  save(run: StoredRun): Promise<void>;
  appendMetrics(id: string, metrics: Metrics): Promise<void>;
  /** By step, ascending. */
  metrics(id: string): Promise<Metrics[]>;
  forget(id: string): Promise<void>;
}

interface Schema extends DBSchema {
  runs: { key: string; value: StoredRun };
  metrics: { key: [string, number]; value: Metrics };
}

/** Runs in the browser's IndexedDB. Only the newest few are kept, because a snapshot takes megabytes. */
export function browserRunStore(keep = 5): RunStore {
  let database: Promise<IDBPDatabase<Schema>> | undefined;
  const open = () =>
    (database ??= openDB<Schema>("rlvr-playground", 1, {
      upgrade(db) {
        db.createObjectStore("runs", { keyPath: "id" });
        db.createObjectStore("metrics");
      },
    }).catch((error) => {
      // There may be room later.
      database = undefined;
      throw error;
    }));
  const range = (id: string) => IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);
  const store: RunStore = {
    list: async () => (await (await open()).getAll("runs")).sort((a, b) => b.savedAt - a.savedAt),
    async save(run) {
      const db = await open();
      await db.put("runs", run);
      for (const old of (await store.list()).slice(keep)) await store.forget(old.id);
    },
    async appendMetrics(id, metrics) {
      await (await open()).put("metrics", metrics, [id, metrics.step]);
    },
    metrics: async (id) => (await open()).getAll("metrics", range(id)),
    async forget(id) {
      const db = await open();
      await db.delete("runs", id);
      await db.delete("metrics", range(id));
    },
  };
  return store;
}

/** Runs in memory, for a page that may not store anything. */
export function memoryRunStore(): RunStore {
  const runs = new Map<string, StoredRun>();
  const lines = new Map<string, Map<number, Metrics>>();
  return {
    list: async () => [...runs.values()].sort((a, b) => b.savedAt - a.savedAt),
    save: async (run) => void runs.set(run.id, run),
    async appendMetrics(id, metrics) {
      if (!lines.has(id)) lines.set(id, new Map());
      lines.get(id)!.set(metrics.step, metrics);
    },
    metrics: async (id) => [...(lines.get(id)?.values() ?? [])].sort((a, b) => a.step - b.step),
    async forget(id) {
      runs.delete(id);
      lines.delete(id);
    },
  };
}
