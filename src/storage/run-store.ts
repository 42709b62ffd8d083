import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { EvaluationRecord, Metrics } from "../loop/record.ts";
import type { Edit, RunSetup, Snapshot } from "../loop/run.ts";
import { browserWeightFiles, type WeightFiles } from "./weight-files.ts";

/** Where a run branched off: it shares the steps up to `step` with the run `id`, which went by `name` then. */
export interface Parent {
  readonly id: string;
  readonly name: string;
  readonly step: number;
}

/** A run as it is kept between visits, but for its weights; `metrics` lie beside it, one entry a step. */
export interface KeptHead {
  readonly id: string;
  /** As a person named it. Such runs are kept until they are deleted; of the others only the newest. */
  readonly name?: string;
  readonly parent?: Parent;
  readonly setup: RunSetup;
  readonly edits: readonly Edit[];
  readonly start?: EvaluationRecord;
  /** The last pass@1 that was measured. */
  readonly passAt1?: number;
  /** The engine's plan while it ran. */
  readonly plan: Readonly<Record<string, string | number | boolean>>;
  /** Steps completed. */
  readonly steps: number;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

export interface StoredRun extends KeptHead {
  readonly snapshot?: Snapshot;
}

/** A kept run in a list: `bytes` is about what it takes. */
export interface ListedRun extends KeptHead {
  readonly bytes: number;
}

/** Where runs outlive the page. Every method may throw (storage is full, or forbidden in a private window); the run itself goes on. */
export interface RunStore {
  /** Newest first. Metrics are stored with every step and runs less often, so `steps` is what the metrics say. */
  list(): Promise<ListedRun[]>;
  load(id: string): Promise<StoredRun | undefined>;
  /** Writes the run, and `metrics` with it if they are given: all of it or nothing. */
  save(run: StoredRun, metrics?: readonly Metrics[]): Promise<void>;
  appendMetrics(id: string, metrics: Metrics): Promise<void>;
  /** By step, ascending. */
  metrics(id: string): Promise<Metrics[]>;
  rename(id: string, name: string): Promise<void>;
  forget(id: string): Promise<void>;
}

/** Bytes of a snapshot's arrays. */
export function snapshotBytes(snapshot: Snapshot | undefined): number {
  if (!snapshot) return 0;
  const { theta, m, v } = snapshot.state;
  return theta.byteLength + m.byteLength + v.byteLength + (snapshot.reference?.byteLength ?? 0);
}

/** A run as the list has it: `last` are its newest metrics. */
export function listed(run: KeptHead, weights: number, last: Metrics | undefined): ListedRun {
  const steps = last?.step ?? run.steps;
  return { ...run, steps, bytes: weights + JSON.stringify(run).length + steps * (last ? JSON.stringify(last).length : 0) };
}

const newestFirst = (a: KeptHead, b: KeptHead) => b.savedAt - a.savedAt;

/** A run's row: its weights lie in a store of their own, so that the list needs none of them; large ones in `file`. */
type Row = KeptHead & { readonly weights: number; readonly file?: string };

/** Weights of at least so many bytes are kept in a file. */
const LARGE = 2e6;
/** A file that no run knows is somebody's who is just writing it, or left over: after so long it is left over (milliseconds). */
const LEFT_OVER = 3_600_000;

const NO_WEIGHTS = new Float32Array(0);

/** What the database keeps of a snapshot whose arrays are in a file. */
const withoutArrays = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  state: { theta: NO_WEIGHTS, m: NO_WEIGHTS, v: NO_WEIGHTS, updates: snapshot.state.updates },
  ...(snapshot.reference ? { reference: NO_WEIGHTS } : {}),
});

/** theta, m and v, and after them the reference's weights: all of one length. */
const arraysOf = ({ state: { theta, m, v }, reference }: Snapshot) =>
  [theta, m, v, ...(reference ? [reference] : [])] as Float32Array<ArrayBuffer>[];

/** The snapshot with its file's arrays; undefined if the file is gone, or is not as it was written. */
function withArrays(snapshot: Snapshot, bytes: number, all: Float32Array | undefined): Snapshot | undefined {
  if (all?.byteLength !== bytes) return undefined;
  const length = all.length / (snapshot.reference ? 4 : 3);
  const [theta, m, v, reference] = [0, 1, 2, 3].map((i) => all.slice(i * length, (i + 1) * length));
  return { ...snapshot, state: { ...snapshot.state, theta, m, v }, ...(snapshot.reference ? { reference } : {}) };
}

interface Schema extends DBSchema {
  runs: { key: string; value: Row };
  snapshots: { key: string; value: Snapshot };
  metrics: { key: [string, number]; value: Metrics };
}

/**
 * Runs in the browser's IndexedDB, large weights in files: those with a name, and of the others the newest `keep`, because a snapshot takes
 * megabytes. A file is written before the database knows it and removed after the database has forgotten it, so that a run always has its
 * weights; where the browser has no files, or not for this page, the database takes all.
 */
