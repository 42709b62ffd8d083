import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StepRecord } from "../loop/record.ts";
import type { Snapshot } from "../loop/run.ts";
import { BUDGET, budgetOn, RECORDS_KEPT, RunHistory, sizeOf } from "./history.ts";

/** A record that takes about `bytes`. */
const record = (step: number, bytes = 0): StepRecord => ({
  step,
  phase: "evaluation",
  settings: {},
  groups: [],
  rollouts: [],
  discarded: [],
  demonstrations: [],
  updates: [],
  twins: bytes > 0 ? (new Float32Array(bytes / 4) as unknown as number[]) : [],
});
const snapshot = (step: number, floats = 4): Snapshot => {
  const array = () => new Float32Array(floats);
  return { step, state: { theta: array(), m: array(), v: array(), updates: step } };
};

describe("what a run remembers", () => {
  it("the records of the last 200 steps, and says so of none that it gave up within its budget", () => {
    const history = new RunHistory();
    for (let step = 1; step <= RECORDS_KEPT + 7; step++) history.addRecord(record(step));
    expect(history.record(7)).toBeUndefined();
    expect(history.record(8)!.step).toBe(8);
    expect(history.memory().records).toHaveLength(RECORDS_KEPT);
    expect(history.memory().thinned).toBeUndefined();
  });

  it("fewer records where they would take more than half of the budget, and says how many", () => {
    const history = new RunHistory(1e6);
    for (let step = 1; step <= 60; step++) history.addRecord(record(step, 20_000));
    const { records, bytes, thinned } = history.memory();
    expect(bytes).toBeLessThanOrEqual(0.5e6);
    expect(records.at(-1)).toBe(60);
    expect(records.length).toBeGreaterThan(20);
    expect(thinned).toBe(`To stay below 1 MB, the answers of the last ${records.length} steps are kept instead of 200.`);
  });

  it("records that were computed again, a few, and forgets them first", () => {
    const history = new RunHistory(1e6);
    for (let step = 300; step < 310; step++) history.addRecord(record(step, 20_000));
    for (let step = 1; step <= 30; step++) history.addRecomputed(record(step, 20_000));
    expect(history.record(30)).toBeDefined();
    expect(history.record(1)).toBeUndefined();
    expect(history.memory().bytes).toBeLessThanOrEqual(0.5e6);
    for (let step = 310; step < 320; step++) history.addRecord(record(step, 20_000));
    expect(history.record(300)).toBeDefined();
    expect(history.memory().thinned).toBeUndefined();
  });

  it("finds the snapshot to start from, and none where the base is nearest", () => {
    const history = new RunHistory();
    for (const step of [20, 10, 13]) history.addSnapshot(snapshot(step));
    expect([9, 10, 12, 13, 19, 20, 99].map((step) => history.nearest(step)?.step)).toEqual([undefined, 10, 10, 13, 13, 20, 20]);
    expect(history.nearest()!.step).toBe(20);
  });

  it("thins snapshots evenly, keeps the newest, and those of edits longer", () => {
    const one = sizeOf(snapshot(1, 1000));
    const history = new RunHistory(10.5 * one);
    for (let step = 10; step <= 400; step += 10) history.addSnapshot(snapshot(step, 1000), step === 30);
    const { snapshots, thinned } = history.memory();
    expect(snapshots).toHaveLength(10);
    expect(snapshots.at(-1)).toBe(400);
    const gaps = snapshots.map((step, i) => step - (snapshots[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(100);
    expect(thinned).toContain(`snapshots lie up to ${Math.max(...gaps)} steps apart`);
  });

  it("never takes more than its budget, whatever comes, unless one thing alone does", () => {
    const things = fc.array(fc.record({ kind: fc.constantFrom("record", "again", "snapshot"), size: fc.integer({ min: 1, max: 4000 }) }), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(things, (all) => {
        const history = new RunHistory(200_000);
        all.forEach(({ kind, size }, i) => {
          if (kind === "record") history.addRecord(record(i + 1, size * 4));
          else if (kind === "again") history.addRecomputed(record(i + 1, size * 4));
          else history.addSnapshot(snapshot(i + 1, size));
          expect(history.memory().bytes).toBeLessThanOrEqual(200_000);
          if (kind === "snapshot") expect(history.nearest()!.step).toBe(i + 1);
        });
      }),
      { numRuns: 50 },
    );
  });

  it("a branch has the part before it", () => {
    const history = new RunHistory();
    for (let step = 1; step <= 30; step++) history.addRecord(record(step));
    for (const step of [10, 20, 30]) history.addSnapshot(snapshot(step));
    const branch = history.upTo(20);
    expect(branch.memory()).toMatchObject({ snapshots: [10, 20], records: Array.from({ length: 20 }, (_, i) => i + 1) });
    branch.addRecord(record(21));
    expect(history.record(21)).not.toBe(branch.record(21));
  });
});

it("has a smaller budget on a machine with little memory, and never a larger one", () => {
  expect([undefined, 8, 64].map((gigabytes) => budgetOn(gigabytes))).toEqual([BUDGET, BUDGET, BUDGET]);
  expect([4, 0.5].map((gigabytes) => budgetOn(gigabytes))).toEqual([BUDGET / 2, BUDGET / 16]);
});
