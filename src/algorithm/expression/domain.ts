import type { RolloutBatch } from "../batch.ts";
import type { Level } from "./functions.ts";
import { SHAPES, type Shape } from "./inputs.ts";

/** The rows and tokens of a batch that count, numbered anew, and how groups, rollouts and tokens hang together. */
export interface Domain {
  /** How many values each shape has. */
  readonly sizes: Readonly<Record<Shape, number>>;
  /** New number → number in the batch. */
  readonly original: Readonly<Record<Shape, Int32Array>>;
  /** Of each row of the batch, its first token there. */
  readonly firstToken: ArrayLike<number>;
  /** Of each value of a shape, the value of a coarser one that it belongs to. */
  owner(fine: Shape, coarse: Shape): Int32Array;
  /** What each reduction reduces: result i reduces `items[starts[i]] … items[starts[i + 1] − 1]`. */
  segments(level: Level, from: Shape): Segments;
}

export interface Segments {
  readonly starts: Int32Array;
  readonly items: Int32Array;
}

/**
 * The part of a batch that counts. A group without rows is left out.
 * @param keepRow Which rows count.
 * @param keepToken Which of their tokens count.
 */
export function makeDomain(batch: RolloutBatch, keepRow: (r: number) => boolean, keepToken: (t: number) => boolean): Domain {
  const groups: number[] = [];
  const rows: number[] = [];
  const tokens: number[] = [];
  const groupOfRow: number[] = [];
  const rowOfToken: number[] = [];
  const numberOfGroup = new Map<number, number>();
  for (let r = 0; r < batch.rows; r++) {
    if (!keepRow(r)) continue;
    let g = numberOfGroup.get(batch.group[r]);
    if (g === undefined) {
      g = groups.push(batch.group[r]) - 1;
      numberOfGroup.set(batch.group[r], g);
    }
    for (let t = batch.offsets[r]; t < batch.offsets[r + 1]; t++) {
      if (!keepToken(t)) continue;
      tokens.push(t);
      rowOfToken.push(rows.length);
    }
    groupOfRow.push(g);
    rows.push(r);
  }
  const original = {
    scalar: Int32Array.of(0),
    group: Int32Array.from(groups),
    rollout: Int32Array.from(rows),
    token: Int32Array.from(tokens),
  };
  const sizes = { scalar: 1, group: groups.length, rollout: rows.length, token: tokens.length };
  const up: Readonly<Partial<Record<Shape, Int32Array>>> = {
    group: new Int32Array(groups.length),
    rollout: Int32Array.from(groupOfRow),
    token: Int32Array.from(rowOfToken),
  };
  const owner = (fine: Shape, coarse: Shape): Int32Array => {
    const at = new Int32Array(sizes[fine]);
    for (let i = 0; i < at.length; i++) at[i] = i;
    for (let s = SHAPES.indexOf(fine); s > SHAPES.indexOf(coarse); s--) {
      const next = up[SHAPES[s]]!;
      for (let i = 0; i < at.length; i++) at[i] = next[at[i]];
    }
    return at;
  };
  const segments = (level: Level, from: Shape): Segments => {
    const to = level === "batch" ? "scalar" : level;
    const owners = owner(from, to);
    const starts = new Int32Array(sizes[to] + 1);
    for (const o of owners) starts[o + 1]++;
    for (let i = 0; i < sizes[to]; i++) starts[i + 1] += starts[i];
    const next = starts.slice();
    const items = new Int32Array(owners.length);
    owners.forEach((o, i) => {
      items[next[o]++] = i;
    });
    return { starts, items };
  };
  return { sizes, original, firstToken: batch.offsets, owner: remember(owner), segments: remember(segments) };
}

/** Computes each answer once. */
function remember<A extends string, B extends string, R>(compute: (a: A, b: B) => R): (a: A, b: B) => R {
  const known = new Map<string, R>();
  return (a, b) => {
    const key = `${a} ${b}`;
    let result = known.get(key);
    if (result === undefined) {
      result = compute(a, b);
      known.set(key, result);
    }
    return result;
  };
}

/** The values of a coarse shape, for each value of a finer one. */
export function spread(values: Float64Array, from: Shape, to: Shape, domain: Domain): Float64Array {
  return from === to ? values : pick(values, domain.owner(to, from));
}

/** The values at these places. */
export function pick(values: ArrayLike<number>, at: Int32Array): Float64Array {
  const picked = new Float64Array(at.length);
  for (let i = 0; i < at.length; i++) picked[i] = values[at[i]];
  return picked;
}