export function browserRunStore(keep = 40, files: WeightFiles = browserWeightFiles()): RunStore {
  let tidied = false;
  let database: Promise<IDBPDatabase<Schema>> | undefined;
  const open = () =>
    (database ??= openDB<Schema>("rlvr-playground", 2, {
      async upgrade(db, from, _, transaction) {
        db.createObjectStore("snapshots");
        if (from === 0) {
          db.createObjectStore("runs", { keyPath: "id" });
          db.createObjectStore("metrics");
          return;
        }
        // The first version kept the snapshot within the run.
        for (const old of (await transaction.objectStore("runs").getAll()) as unknown as StoredRun[]) {
          const { snapshot, ...head } = old;
          if (snapshot) await transaction.objectStore("snapshots").put(snapshot, old.id);
          await transaction.objectStore("runs").put({ ...head, weights: snapshotBytes(snapshot) });
        }
      },
      // A newer page in another tab wants to change the shape: let it.
      blocking: (_, __, event) => (event.target as IDBDatabase).close(),
      terminated: () => {
        database = undefined;
      },
    }).catch((error) => {
      // There may be room later.
      database = undefined;
      throw error;
    }));
  const range = (id: string) => IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);
  /** Removes files that no run knows. */
  const tidy = async (known: readonly Row[]) => {
    tidied = true;
    const names = new Set(known.map(({ file }) => file));
    for (const { name, changed } of await files.list()) if (!names.has(name) && Date.now() - changed > LEFT_OVER) await files.remove(name);
  };
  /** Where the arrays of a snapshot are, if they are large and there are files. */
  const writeArrays = async (id: string, snapshot: Snapshot | undefined): Promise<string | undefined> => {
    if (!snapshot || snapshotBytes(snapshot) < LARGE) return undefined;
    const name = `${id} ${crypto.randomUUID()}`;
    return files.write(name, arraysOf(snapshot)).then(
      () => name,
      () => undefined,
    );
  };
  const store: RunStore = {
    async list() {
      const db = await open();
      const last = async (id: string) => (await db.transaction("metrics").store.openCursor(range(id), "prev"))?.value;
      const rows = await db.getAll("runs");
      if (!tidied) void tidy(rows).catch(() => {});
      const runs = await Promise.all(rows.map(async ({ weights, file: _, ...run }) => listed(run, weights, await last(run.id))));
      return runs.sort(newestFirst);
    },
    async load(id) {
      const db = await open();
      const row = await db.get("runs", id);
      if (!row) return undefined;
      const { weights, file, ...head } = row;
      const stored = await db.get("snapshots", id);
      const snapshot = stored && file !== undefined ? withArrays(stored, weights, await files.read(file)) : stored;
      // Between the two, another tab or worker may have kept it anew.
      if (!snapshot && file !== undefined && (await db.get("runs", id))?.file !== file) return store.load(id);
      return { ...head, ...(snapshot ? { snapshot } : {}) };
    },
    async save({ snapshot, ...head }, metrics = []) {
      const db = await open();
      const file = await writeArrays(head.id, snapshot);
      const row: Row = { ...head, weights: snapshotBytes(snapshot), ...(file === undefined ? {} : { file }) };
      const transaction = db.transaction(["runs", "snapshots", "metrics"], "readwrite");
      const [runs, snapshots, lines] = (["runs", "snapshots", "metrics"] as const).map((name) => transaction.objectStore(name));
      const before = await transaction.objectStore("runs").getAll();
      const others = before.filter((run) => run.id !== head.id && run.name === undefined);
      const surplus = others.sort(newestFirst).slice(head.name === undefined ? keep - 1 : keep);
      await Promise.all([
        transaction.objectStore("runs").put(row),
        snapshot
          ? transaction.objectStore("snapshots").put(file === undefined ? snapshot : withoutArrays(snapshot), head.id)
          : snapshots.delete(head.id),
        ...metrics.map((line) => transaction.objectStore("metrics").put(line, [head.id, line.step])),
        ...surplus.flatMap(({ id }) => [runs.delete(id), snapshots.delete(id), lines.delete(range(id) as never)]),
        transaction.done,
      ]).catch(async (error) => {
        if (file !== undefined) await files.remove(file);
        throw error;
      });
      const gone = [...before.filter(({ id }) => id === head.id), ...surplus];
      for (const { file: old } of gone) if (old !== undefined) await files.remove(old);
    },
    async appendMetrics(id, metrics) {
      await (await open()).put("metrics", metrics, [id, metrics.step]);
    },
    metrics: async (id) => (await open()).getAll("metrics", range(id)),
    async rename(id, name) {
      const transaction = (await open()).transaction("runs", "readwrite");
      const run = await transaction.store.get(id);
      if (run) await transaction.store.put({ ...run, name });
      await transaction.done;
    },
    async forget(id) {
      const transaction = (await open()).transaction(["runs", "snapshots", "metrics"], "readwrite");
      const row = await transaction.objectStore("runs").get(id);
      await Promise.all([
        transaction.objectStore("runs").delete(id),
        transaction.objectStore("snapshots").delete(id),
        transaction.objectStore("metrics").delete(range(id)),
        transaction.done,
      ]);
      if (row?.file !== undefined) await files.remove(row.file);
    },
  };
  return store;
}

/** Runs in memory, for a page that may not store anything. */
export function memoryRunStore(): RunStore {
  const runs = new Map<string, StoredRun>();
  const lines = new Map<string, Map<number, Metrics>>();
  const metrics = (id: string) => [...(lines.get(id)?.values() ?? [])].sort((a, b) => a.step - b.step);
  const append = (id: string, line: Metrics) => {
    if (!lines.has(id)) lines.set(id, new Map());
    lines.get(id)!.set(line.step, line);
  };
  return {
    list: async () =>
      [...runs.values()].map(({ snapshot, ...head }) => listed(head, snapshotBytes(snapshot), metrics(head.id).at(-1))).sort(newestFirst),
    load: async (id) => runs.get(id),
    async save(run, given = []) {
      runs.set(run.id, run);
      for (const line of given) append(run.id, line);
    },
    appendMetrics: async (id, line) => append(id, line),
    metrics: async (id) => metrics(id),
    async rename(id, name) {
      const run = runs.get(id);
      if (run) runs.set(id, { ...run, name });
    },
    async forget(id) {
      runs.delete(id);
      lines.delete(id);
    },
  };
}
