import type { Numbers } from "../algorithm/batch.ts";
import { GoldenError } from "../policy/golden.ts";
import { isObject } from "../policy/llama-config.ts";

/** Reading golden documents: values are checked as they are taken, and what is wrong is told with its place. */

export type Json = Record<string, unknown>;

/** A golden file of which nothing is known: the method that it is about is not implemented. */
export class UnknownMethodError extends GoldenError {}

export interface Recomputed {
  /** A deep copy of the document with every output that we know how to compute replaced by our own number. */
  readonly document: unknown;
  /** Names of the estimators, losses or outputs that were left as given. */
  readonly unknown: readonly string[];
}

/** An object of a golden document, read by key. Every method throws a `GoldenError` that names the place if the value is not of that kind. */
export interface Reader {
  readonly raw: Json;
  readonly place: string;
  has(key: string): boolean;
  number(key: string, fallback?: number): number;
  /** A whole number of at least `least` (default 1). */
  count(key: string, least?: number): number;
  flag(key: string, fallback?: boolean): boolean;
  text(key: string, fallback?: string): string;
  /** @param length as many numbers as this, if given. */
  numbers(key: string, length?: number): number[];
  /** Rows of numbers. @param rows as many rows as this, if given. */
  table(key: string, rows?: number): number[][];
  /** Rows of rows of numbers. */
  cube(key: string, planes?: number): number[][][];
  object(key: string): Reader;
  objects(key: string): Reader[];
}

const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((x) => typeof x === "number");

/** @throws GoldenError unless `raw` is an object. */
export function reader(raw: unknown, place: string): Reader {
  if (!isObject(raw)) throw new GoldenError(`${place} is not an object`);
  const fail = (problem: string): never => {
    throw new GoldenError(`${place}: ${problem}`);
  };
  const fits = <T extends readonly unknown[]>(key: string, value: T, length: number | undefined): T =>
    length !== undefined && value.length !== length ? fail(`${key} has ${value.length} entries, ${length} are needed`) : value;
  const self: Reader = {
    raw,
    place,
    has: (key) => raw[key] !== undefined && raw[key] !== null,
    number(key, fallback) {
      const value = raw[key] ?? fallback;
      return typeof value === "number" ? value : fail(`${key} must be a number`);
    },
    count(key, least = 1) {
      const value = raw[key];
      return typeof value === "number" && Number.isInteger(value) && value >= least
        ? value
        : fail(`${key} must be a whole number of at least ${least}`);
    },
    flag(key, fallback) {
      const value = raw[key] ?? fallback;
      return typeof value === "boolean" ? value : fail(`${key} must be true or false`);
    },
    text(key, fallback) {
      const value = raw[key] ?? fallback;
      return typeof value === "string" ? value : fail(`${key} must be text`);
    },
    numbers(key, length) {
      const value = raw[key];
      return isNumbers(value) ? fits(key, value, length) : fail(`${key} must be an array of numbers`);
    },
    table(key, rows) {
      const value = raw[key];
      return Array.isArray(value) && value.every(isNumbers)
        ? fits(key, value as number[][], rows)
        : fail(`${key} must be an array of rows of numbers`);
    },
    cube(key, planes) {
      const value = raw[key];
      return Array.isArray(value) && value.every((plane) => Array.isArray(plane) && plane.every(isNumbers))
        ? fits(key, value as number[][][], planes)
        : fail(`${key} must be an array of tables of numbers`);
    },
    object: (key) => reader(raw[key], `${place}: ${key}`),
    objects(key) {
      const value = raw[key];
      return Array.isArray(value) ? value.map((one, i) => reader(one, `${place}: ${key}[${i}]`)) : fail(`${key} must be an array`);
    },
  };
  return self;
}

/** Groups of rollouts that lie one after another: rollout i belongs to group ⌊i / size⌋. */
export function consecutiveGroups(rows: number, size: number): { group: number[]; groups: number[][] } {
  const group = Array.from({ length: rows }, (_, r) => Math.floor(r / size));
  const groups = Array.from({ length: Math.ceil(rows / size) }, (_, g) => group.flatMap((owner, r) => (owner === g ? [r] : [])));
  return { group, groups };
}

/** `[rows + 1]`: where each row's tokens start. @throws GoldenError unless every length is a whole number of at least 0. */
export function offsetsOf(lengths: readonly number[], place: string): number[] {
  const offsets = [0];
  for (const length of lengths) {
    if (!Number.isInteger(length) || length < 0) throw new GoldenError(`${place}: a length must be a whole number of at least 0`);
    offsets.push(offsets[offsets.length - 1] + length);
  }
  return offsets;
}

/** The first `lengths[r]` numbers of each padded row, one after another. @throws GoldenError if a row is shorter. */
export function pack(table: readonly (readonly number[])[], offsets: Numbers, place: string): Float64Array {
  const packed = new Float64Array(offsets[offsets.length - 1]);
  table.forEach((row, r) => {
    const length = offsets[r + 1] - offsets[r];
    if (row.length < length) throw new GoldenError(`${place}: row ${r} has ${row.length} numbers, its length is ${length}`);
    packed.set(row.slice(0, length), offsets[r]);
  });
  return packed;
}

/** The opposite of `pack`: rows of the given widths, 0 on padding. */
export const unpack = (packed: Numbers, offsets: Numbers, widths: readonly number[]): number[][] =>
  widths.map((width, r) => Array.from({ length: width }, (_, t) => (offsets[r] + t < offsets[r + 1] ? packed[offsets[r] + t] : 0)));
