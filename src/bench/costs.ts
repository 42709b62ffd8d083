import { type PolicyConfig, parameterCount } from "../policy/config.ts";
import { NEW_TOKENS, type Workload } from "./workload.ts";

/** What a dispatch must at least do: arithmetic operations (a multiply-add is two), and bytes between memory and processor if every operand passes once. */
export interface Cost {
  readonly flops: number;
  readonly bytes: number;
}

/** A kernel's parameters, as its uniform has them. */
type Params = Readonly<Record<string, number>>;

/** What the parameters do not tell. */
export interface CostContext {
  readonly config: PolicyConfig;
  readonly parameters: number;
  readonly rows: number;
  /** Tokens of a row. */
  readonly length: number;
}

export function costContext({ config, rows, promptLength }: Workload): CostContext {
  return { config, parameters: parameterCount(config), rows, length: promptLength + NEW_TOKENS };
}

/** Four bytes an element. */
const f32 = (flops: number, elements: number): Cost => ({ flops, bytes: 4 * elements });

/** Pairs of a query and a key that it sees, in all rows and heads. */
const pairs = ({ config, rows, length }: CostContext) => (config.heads * rows * length * (length + 1)) / 2;
const attentionElements = ({ config, rows, length }: CostContext) => rows * length * config.heads * config.headDim;

/**
 * By kernel, from its parameters. Exponentials, divisions and square roots count as one operation, which flatters nobody: they are few.
 * A kernel that is not listed is timed all the same, without a share of the peaks.
 */
export const COSTS: Readonly<Record<string, (p: Params, c: CostContext) => Cost>> = {
  embed: ({ count, width }) => f32(0, 2 * count * width + count),
  rms_norm: ({ count, width }) => f32(4 * count * width, 2 * count * width + width + count),
  rms_norm_backward: ({ count, width }) => f32(9 * count * width, 4 * count * width),
  rms_norm_weight_gradient: ({ count, width }) => f32(3 * count * width, 2 * count * width),
  matmul: ({ m, n, k }) => f32(2 * m * n * k, m * k + k * n + m * n),
  rotary: ({ count, heads, headDim }) => f32(6 * count * heads * headDim, 4 * count * heads * headDim),
  // q·k and p·v, and the softmax between them.
  attention: (_, c) => f32(pairs(c) * (4 * c.config.headDim + 5), 4 * attentionElements(c)),
  // q·k, dO·v and dS·k.
  attention_backward_query: (_, c) => f32(pairs(c) * (6 * c.config.headDim + 5), 6 * attentionElements(c)),
  // q·k, dO·v, pᵀ·dO and dSᵀ·q.
  attention_backward_key: (_, c) => f32(pairs(c) * (8 * c.config.headDim + 5), 6 * attentionElements(c)),
  swiglu: ({ count, width }) => f32(5 * count * width, 3 * count * width),
  swiglu_backward: ({ count, width }) => f32(10 * count * width, 5 * count * width),
  log_softmax: ({ count, vocab }) => f32(6 * count * vocab, count * vocab),
  log_softmax_backward: ({ count, vocab }) => f32(5 * count * vocab, 2 * count * vocab),
  embed_backward: ({ width }, { config, rows, length }) => f32(rows * length * width, (rows * length + config.vocabSize) * width),
  reduce_gradients: ({ parameters, slices }) => f32(parameters * slices, parameters * (slices + 2)),
  gradient_norm: (_, { parameters }) => f32(2 * parameters, parameters),
  // θ, m, v and the gradient are read, and written (the gradient with zeros).
  adamw: (_, { parameters }) => f32(12 * parameters, 8 * parameters),
  transpose: (_, { parameters }) => f32(0, 2 * parameters),
  // Whole tokens: every weight once a dispatch (it may stay in the cache between tokens), 2 operations a weight and token.
  decode: ({ count, steps }, { config, parameters, length }) => {
    const cache = count * steps * config.layers * 2 * config.heads * config.headDim * (length / 2);
    return f32(count * steps * 2 * parameters + 2 * cache, parameters + cache);
  },
};

/** What an adapter reached in the same run. */
export interface Peaks {
  /** Operations a second in a large product of float32 matrices. */
  readonly flops: number;
  /** Bytes a second, read and written, in a copy. */
  readonly bytes: number;
}

/** One kernel's dispatches in a piece of work, together. */
export interface KernelTime {
  readonly kernel: string;
  readonly dispatches: number;
  readonly milliseconds: number;
  /** Absent for a kernel without a known cost. */
  readonly cost?: Cost;
}

export interface KernelShare extends KernelTime {
  /** Of all kernels' time. */
  readonly timeShare: number;
  /** Of the measured peaks, 0…1 (above 1: faster than the peak that was measured, as from a cache). */
  readonly flopsShare?: number;
  readonly bytesShare?: number;
}

/** Adds up dispatches by kernel. */
export function byKernel(
  dispatches: readonly { readonly kernel: string; readonly params: Params; readonly milliseconds: number }[],
  context: CostContext,
): KernelTime[] {
  const sums = new Map<string, { kernel: string; dispatches: number; milliseconds: number; cost?: Cost }>();
  for (const { kernel, params, milliseconds } of dispatches) {
    const sum = sums.get(kernel) ?? { kernel, dispatches: 0, milliseconds: 0 };
    sums.set(kernel, sum);
    sum.dispatches++;
    sum.milliseconds += milliseconds;
    const cost = Object.hasOwn(COSTS, kernel) ? COSTS[kernel](params, context) : undefined;
    if (cost) sum.cost = { flops: (sum.cost?.flops ?? 0) + cost.flops, bytes: (sum.cost?.bytes ?? 0) + cost.bytes };
  }
  return [...sums.values()];
}

/** Each kernel's share of time and of the peaks, the longest first. */
export function shares(kernels: readonly KernelTime[], peaks: Peaks): KernelShare[] {
  const total = kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return kernels
    .map((kernel): KernelShare => {
      const { milliseconds, cost } = kernel;
      const timeShare = total > 0 ? milliseconds / total : 0;
      if (!cost || milliseconds === 0) return { ...kernel, timeShare };
      const seconds = milliseconds / 1000;
      return { ...kernel, timeShare, flopsShare: cost.flops / seconds / peaks.flops, bytesShare: cost.bytes / seconds / peaks.bytes };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
