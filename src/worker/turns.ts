import { PHASES, type StepRecord } from "../loop/record.ts";
import type { Run } from "../loop/run.ts";

/** How long the thread may compute before it looks for messages (milliseconds). */
const BREATH = 50;
let breathed = 0;

/**
 * Lets messages in, if it is time: an engine without a GPU computes on this very thread and never waits for anything, so that a pause, or
 * the wish to give up, would be heard at the end only.
 */
export async function breathe(): Promise<void> {
  if (performance.now() - breathed < BREATH) return;
  // Not a timer, which browsers put off for milliseconds.
  await new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
  breathed = performance.now();
}

/** One after the other: work that shares the engine waits for its turn. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const begin = () => breathe().then(work);
    const turn = this.last.then(begin, begin);
    this.last = turn.catch(() => {});
    return turn;
  }
}

/** Work beside the run on screen, one piece at a time: a new one takes the place of the one before. */
export class Beside {
  private readonly onEnd: () => void;
  private current: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  /** @param onEnd is told when nothing is done any more. */
  constructor(onEnd: () => void) {
    this.onEnd = onEnd;
  }

  get busy(): boolean {
    return this.current !== undefined;
  }

  /** @param work must not throw, and end soon after it is aborted. */
  begin(work: (signal: AbortSignal) => Promise<void>): void {
    this.cancel();
    const abort = new AbortController();
    const before = this.current?.done;
    const done = Promise.resolve(before)
      .then(() => work(abort.signal))
      .finally(() => {
        if (this.current?.abort !== abort) return;
        this.current = undefined;
        this.onEnd();
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
}

/**
 * The next step of a run beside the one on screen: every phase takes its turn on the engine.
 * @param onProgress the share of the step that is done. @returns its record; undefined if it was given up
 */
export async function stepInTurns(
  run: Run,
  turns: Turns,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<StepRecord | undefined> {
  const phases = run.next();
  let last: StepRecord | undefined;
  for (;;) {
    onProgress(last ? PHASES.indexOf(last.phase) / PHASES.length : 0);
    const { done, value } = await turns.take(() => phases.next());
    if (signal.aborted) return undefined;
    if (done) return last;
    last = value;
  }
}
