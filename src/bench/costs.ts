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
  /** Of one weight as the kernels read it. */
  readonly weightBytes: number;
  /** Rows that the attention kernels see, and tokens of each. */
  readonly rows: number;
  readonly length: number;
  /** Rows that are drawn, and tokens of each that are there before the first is. */
  readonly draws: number;
  readonly promptLength: number;
}

/** Training sees whole rows; in decoding, what is not the decoding kernel computes the distinct prompts' tokens before their last. */
export function costContext({ config, rows, promptLength, tokens }: Workload, part: "train" | "rollouts", weightBytes = 4): CostContext {
  const length = promptLength + NEW_TOKENS;
  const shared = { config, parameters: parameterCount(config), weightBytes, draws: rows, promptLength };
  if (part === "train") return { ...shared, rows, length };
  const prompts = new Set(Array.from({ length: rows }, (_, r) => tokens.subarray(r * length, r * length + promptLength - 1).join()));
  return { ...shared, rows: prompts.size, length: promptLength - 1 };
}

/** Four bytes an element. */
const f32 = (flops: number, elements: number): Cost => ({ flops, bytes: 4 * elements });
/** Besides, weights that are read. */
const weighted = (flops: number, elements: number, weights: number, { weightBytes }: CostContext): Cost => ({
  flops,
  bytes: 4 * elements + weightBytes * weights,
});

/** Pairs of a query and a key that it sees, in all rows and heads. */
const pairs = ({ config, rows, length }: CostContext) => (config.heads * rows * length * (length + 1)) / 2;
/** The products of a layer, in the order of the forward pass, and the head's. Per token: weights, and floats read and written beside them. */
const products = ({ config }: CostContext) => {
  const { hiddenSize: d, heads, headDim, intermediateSize: m, vocabSize } = config;
  const inner = heads * headDim;
  return {
    qkv: { weights: 3 * inner * d, floats: 2 * d + 3 * inner },
    o: { weights: inner * d, floats: 4 * inner + 2 * d },
    gateUp: { weights: 2 * m * d, floats: 2 * d + 3 * m },
    down: { weights: m * d, floats: m + 2 * d },
    head: { weights: vocabSize * d, floats: d + vocabSize },
  };
};
const product = ({ weights, floats }: { weights: number; floats: number }, tokens: number, c: CostContext): Cost =>
  weighted(2 * weights * tokens, floats * tokens, weights, c);
const plus = (a: Cost, b: Cost): Cost => ({ flops: a.flops + b.flops, bytes: a.bytes + b.bytes });
/** The phases from `firstPhase` up to `lastPhase` of a pass by rows. */
const phases = ({ firstPhase, lastPhase }: Params, list: readonly Cost[]) =>
  list.slice(firstPhase, lastPhase).reduce(plus, { flops: 0, bytes: 0 });
const attentionElements = ({ config, rows, length }: CostContext) => rows * length * config.heads * config.headDim;

/** Tokens that a row which is being drawn looks back at, on average. */
const seen = ({ promptLength }: CostContext) => promptLength + NEW_TOKENS / 2;
/** Drawing whole tokens: every weight once a dispatch (it may stay in a cache between tokens), two operations a weight and token. */
const wholeTokens = ({ count, steps }: Params, c: CostContext): Cost => {
  const cache = count * steps * c.config.layers * 2 * c.config.heads * c.config.headDim * seen(c);
  return weighted(count * steps * 2 * c.parameters + 2 * cache, cache, c.parameters, c);
};

/**
 * By kernel, from its parameters. Exponentials, divisions and square roots count as one operation, which flatters nobody: they are few.
 * A kernel that is not listed is timed all the same, without a share of the peaks.
 */
export const COSTS: Readonly<Record<string, (p: Params, c: CostContext) => Cost>> = {
  embed: ({ count, width }, c) => weighted(0, count * width + count, count * width, c),
  rms_norm: ({ count, width }, c) => weighted(4 * count * width, 2 * count * width + count, width, c),
  rms_norm_backward: ({ count, width }) => f32(9 * count * width, 4 * count * width),
  rms_norm_weight_gradient: ({ count, width }) => f32(3 * count * width, 2 * count * width),
  // Weight gradients, which go to slices, have no weights among their operands.
  matmul: ({ m, n, k, cSlice }, c) =>
    cSlice > 0 ? f32(2 * m * n * k, m * k + k * n + m * n) : weighted(2 * m * n * k, m * k + m * n, k * n, c),
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
  // θ, m, v and the gradient are read, and written (the gradient with zeros); so is a copy of 16 bits, if there is one.
  adamw: (_, c) => weighted(12 * c.parameters, 8 * c.parameters, c.weightBytes < 4 ? c.parameters : 0, c),
  /** Phases: for each layer qkv, attention and o, gate and up, down; then the head. */
  row_forward: (p, c) => {
    const { qkv, o, gateUp, down, head } = products(c);
    const attention = { flops: pairs(c) * (4 * c.config.headDim + 5), bytes: 0 };
    const layer = [
      product(qkv, p.tokens, c),
      plus(product(o, p.tokens, c), attention),
      product(gateUp, p.tokens, c),
      product(down, p.tokens, c),
    ];
    return phases(p, [...Array.from({ length: c.config.layers }, () => layer).flat(), product(head, p.predictions, c)]);
  },
  /** The other way round. */
  row_backward: (p, c) => {
    const { qkv, o, gateUp, down, head } = products(c);
    const attention = f32(pairs(c) * (10 * c.config.headDim + 5), 4 * attentionElements(c));
    const layer = [
      product(down, p.tokens, c),
      product(gateUp, p.tokens, c),
      plus(product(o, p.tokens, c), attention),
      product(qkv, p.tokens, c),
    ];
    return phases(p, [product(head, p.predictions, c), ...Array.from({ length: c.config.layers }, () => layer).flat()]);
  },
  /** dyᵀ·x of every matrix. */
  weight_gradients: ({ tokens, predictions, slices }, c) => {
    const { head, ...layer } = products(c);
    const list = Object.values(layer);
    const sum = (key: "weights" | "floats") => c.config.layers * list.reduce((total, product) => total + product[key], 0);
    const flops = 2 * (tokens * sum("weights") + predictions * head.weights);
    return f32(flops, tokens * sum("floats") + predictions * head.floats + slices * c.parameters);
  },
  cache_fill: ({ inner, tokens }) => f32(0, 4 * inner * tokens),
  transpose: (_, c) => weighted(0, 0, 2 * c.parameters, c),
  decode: wholeTokens,
  decode_direct: wholeTokens,
  // Step by step, for policies too wide for a workgroup.
  decode_embed: ({ count, width }, c) => weighted(0, count * width, count * width, c),
  decode_attention: ({ heads, headDim }, c) =>
    f32(c.draws * heads * seen(c) * (4 * headDim + 5), c.draws * heads * headDim * (2 * seen(c) + 4)),
  decode_draw: ({ count, vocab }) => f32(8 * count * vocab, count * vocab),
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
