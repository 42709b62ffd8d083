interface Waiting<T> {
  read(): Promise<T>;
  keep(values: T): void;
}

/** Numbers of a step's record that are still with the engine: nothing on the host needs them yet. */
export class Pending {
  /** What bringing took outside of the step's own course, in seconds. */
  seconds = 0;
  private waiting: Waiting<unknown>[] = [];

  /** Reads later, together with whatever else is pending, and then keeps what was read, in the order of the calls. */
  later<T>(read: () => Promise<T>, keep: (values: T) => void): void {
    this.waiting.push({ read, keep: keep as (values: unknown) => void });
  }

  get any(): boolean {
    return this.waiting.length > 0;
  }

  /** Brings everything that is pending, in one turn, so that an engine needs one read-back for all of it. */
  async settle(): Promise<void> {
    const { waiting } = this;
    this.waiting = [];
    const values = await Promise.all(waiting.map(({ read }) => read()));
    waiting.forEach(({ keep }, i) => {
      keep(values[i]);
    });
  }
}
