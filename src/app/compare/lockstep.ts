/** Runs that train in step: which of them takes how many steps next. Each is decided by its own setup, edits and seed, so that only the pace is common. */

export interface Runner {
  /** Steps completed. */
  readonly step: number;
  /** It computes, or was told to. */
  readonly busy: boolean;
  /** It is there and nothing has stopped it: the others wait for it. */
  readonly fit: boolean;
}

/**
 * How many more steps each run is told to take now, 0 for none. Whoever is behind catches up, whatever the others do; once all stand idle at
 * the same step each takes one further, if there is to be a further one.
 */
export function stepsNow(runs: readonly Runner[], further: boolean): number[] {
  const front = frontOf(runs);
  const one = further && standEven(runs) ? 1 : 0;
  return runs.map(({ step, busy, fit }) => (!fit || busy ? 0 : front - step || one));
}

/** All that take part stand still, at the same step. */
export function standEven(runs: readonly Runner[]): boolean {
  const front = frontOf(runs);
  return runs.every(({ step, busy, fit }) => !fit || (!busy && step === front));
}

/** Steps between the first and the last of those that take part. */
export function spreadOf(runs: readonly Runner[]): number {
  const steps = runs.filter(({ fit }) => fit).map(({ step }) => step);
  return steps.length === 0 ? 0 : Math.max(...steps) - Math.min(...steps);
}

const frontOf = (runs: readonly Runner[]) => Math.max(0, ...runs.filter(({ fit }) => fit).map(({ step }) => step));
