import { TIMINGS } from "../loop/metrics.ts";
import { type Metrics, PHASES, type StepRecord } from "../loop/record.ts";
import type { Run, Snapshot } from "../loop/run.ts";
import type { RunHistory } from "./history.ts";
import { sentence } from "./keeper.ts";
import type { Event } from "./protocol.ts";

/** One after the other: work that shares the engine waits for its turn. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work, work);
    this.last = turn.catch(() => {});
    return turn;
  }
}

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
  isLost(): boolean;
  emit(event: Event): void;
  /** Nothing is computed any more. */
  onEnd(): void;
}

/**
 * Answers what a step was like: with its record if that is at hand, else by computing the steps from the nearest snapshot on again, beside
 * the run, which may go on meanwhile: every phase takes its turn on the engine. Given the same setup, edits and snapshot, a step repeats to
 * the bit. A new question takes the place of the one before.
 */
export class LookBack {
  private readonly around: Surroundings;
  private current: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  constructor(around: Surroundings) {
    this.around = around;
  }

  get busy(): boolean {
    return this.current !== undefined;
  }

  ask(step: number): void {
    this.cancel();
    const { emit } = this.around;
    const subject = this.around.subject();
    const record = subject?.history.record(step);
    if (record || !subject || !Number.isInteger(step) || step < 1 || step > subject.run.step) {
      emit({ type: "record", step, record: record ?? null });
      return;
    }
    const abort = new AbortController();
    const before = this.current?.done;
    const done = Promise.resolve(before)
      .then(() => this.compute(subject, step, abort.signal))
      .catch((error) => {
        const problem = this.around.isLost() ? "the GPU was lost meanwhile; look at it again" : sentence(error);
        emit({ type: "record", step, record: null, problem });
      })
      .finally(() => {
        if (this.current?.abort !== abort) return;
        this.current = undefined;
        this.around.onEnd();
      });
    this.current = { abort, done };
  }

  cancel(): void {
    this.current?.abort.abort();
  }

  /** Gives up, and waits until the engine is free of it. */
  async end(): Promise<void> {
    this.cancel();
    await this.current?.done;
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
        const phases = again.next();
        for (;;) {
          const share = last && last.step > again.step ? PHASES.indexOf(last.phase) / PHASES.length : 0;
          emit({ type: "recomputing", step, from, fraction: (again.step - from + share) / (step - from) });
          const { done, value } = await turns.take(() => phases.next());
          if (signal.aborted) return;
          if (done) break;
          last = value;
        }
        if (!history.record(last!.step)) history.addRecomputed(last!);
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
function sameMetrics(again: Metrics, original: Metrics): boolean {
  return Object.entries(again).every(([name, value]) => TIMINGS.includes(name) || isEvaluation(name) || original[name] === value);
}
