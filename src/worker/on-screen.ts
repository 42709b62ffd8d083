import type { EvaluationRecord, Metrics, StepRecord } from "../loop/record.ts";
import type { Run } from "../loop/run.ts";
import type { Engine } from "../policy/engine.ts";
import type { Parent, StoredRun } from "../storage/run-store.ts";
import type { RunHistory } from "./history.ts";
import type { Event } from "./protocol.ts";
import { breathe } from "./turns.ts";

/** The run that the page shows, with what is known of it. */
export interface OnScreen {
  readonly id: string;
  /** Another one, at the same place, once its engine was lost. */
  run: Run;
  /** As a person named it. */
  name?: string | undefined;
  /** Where it branched off another run. */
  readonly parent?: Parent | undefined;
  /** How the policy did before training, once that was measured. */
  start?: EvaluationRecord | undefined;
  /** Of the steps completed. */
  readonly metrics: Metrics[];
  readonly history: RunHistory;
}

/** Tells the page of the run that it now has. */
export function startedEvent({ id, run, name, parent, start, metrics, history }: OnScreen): Event {
  return {
    type: "started",
    runId: id,
    ...(name === undefined ? {} : { name }),
    ...(parent ? { parent } : {}),
    setup: run.setup,
    edits: [...run.edits],
    step: run.step,
    history: metrics,
    records: history.keptRecords.map((record) => record.step),
    ...(start ? { start } : {}),
  };
}

/** The run as it is kept, with its newest snapshot. @param plan what its engine computes by */
export function storedRun({ id, run, name, parent, start, metrics, history }: OnScreen, plan: Engine["plan"]): StoredRun {
  const snapshot = history.nearest();
  const passAt1 = metrics.findLast((line) => "pass@1" in line)?.["pass@1"];
  return {
    id,
    setup: run.setup,
    edits: [...run.edits],
    plan,
    steps: run.step,
    savedAt: Date.now(),
    ...(name === undefined ? {} : { name }),
    ...(parent ? { parent } : {}),
    ...(snapshot ? { snapshot } : {}),
    ...(start ? { start } : {}),
    ...(passAt1 === undefined ? {} : { passAt1 }),
  };
}

/** Runs whole steps, unseen but for their records, until `step` are complete. @param onProgress the share that is done, before each step; it may throw to give up. */
export async function runTo(
  run: Run,
  step: number,
  keep: (record: StepRecord) => void,
  onProgress: (fraction: number) => void,
): Promise<void> {
  const from = run.step;
  while (run.step < step) {
    await breathe();
    onProgress((run.step - from) / (step - from));
    keep(await run.complete(run.step + 1 < step));
  }
}
