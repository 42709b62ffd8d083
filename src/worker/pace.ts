/** The longest pause of slow motion (milliseconds). */
const LONGEST = 60_000;

/** Slow motion: stands still between phases while the run goes on by itself. */
export class Pace {
  private pause = 0;
  private end: (() => void) | undefined;

  get slow(): boolean {
    return this.pause > 0;
  }

  /** @param pause after each phase, in milliseconds; 0 is full speed. Ends a rest in progress. */
  set(pause: number): void {
    this.pause = Number.isFinite(pause) ? Math.min(Math.max(0, pause), LONGEST) : 0;
    this.wake();
  }

  /** Ends a rest in progress. */
  wake(): void {
    this.end?.();
  }

  async rest(): Promise<void> {
    if (!this.slow) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.pause);
      this.end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.end = undefined;
  }
}
