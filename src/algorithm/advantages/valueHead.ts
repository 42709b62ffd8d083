import type { Numbers, PluginState } from "../batch.ts";

/** A linear value function V = w·h + b with the moments of its own Adam, as plain data. */
export interface ValueHead {
  /** `[hiddenSize + 1]`: w, then b. */
  readonly weights: readonly number[];
  readonly first: readonly number[];
  readonly second: readonly number[];
  /** Adam steps taken. */
  readonly updates: number;
}

const BETA1 = 0.9;
const BETA2 = 0.999;

/** The head kept in a plug-in's state; zeros at a run's start, or where the state belongs to another hidden size. */
export function readValueHead(state: PluginState | undefined, hiddenSize: number): ValueHead {
  const kept = state as unknown as ValueHead | undefined;
  if (kept?.weights?.length === hiddenSize + 1) return kept;
  const zeros = new Array<number>(hiddenSize + 1).fill(0);
  return { weights: zeros, first: zeros, second: zeros, updates: 0 };
}

function valueAt(weights: Numbers, hidden: Numbers, token: number): number {
  const size = weights.length - 1;
  let sum = weights[size];
  for (let i = 0; i < size; i++) sum += weights[i] * hidden[token * size + i];
  return sum;
}

/** `[tokens]`: the value before each token, from `hidden` `[tokens·hiddenSize]`. */
export function valuesOf(head: ValueHead, hidden: Numbers, tokens: number): Float64Array {
  return Float64Array.from({ length: tokens }, (_, t) => valueAt(head.weights, hidden, t));
}

/** `updates` full-batch Adam steps on ½·mean((V − return)²) over the given tokens. A step that would not be finite is not taken. */
export function trainValueHead(
  head: ValueHead,
  hidden: Numbers,
  tokens: readonly number[],
  returns: Numbers,
  learningRate: number,
  updates: number,
): ValueHead {
  let { weights, first, second, updates: taken } = head;
  const size = weights.length - 1;
  for (let step = 0; step < updates && tokens.length > 0; step++) {
    const gradient = new Float64Array(size + 1);
    for (const t of tokens) {
      const error = (valueAt(weights, hidden, t) - returns[t]) / tokens.length;
      for (let i = 0; i < size; i++) gradient[i] += error * hidden[t * size + i];
      gradient[size] += error;
    }
    if (!gradient.every(Number.isFinite)) break;
    taken++;
    first = first.map((m, i) => BETA1 * m + (1 - BETA1) * gradient[i]);
    second = second.map((v, i) => BETA2 * v + (1 - BETA2) * gradient[i] ** 2);
    const [c1, c2] = [1 - BETA1 ** taken, 1 - BETA2 ** taken];
    weights = weights.map((w, i) => w - (learningRate * (first[i] / c1)) / (Math.sqrt(second[i] / c2) + 1e-8));
  }
  return { weights, first, second, updates: taken };
}
