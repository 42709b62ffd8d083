import { TIMINGS } from "../loop/metrics.ts";
import type { Metrics, StepRecord } from "../loop/record.ts";
import type { Run, Snapshot } from "../loop/run.ts";
import type { RunHistory } from "./history.ts";
import { sentence } from "./keeper.ts";
import type { Event } from "./protocol.ts";
import { type Beside, stepInTurns, type Turns } from "./turns.ts";

/** Scrubbing asks for many steps in passing: only one that is stayed at for so long (milliseconds) is computed again. */
const PATIENCE = 80;

/** The run that is looked back on. */
interface Subject {
  readonly run: Run;
  readonly history: RunHistory;
  readonly metrics: readonly Metrics[];
}

interface Surroundings {
  subject(): Subject | undefined;
  /** Opens a run of its own, with the same setup and edits, at a snapshot or the beginning. */
  openAt(run: Run, snapshot: Snapshot | undefined): Promise<Run>;
  readonly turns: Turns;
  readonly beside: Beside;
  isLost(): boolean;
  emit(event: Event): void;
}

/**
 * Answers what a step was like: with its record if that is at hand, else by computing the steps from the nearest snapshot on again, beside
 * the run, which may go on meanwhile: every phase takes its turn on the engine. Given the same setup, edits and snapshot, a step repeats to
 * the bit. A new question takes the place of the one before.
 */
export class LookBack {
  private readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
  }

  ask(step: number): void {
    const { emit, beside, isLost } = this.around;
    beside.cancel();
    const subject = this.around.subject();
    const record = subject?.history.record(step);
    if (record || !subject || !Number.isInteger(step) || step < 1 || step > subject.run.step) {
      emit({ type: "record", step, record: record ?? null });
      return;
    }
    beside.begin((signal) =>
      this.compute(subject, step, signal).catch((error) => {
        const problem = isLost() ? "the GPU was lost meanwhile; look at it again" : sentence(error);
        emit({ type: "record", step, record: null, problem });
      }),
    );
  }

  private async compute({ run, history, metrics }: Subject, step: number, signal: AbortSignal): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    if (signal.aborted) return;
    const { emit, turns, openAt } = this.around;
    const snapshot = history.nearest(step - 1);
    const from = snapshot?.step ?? 0;
    const again = await turns.take(() => openAt(run, snapshot));
    try {
      let last: StepRecord | undefined;
      while (again.step < step) {
        const done = again.step - from;
        last = await stepInTurns(again, turns, signal, (share) =>
          emit({ type: "recomputing", step, from, fraction: (done + share) / (step - from) }),
        );
        if (!last) return;
        if (!history.record(last.step)) history.addRecomputed(last);
      }
      const original = metrics.find((line) => line.step === step);
      const recomputed = original && sameMetrics(last!.metrics!, original) ? "same" : "different";
      emit({ type: "record", step, record: last!, recomputed });
    } finally {
      again.dispose();
    }
  }
}

/** Measured on held-out problems: may have been measured anew after the step, on more of them. */
const isEvaluation = (name: string) => name.startsWith("pass@") || name.startsWith("eval/");

/** Whether a step that was computed again equals the original in every number, apart from the time that it took. */
export function sameMetrics(again: Metrics, original: Metrics): boolean {
  return Object.entries(again).every(([name, value]) => TIMINGS.includes(name) || isEvaluation(name) || original[name] === value);
}
