import type { StepRecord } from "../loop/record.ts";
import type { Snapshot } from "../loop/run.ts";
import { SNAPSHOT_EVERY } from "../storage/run-file.ts";
import type { Memory } from "./protocol.ts";

/** Step records kept as they were; older ones are computed again. */
export const RECORDS_KEPT = 200;
/** Records that were computed again, kept for going to and fro. */
const RECOMPUTED_KEPT = 2 * SNAPSHOT_EVERY;
/** Bytes that records and snapshots of a run may take together. */
export const BUDGET = 300e6;
/** The memory (gigabytes) from which on a machine can spare all of that; browsers tell of no more. */
const AMPLE = 8;

/** The budget on a machine with so many gigabytes of memory, where that is known. */
export const budgetOn = (deviceMemory = AMPLE): number => BUDGET * Math.min(1, deviceMemory / AMPLE);

/** About how many bytes a value takes: exact for the typed arrays, which are most of it. */
export function sizeOf(value: unknown): number {
  if (typeof value === "string") return 2 * value.length + 16;
  if (typeof value !== "object" || value === null) return 8;
  if (ArrayBuffer.isView(value)) return value.byteLength + 64;
  let bytes = 32;
  for (const entry of Array.isArray(value) ? value : Object.values(value)) bytes += sizeOf(entry);
  return bytes;
}

interface Held<T> {
  readonly value: T;
  readonly bytes: number;
}

/**
 * What a run remembers of itself: the records of its newest steps, and snapshots from which any other step can be computed again. Records
 * may take half of the budget and snapshots what is left; the oldest records go first, and of the snapshots those whose neighbours are
 * nearest, so that the gaps grow evenly. The newest record and the newest snapshot always stay.
 */
export class RunHistory {
  private readonly budget: number;
  private records = new Map<number, Held<StepRecord>>();
  private recomputed = new Map<number, Held<StepRecord>>();
  /** By step, ascending. */
  private held: (Held<Snapshot> & { readonly edit: boolean })[] = [];
  private lostRecords = false;
  private lostSnapshots = false;

  constructor(budget = BUDGET) {
    this.budget = budget;
  }

  /** The record of a step just completed. */
  addRecord(record: StepRecord): void {
    this.records.set(record.step, { value: record, bytes: sizeOf(record) });
    this.records.delete(record.step - RECORDS_KEPT);
    this.fit();
  }

  /** The record of an earlier step, computed again. */
  addRecomputed(record: StepRecord): void {
    this.recomputed.delete(record.step);
    this.recomputed.set(record.step, { value: record, bytes: sizeOf(record) });
    while (this.recomputed.size > RECOMPUTED_KEPT) this.recomputed.delete(this.recomputed.keys().next().value!);
    this.fit();
  }

  record(step: number): StepRecord | undefined {
    return (this.records.get(step) ?? this.recomputed.get(step))?.value;
  }

  get keptRecords(): StepRecord[] {
    return [...this.recomputed.values(), ...this.records.values()].map((held) => held.value).sort((a, b) => a.step - b.step);
  }

  /** @param edit whether a knob was turned there: such a snapshot stays longer. */
  addSnapshot(snapshot: Snapshot, edit = false): void {
    const others = this.held.filter((held) => held.value.step !== snapshot.step);
    this.held = [...others, { value: snapshot, bytes: sizeOf(snapshot), edit }].sort((a, b) => a.value.step - b.value.step);
    this.fit();
  }

  hasSnapshot(step: number): boolean {
    return this.held.some((held) => held.value.step === step);
  }

  /** The newest snapshot with at most `step` steps behind it; undefined where the base's weights are the nearest. */
  nearest(step = Number.POSITIVE_INFINITY): Snapshot | undefined {
    return this.held.findLast((held) => held.value.step <= step)?.value;
  }

  /** The part of it that a run has which branches off after `step`. */
  upTo(step: number): RunHistory {
    const part = new RunHistory(this.budget);
    const until = <V>(all: ReadonlyMap<number, V>) => new Map([...all].filter(([s]) => s <= step));
    part.records = until(this.records);
    part.recomputed = until(this.recomputed);
    part.held = this.held.filter((held) => held.value.step <= step);
    part.lostSnapshots = this.lostSnapshots;
    return part;
  }

  memory(): Omit<Memory, "step"> {
    const snapshots = this.held.map((held) => held.value.step);
    const gap = Math.max(SNAPSHOT_EVERY, ...snapshots.map((step, i) => step - (snapshots[i - 1] ?? 0)));
    const thinned = [
      ...(this.lostRecords ? [`the answers of the last ${this.records.size} steps are kept instead of ${RECORDS_KEPT}`] : []),
      ...(this.lostSnapshots ? [`snapshots lie up to ${gap} steps apart`] : []),
    ];
    return {
      records: this.keptRecords.map((record) => record.step),
      snapshots,
      bytes: this.recordBytes() + this.snapshotBytes(),
      ...(thinned.length > 0 ? { thinned: `To stay below ${Math.round(this.budget / 1e6)} MB, ${thinned.join(", and ")}.` } : {}),
    };
  }

  private recordBytes(): number {
    return total(this.records.values()) + total(this.recomputed.values());
  }

  private snapshotBytes(): number {
    return total(this.held);
  }

  private fit(): void {
    while (this.recordBytes() > this.budget / 2) {
      if (this.recomputed.size > 1) this.recomputed.delete(this.recomputed.keys().next().value!);
      else if (this.records.size > 1) {
        this.records.delete(this.records.keys().next().value!);
        this.lostRecords = true;
      } else break;
    }
    while (this.held.length > 1 && this.snapshotBytes() + this.recordBytes() > this.budget) {
      const steps = [0, ...this.held.map((held) => held.value.step)];
      const costs = this.held.slice(0, -1).map((held, i) => (steps[i + 2] - steps[i]) * (held.edit ? 2 : 1));
      this.held.splice(costs.indexOf(Math.min(...costs)), 1);
      this.lostSnapshots = true;
    }
  }
}

function total(all: Iterable<Held<unknown>>): number {
  let bytes = 0;
  for (const held of all) bytes += held.bytes;
  return bytes;
}
