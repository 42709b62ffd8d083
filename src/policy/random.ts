/**
 * Counter-based random numbers: a draw is a pure function of what it is for, so that it does not depend on batch size,
 * engine or the order of calls. The generator is Threefry-2x32 with 20 rounds (Salmon et al., "Parallel Random Numbers:
 * As Easy as 1, 2, 3", SC 2011, https://doi.org/10.1145/2063384.2063405): additions, rotations and exclusive-ors only,
 * so WGSL and JavaScript compute the same bits.
 *
 * A draw is keyed by (seed, learner, stream, step, row, position, draw):
 *   k₀ = threefry(key = (seed, learner), counter = (stream, step));  k₁ = threefry(k₀, (row, 0));  bits = threefry(k₁, (position, draw))[0].
 * An engine receives k₁, two words a row, and evaluates only the last line.
 */
export const STREAM = { prompts: 1, rollouts: 2, evaluation: 3, shuffle: 4, reward: 5, plugin: 6, pretrain: 7, initialise: 8 } as const;
export type Stream = (typeof STREAM)[keyof typeof STREAM];

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** Threefry-2x32-20. All words are unsigned 32-bit integers. */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const ks = [k0 | 0, k1 | 0, (0x1bd11bda ^ k0 ^ k1) | 0];
  let x0 = (c0 + ks[0]) | 0;
  let x1 = (c1 + ks[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round % 8];
    x0 = (x0 + x1) | 0;
    x1 = (x1 << r) | (x1 >>> (32 - r));
    x1 ^= x0;
    if (round % 4 === 3) {
      const inject = (round + 1) / 4;
      x0 = (x0 + ks[inject % 3]) | 0;
      x1 = (x1 + ks[(inject + 1) % 3] + inject) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** What a row of draws is for. Every field is an integer below 2³². */
export interface DrawKey {
  readonly seed: number;
  readonly learner?: number;
  readonly stream: Stream;
  readonly step: number;
}

/** k₁ for rows `rows[i]`: two unsigned words a row, ready for an engine. */
export function rowKeys(key: DrawKey, rows: ArrayLike<number>): Uint32Array {
  const [a, b] = threefry2x32(key.seed, key.learner ?? 0, key.stream, key.step);
  const keys = new Uint32Array(rows.length * 2);
  for (let i = 0; i < rows.length; i++) keys.set(threefry2x32(a, b, rows[i], 0), i * 2);
  return keys;
}

/** The uniform of one (position, draw) in a row: a multiple of 2⁻²⁴ in [0, 1), exact in float32. */
export function uniform(k0: number, k1: number, position: number, draw = 0): number {
  return (threefry2x32(k0, k1, position, draw)[0] >>> 8) / 2 ** 24;
}

/** A sequence of draws from one row, for code that wants "the next number": generators of problems, shuffles, noise. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [low, high], both included. */
  integer(low: number, high: number): number;
  /** One element, uniformly. */
  pick<T>(items: readonly T[]): T;
  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
}

/** The sequence of row `row` under `key`. */
export function randomSequence(key: DrawKey, row = 0): Random {
  const [k0, k1] = rowKeys(key, [row]);
  return sequenceOf(k0, k1);
}

/** The sequence under two words. */
export function sequenceOf(k0: number, k1: number): Random {
  let position = 0;
  const next = () => uniform(k0, k1, position++);
  const integer = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    integer,
    pick: (items) => items[integer(0, items.length - 1)],
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = integer(0, i);
        [copy[i], copy[j]] = [copy[j], copy[i]];
      }
      return copy;
    },
  };
}
