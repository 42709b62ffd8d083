import { TIMINGS } from "../loop/metrics.ts";
import { type Metrics, PHASES, type StepRecord } from "../loop/record.ts";
import type { Run } from "../loop/run.ts";

/** One after the other: work that shares the engine waits for its turn. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work, work);
    this.last = turn.catch(() => {});
    return turn;
  }
}

export interface Recomputation {
  /** Opens a run of its own at a snapshot before the step; it is disposed of in the end. */
  readonly open: () => Promise<Run>;
  readonly step: number;
  readonly turns: Turns;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number) => void;
  /** Takes the record of every step on the way, and of the step itself. */
  readonly keep: (record: StepRecord) => void;
}

/**
 * Computes steps again that lie behind a run, beside it: every phase takes its turn with whatever else the engine does. Given the same
 * setup, edits and snapshot, a step repeats to the bit.
 * @returns the step's record; undefined if it was aborted. @throws whatever the engine throws.
 */
export async function recompute({ open, step, turns, signal, onProgress, keep }: Recomputation): Promise<StepRecord | undefined> {
  if (signal.aborted) return undefined;
  const run = await turns.take(open);
  try {
    const from = run.step;
    let last: StepRecord | undefined;
    while (run.step < step) {
      const phases = run.next();
      for (;;) {
        const share = last && last.step > run.step ? PHASES.indexOf(last.phase) / PHASES.length : 0;
        onProgress((run.step - from + share) / (step - from));
        const { done, value } = await turns.take(() => phases.next());
        if (signal.aborted) return undefined;
        if (done) break;
        last = value;
      }
      keep(last!);
    }
    return last;
  } finally {
    run.dispose();
  }
}

/** Measured on held-out problems: may have been measured anew after the step, on more of them. */
const isEvaluation = (name: string) => name.startsWith("pass@") || name.startsWith("eval/");

/** Whether a step that was computed again equals the original in every number, apart from the time that it took. */
export function sameMetrics(again: Metrics, original: Metrics): boolean {
  return Object.entries(again).every(([name, value]) => TIMINGS.includes(name) || isEvaluation(name) || original[name] === value);
}
