import type { PolicyConfig } from "../config.ts";
import type { Graph, Value } from "./graph.ts";

export type Precision = "float32" | "float64";

/** Added to an attention score or a logit to rule it out: its exponential is exactly 0, and nothing becomes NaN. */
export const MASKED = -1e30;

/**
 * The weights of one layer as tensors of a graph. Matrices are row-major [out, in]. `qkv` is [3·heads·headDim, hiddenSize] and `gateUp`
 * [2·intermediateSize, hiddenSize]: adjacent slices of θ, read as one matrix.
 */
export interface LayerWeights {
  readonly norm1: Value;
  readonly qkv: Value;
  readonly out: Value;
  readonly norm2: Value;
  readonly gateUp: Value;
  readonly down: Value;
}

export interface Weights {
  readonly embedding: Value;
  readonly layers: readonly LayerWeights[];
  readonly norm: Value;
}

/** The packed tensors inside θ, in order. */
export function packedShapes(config: PolicyConfig): number[][] {
  const { vocabSize, hiddenSize: d, heads, headDim, intermediateSize: m } = config;
  const inner = heads * headDim;
  const layer = [[d], [3 * inner, d], [d, inner], [d], [2 * m, d], [d, m]];
  return [[vocabSize, d], ...Array.from({ length: config.layers }, () => layer).flat(), [d]];
}

/** The building blocks of the network in a graph, in either precision. */
export class Ops {
  readonly graph: Graph;
  readonly precision: Precision;
  readonly config: PolicyConfig;

  /** Whether ONNX Runtime's own operators may be used; they are float32 only. */
  private readonly fused: boolean;

  constructor(graph: Graph, config: PolicyConfig, precision: Precision, fused = precision === "float32") {
    this.graph = graph;
    this.config = config;
    this.precision = precision;
    this.fused = fused;
  }

  /** The same operations inside the body of a Loop. */
  within(graph: Graph): Ops {
    return new Ops(graph, this.config, this.precision, this.fused);
  }

  real(values: number | ArrayLike<number>, shape?: readonly number[]): Value {
    return this.graph.reals(this.precision, values, shape);
  }

  add = (a: Value, b: Value) => this.graph.node("Add", [a, b]);
  subtract = (a: Value, b: Value) => this.graph.node("Sub", [a, b]);
  multiply = (a: Value, b: Value) => this.graph.node("Mul", [a, b]);

  reshape(x: Value, shape: readonly number[]): Value {
    return this.graph.node("Reshape", [x, this.graph.ints(shape)]);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.graph.node("Transpose", [x], { perm });
  }

  /** Splits the last axis in two halves. */
  halves(x: Value): Value[] {
    return this.graph.many("Split", [x], { axis: -1, num_outputs: 2 }, 2);
  }

  /** Sum over `axis`, kept as a dimension of size 1 unless said otherwise. */
  sum(x: Value, axis = -1, keep = true): Value {
    return this.graph.node("ReduceSum", [x, this.graph.ints([axis])], { keepdims: keep ? 1 : 0 });
  }

  /** op(a)·op(b); leading dimensions are a batch, and a transposed operand has rank `rank`. */
  matmul(a: Value, b: Value, options: { readonly transA?: boolean; readonly transB?: boolean; readonly rank?: number } = {}): Value {
    const { transA = false, transB = false, rank = 2 } = options;
    if (!transA && !transB) return this.graph.node("MatMul", [a, b]);
    if (this.fused) {
      return this.graph.node("FusedMatMul", [a, b], { transA: transA ? 1 : 0, transB: transB ? 1 : 0 });
    }
    const swap = [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];
    return this.graph.node("MatMul", [transA ? this.transpose(a, swap) : a, transB ? this.transpose(b, swap) : b]);
  }

  /** θ as one flat input, cut into its tensors: no weight is ever copied into a session. */
  weights(theta: Value): Weights {
    const shapes = packedShapes(this.config);
    const sizes = shapes.map((shape) => shape.reduce((a, b) => a * b, 1));
    const parts = this.graph.many("Split", [theta, this.graph.ints(sizes)], { axis: 0 }, sizes.length);
    return groupWeights(parts.map((part, i) => (shapes[i].length === 1 ? part : this.reshape(part, shapes[i]))));
  }

  /** y = x / sqrt(mean(x²) + eps) · w; also the parts that the backward pass needs. */
  rmsNorm(x: Value, weight: Value): { readonly y: Value; readonly normed: Value; readonly scale: Value } {
    const square = this.graph.node("ReduceMean", [this.multiply(x, x), this.graph.ints([-1])], { keepdims: 1 });
    const scale = this.graph.node("Reciprocal", [this.graph.node("Sqrt", [this.add(square, this.real(this.config.rmsNormEps))])]);
    const normed = this.multiply(x, scale);
    return { y: this.multiply(normed, weight), normed, scale };
  }

  /**
   * Cosines and sines of the rotary angles position·ropeTheta^(−2i/headDim), `[2, contextLength, headDim/2]` each: entry 0 is for queries
   * and carries the factor 1/√headDim of the attention scores, entry 1 is for keys.
   */
  rotaryTables(): RotaryTables {
    const { contextLength, headDim, ropeTheta } = this.config;
    const half = headDim / 2;
    const cos = new Float64Array(2 * contextLength * half);
    const sin = new Float64Array(2 * contextLength * half);
    for (let which = 0; which < 2; which++) {
      const factor = which === 0 ? 1 / Math.sqrt(headDim) : 1;
      for (let p = 0; p < contextLength; p++) {
        for (let i = 0; i < half; i++) {
          const angle = p * ropeTheta ** ((-2 * i) / headDim);
          const at = (which * contextLength + p) * half + i;
          cos[at] = factor * Math.cos(angle);
          sin[at] = factor * Math.sin(angle);
        }
      }
    }
    const shape = [2, contextLength, half];
    return { cos: this.real(cos, shape), sin: this.real(sin, shape) };
  }

