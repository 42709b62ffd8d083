import { afterAll, afterEach, expect } from "vitest";
import { type PolicyConfig, parameterLayout } from "../config.ts";
import { type TokenBatch, tokenBatch } from "../engine.ts";
import { randomSequence, STREAM } from "../random.ts";
import type { WebgpuEngine } from "./engine.ts";
import { createNodeWebgpuEngine } from "./node.ts";

let engine: WebgpuEngine | undefined;

/** One engine a test file; every test that used it must leave no error behind. */
export async function testEngine(): Promise<WebgpuEngine> {
  engine ??= await createNodeWebgpuEngine();
  return engine;
}

export function failOnGpuErrors(): void {
  afterEach(() => {
    expect(engine?.errorMessages() ?? []).toEqual([]);
    expect(engine?.errorCount() ?? 0).toBe(0);
  });
  afterAll(() => {
    engine?.dispose();
    engine = undefined;
  });
}

/** The smallest shape that has everything: two layers, two heads, odd sizes where allowed. */
export const TOY: PolicyConfig = {
  vocabSize: 23,
  hiddenSize: 12,
  layers: 2,
  heads: 2,
  headDim: 6,
  intermediateSize: 17,
  contextLength: 80,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
};

/** Approximately normal numbers with the given deviation, the same for the same seed. */
export function normals(seed: number, count: number, deviation = 1): Float32Array {
  const random = randomSequence({ seed, stream: STREAM.initialise, step: 0 });
  return Float32Array.from({ length: count }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += random.next();
    return deviation * (sum - 6);
  });
}

/** Weights that give lively logits: norm weights near 1, matrices scaled by their input width. */
export function testWeights(config: PolicyConfig, seed = 1): Float32Array {
  const layout = parameterLayout(config);
  const theta = normals(seed, layout.at(-1)!.offset + layout.at(-1)!.size);
  for (const { shape, offset, size } of layout) {
    for (let i = offset; i < offset + size; i++)
      theta[i] = shape.length === 1 ? 1 + 0.2 * theta[i] : theta[i] * (1.2 / Math.sqrt(shape[1]));
  }
  return theta;
}

/** Rows with prompt and completion lengths as given, tokens at random. */
export function testBatch(config: PolicyConfig, lengths: readonly (readonly [number, number])[], seed = 2): TokenBatch {
  const random = randomSequence({ seed, stream: STREAM.shuffle, step: 0 });
  const tokens = (n: number) => Array.from({ length: n }, () => random.integer(0, config.vocabSize - 1));
  return tokenBatch(
    lengths.map(([prompt]) => tokens(prompt)),
    lengths.map(([, completion]) => tokens(completion)),
  );
}

/** Largest |a − b| / max(1, |b|). */
export function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let error = 0;
  for (let i = 0; i < a.length; i++) {
    const e = Math.abs(a[i] - b[i]) / Math.max(1, Math.abs(b[i]));
    if (!(e <= error)) error = Number.isNaN(e) ? Number.POSITIVE_INFINITY : e;
  }
  return error;
}

/** ‖a − b‖ / ‖b‖ over a slice; a slice that is 0 by symmetry is measured against a thousandth of the whole. */
export function relativeNorm(a: ArrayLike<number>, b: ArrayLike<number>, offset = 0, size = a.length): number {
  let difference = 0;
  let norm = 0;
  for (let i = offset; i < offset + size; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  const whole = Math.sqrt(Array.from(b).reduce((sum, x) => sum + x * x, 0));
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-3 * whole, 1e-12);
}