  /** The tables at `positions` [B, T] (or [1, T] for all rows): [2, B, 1, T, headDim/2]. */
  rotaryAt(tables: RotaryTables, positions: Value): RotaryTables {
    const at = (table: Value) =>
      this.graph.node("Unsqueeze", [this.graph.node("Gather", [table, positions], { axis: 1 }), this.graph.ints([2])]);
    return { cos: at(tables.cos), sin: at(tables.sin) };
  }

  /** Rotates pairs (i, i + headDim/2) of the last axis of x [2, B, heads, T, headDim], forwards or (the transposed map) backwards. */
  rotate(x: Value, { cos, sin }: RotaryTables, backwards = false): Value {
    const [a, b] = this.halves(x);
    const [first, second] = backwards ? (["Add", "Sub"] as const) : (["Sub", "Add"] as const);
    const left = this.graph.node(first, [this.multiply(a, cos), this.multiply(b, sin)]);
    const right = this.graph.node(second, [this.multiply(b, cos), this.multiply(a, sin)]);
    return this.graph.node("Concat", [left, right], { axis: -1 });
  }

  /** The packed projection [B, T, 3·heads·headDim] as rotated queries, rotated keys and values, each [B, heads, T, headDim]. */
  queriesKeysValues(qkv: Value, rotary: RotaryTables): { readonly q: Value; readonly k: Value; readonly v: Value } {
    const { heads, headDim } = this.config;
    const split = this.transpose(this.reshape(qkv, [0, 0, 3, heads, headDim]), [2, 0, 3, 1, 4]);
    const [qk, v] = this.graph.many("Split", [split, this.graph.ints([2, 1])], { axis: 0 }, 2);
    const [q, k] = this.graph.many("Split", [this.rotate(qk, rotary)], { axis: 0, num_outputs: 2 }, 2);
    const drop = (x: Value) => this.graph.node("Squeeze", [x, this.graph.ints([0])]);
    return { q: drop(q), k: drop(k), v: drop(v) };
  }

  /** softmax(q·kᵀ + bias)·v: [B, heads, T, headDim]; the scale is already in q. */
  attention(q: Value, k: Value, v: Value, bias: Value): { readonly probabilities: Value; readonly mixed: Value } {
    const scores = this.add(this.matmul(q, k, { transB: true, rank: 4 }), bias);
    const probabilities = this.graph.node("Softmax", [scores], { axis: -1 });
    return { probabilities, mixed: this.matmul(probabilities, v, { rank: 4 }) };
  }

  /** [B, heads, T, headDim] → [B, T, heads·headDim]. */
  mergeHeads(x: Value): Value {
    return this.reshape(this.transpose(x, [0, 2, 1, 3]), [0, 0, this.config.heads * this.config.headDim]);
  }

  /** silu(gate)·up of the packed projection, and its parts. */
  swiGlu(gateUp: Value): SwiGlu {
    const [gate, up] = this.halves(gateUp);
    const sigmoid = this.graph.node("Sigmoid", [gate]);
    const silu = this.multiply(gate, sigmoid);
    return { up, sigmoid, silu, y: this.multiply(silu, up) };
  }

  /** One decoder layer on x [B, T, hiddenSize], given how attention finds its keys and values. */
  layer(x: Value, weights: LayerWeights, rotary: RotaryTables, attend: Attend): LayerTrace {
    const norm1 = this.rmsNorm(x, weights.norm1);
    const heads = this.queriesKeysValues(this.matmul(norm1.y, weights.qkv, { transB: true }), rotary);
    const attention = attend(heads.q, heads.k, heads.v);
    const merged = this.mergeHeads(attention.mixed);
    const middle = this.add(x, this.matmul(merged, weights.out, { transB: true }));
    const norm2 = this.rmsNorm(middle, weights.norm2);
    const swiGlu = this.swiGlu(this.matmul(norm2.y, weights.gateUp, { transB: true }));
    const y = this.add(middle, this.matmul(swiGlu.y, weights.down, { transB: true }));
    return { y, norm1, heads, attention, merged, norm2, swiGlu };
  }
}

export interface RotaryTables {
  readonly cos: Value;
  readonly sin: Value;
}

export interface SwiGlu {
  readonly y: Value;
  readonly up: Value;
  readonly sigmoid: Value;
  readonly silu: Value;
}

export type Attend = (q: Value, k: Value, v: Value) => { readonly probabilities: Value; readonly mixed: Value };

/** What a layer computed: its output and the activations that its backward pass reads. */
export interface LayerTrace {
  readonly y: Value;
  readonly norm1: ReturnType<Ops["rmsNorm"]>;
  readonly heads: { readonly q: Value; readonly k: Value; readonly v: Value };
  readonly attention: { readonly probabilities: Value; readonly mixed: Value };
  readonly merged: Value;
  readonly norm2: ReturnType<Ops["rmsNorm"]>;
  readonly swiGlu: SwiGlu;
}

/** The packed tensors in order → by name. */
export function groupWeights(parts: readonly Value[]): Weights {
  const layers: LayerWeights[] = [];
  for (let at = 1; at + 6 < parts.length; at += 6) {
    const [norm1, qkv, out, norm2, gateUp, down] = parts.slice(at, at + 6);
    layers.push({ norm1, qkv, out, norm2, gateUp, down });
  }
  return { embedding: parts[0], layers, norm: parts[parts.length - 1] };
}
