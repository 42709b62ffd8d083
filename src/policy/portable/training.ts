import type { PolicyConfig } from "../config.ts";
import { Graph, type Value } from "./graph.ts";
import { type LayerTrace, type LayerWeights, Ops, type Precision, type RotaryTables, type Weights } from "./network.ts";

/**
 * The graphs that score tokens and that compute the gradient. Both read
 *   theta [P] · tokens [B, T] int32 (rows padded on the right with any token) · positions [1, T] int32 = 0..T−1 · bias [T, T] (causal) ·
 *   select [N] int32 (flat positions b·T + t whose next token is asked about) · targets [N, 1] int32 (that token) · inverseTemperature [].
 * Padding has no effect: no real token attends to it, `select` leaves it out, and so its gradient is exactly zero.
 */
interface Forward {
  readonly weights: Weights;
  readonly tokens: Value;
  readonly select: Value;
  readonly inverseTemperature: Value;
  readonly rotary: RotaryTables;
  readonly embedded: Value;
  readonly layers: readonly LayerTrace[];
  readonly norm: ReturnType<Ops["rmsNorm"]>;
  /** [N, vocabSize] */
  readonly logits: Value;
  readonly logProbs: Value;
  readonly probabilities: Value;
  /** log π of the targets and entropy, [N, 1]. */
  readonly logProb: Value;
  readonly entropy: Value;
  readonly targets: Value;
}

function forward(ops: Ops): Forward {
  const { graph, config, precision } = ops;
  const theta = graph.input("theta", precision, ["P"]);
  const tokens = graph.input("tokens", "int32", ["B", "T"]);
  const positions = graph.input("positions", "int32", [1, "T"]);
  const bias = graph.input("bias", precision, ["T", "T"]);
  const select = graph.input("select", "int32", ["N"]);
  const targets = graph.input("targets", "int32", ["N", 1]);
  const inverseTemperature = graph.input("inverseTemperature", precision, []);

  const weights = ops.weights(theta);
  const rotary = ops.rotaryAt(ops.rotaryTables(), positions);
  const embedded = graph.node("Gather", [weights.embedding, tokens], { axis: 0 });
  const layers: LayerTrace[] = [];
  let x = embedded;
  for (const layer of weights.layers) {
    const trace = ops.layer(x, layer, rotary, (q, k, v) => ops.attention(q, k, v, bias));
    layers.push(trace);
    x = trace.y;
  }
  const selected = graph.node("Gather", [ops.reshape(x, [-1, config.hiddenSize]), select], { axis: 0 });
  const norm = ops.rmsNorm(selected, weights.norm);
  const logits = ops.matmul(norm.y, weights.embedding, { transB: true });
  const logProbs = graph.node("LogSoftmax", [ops.multiply(logits, inverseTemperature)], { axis: -1 });
  const probabilities = graph.node("Exp", [logProbs]);
  const logProb = graph.node("GatherElements", [logProbs, targets], { axis: 1 });
  const entropy = graph.node("Neg", [ops.sum(ops.multiply(probabilities, logProbs))]);
  return {
    weights,
    tokens,
    select,
    inverseTemperature,
    rotary,
    embedded,
    layers,
    norm,
    logits,
    logProbs,
    probabilities,
    logProb,
    entropy,
    targets,
  };
}

/**
 * Scores: logProb, entropy, sumSquares [N]; logits [N, vocabSize] before temperature; hidden [N, hiddenSize] after the last norm;
 * with topK, also topKTokens (int64) and topKLogProbs [N, topK], ties to the lower id.
 */
export function scoringModel(config: PolicyConfig, precision: Precision, topK: number): Uint8Array {
  const graph = new Graph("scoring");
  const ops = new Ops(graph, config, precision);
  const f = forward(ops);
  graph.output(ops.reshape(f.logProb, [-1]), precision, ["N"], "logProb");
  graph.output(ops.reshape(f.entropy, [-1]), precision, ["N"], "entropy");
  graph.output(ops.sum(ops.multiply(f.probabilities, f.probabilities), -1, false), precision, ["N"], "sumSquares");
  graph.output(f.logits, precision, ["N", config.vocabSize], "logits");
  graph.output(f.norm.y, precision, ["N", config.hiddenSize], "hidden");
  if (topK > 0) {
    const [values, indices] = graph.many("TopK", [f.logProbs, graph.ints([topK])], { axis: -1, largest: 1, sorted: 1 }, 2);
    graph.output(values, precision, ["N", topK], "topKLogProbs");
    graph.output(indices, "int64", ["N", topK], "topKTokens");
  }
  return graph.model();
}

/**
 * The gradient of θ, flat, with logProb and entropy [N]: forward and backward in one run. Extra inputs: logProbCoefficient, entropyCoefficient [N, 1] and, if `dense`,
 * logitCoefficient [N, vocabSize]; see `Coefficients` in the engine contract for the formula.
 */
export function gradientModel(config: PolicyConfig, precision: Precision, dense: boolean): Uint8Array {
  const { hiddenSize: d, heads, headDim, vocabSize } = config;
  const graph = new Graph("gradient");
  const ops = new Ops(graph, config, precision);
  const f = forward(ops);
  const c = graph.input("logProbCoefficient", precision, ["N", 1]);
  const e = graph.input("entropyCoefficient", precision, ["N", 1]);

  const oneHot = (ids: Value) => {
    const equal = graph.node("Equal", [ids, graph.int32s(Array.from({ length: vocabSize }, (_, v) => v))]);
    return graph.node("Cast", [equal], { to: precision === "float32" ? 1 : 11 });
  };
  /** Rows of all but the last axis, as one axis. */
  const flat = (x: Value, width: number) => ops.reshape(x, [-1, width]);
  /** ∂L/∂W of y = x·Wᵀ. */
  const weightGradient = (dy: Value, x: Value) => ops.matmul(dy, x, { transA: true });

  // dz = [ c·(onehot − p) − e·p·(ln p + H) ] / T = [ c·onehot − p·(c + e·(ln p + H)) ] / T
  const spread = ops.add(c, ops.multiply(e, ops.add(f.logProbs, f.entropy)));
  const inner = ops.subtract(ops.multiply(c, oneHot(f.targets)), ops.multiply(f.probabilities, spread));
  let dLogits = ops.multiply(inner, f.inverseTemperature);
  if (dense) dLogits = ops.add(dLogits, graph.input("logitCoefficient", precision, ["N", vocabSize]));

  let dEmbedding = weightGradient(dLogits, f.norm.y);
  const finalNorm = rmsNormBackward(ops, f.norm, f.weights.norm, ops.matmul(dLogits, f.weights.embedding));
  const gradients: Value[] = [];
  // Hand each selected row's gradient to its position; `select` names a position at most once.
  const hiddenShape = graph.node("Shape", [flat(f.embedded, d)]);
  const zeros = graph.node("Expand", [ops.real(0), hiddenShape]);
  const selectColumn = graph.node("Cast", [ops.reshape(f.select, [-1, 1])], { to: 7 });
  const scattered = graph.node("ScatterND", [zeros, selectColumn, finalNorm.dx]);
  let dx = graph.node("Reshape", [scattered, graph.node("Shape", [f.embedded])]);

  for (let l = config.layers - 1; l >= 0; l--) {
    const back = layerBackward(l);
    dx = back.dx;
    gradients.unshift(...back.gradients);
  }
  const dTokens = weightGradient(oneHot(ops.reshape(f.tokens, [-1, 1])), flat(dx, d));
  dEmbedding = ops.add(dEmbedding, dTokens);
  const all = [dEmbedding, ...gradients, finalNorm.dWeight].map((gradient) => ops.reshape(gradient, [-1]));
  graph.output(graph.node("Concat", all, { axis: 0 }), precision, ["P"], "gradient");
  graph.output(ops.reshape(f.logProb, [-1]), precision, ["N"], "logProb");
  graph.output(ops.reshape(f.entropy, [-1]), precision, ["N"], "entropy");
  return graph.model();

  function layerBackward(l: number): { readonly dx: Value; readonly gradients: Value[] } {
    const w: LayerWeights = f.weights.layers[l];
    const t = f.layers[l];
    const inner = heads * headDim;
    // Feed-forward block.
    const dDown = weightGradient(flat(dx, d), flat(t.swiGlu.y, config.intermediateSize));
    const dSwiGlu = ops.matmul(dx, w.down);
    const dUp = ops.multiply(dSwiGlu, t.swiGlu.silu);
    // silu′(g) = σ + silu·(1 − σ)
    const slope = ops.add(t.swiGlu.sigmoid, ops.multiply(t.swiGlu.silu, ops.subtract(ops.real(1), t.swiGlu.sigmoid)));
    const dGate = ops.multiply(ops.multiply(dSwiGlu, t.swiGlu.up), slope);
    const dGateUp = graph.node("Concat", [dGate, dUp], { axis: -1 });
    const dGateUpWeight = weightGradient(flat(dGateUp, 2 * config.intermediateSize), flat(t.norm2.y, d));
    const norm2 = rmsNormBackward(ops, t.norm2, w.norm2, ops.matmul(dGateUp, w.gateUp));
    const dMiddle = ops.add(dx, norm2.dx);
    // Attention block.
    const dOut = weightGradient(flat(dMiddle, d), flat(t.merged, inner));
    const dMerged = ops.matmul(dMiddle, w.out);
    const dMixed = ops.transpose(ops.reshape(dMerged, [0, 0, heads, headDim]), [0, 2, 1, 3]);
    const p = t.attention.probabilities;
    const dV = ops.matmul(p, dMixed, { transA: true, rank: 4 });
    const dP = ops.matmul(dMixed, t.heads.v, { transB: true, rank: 4 });
    // Softmax: dS = P·(dP − Σ dP·P), and Σ_j dP_j·P_j = Σ dO·O.
    const dot = ops.sum(ops.multiply(dMixed, t.attention.mixed));
    const dS = ops.multiply(p, ops.subtract(dP, dot));
    const dQ = ops.matmul(dS, t.heads.k, { rank: 4 });
    const dK = ops.matmul(dS, t.heads.q, { transA: true, rank: 4 });
    const lead = (x: Value) => graph.node("Unsqueeze", [x, graph.ints([0])]);
    const dQK = ops.rotate(graph.node("Concat", [lead(dQ), lead(dK)], { axis: 0 }), f.rotary, true);
    const dQKV = ops.transpose(graph.node("Concat", [dQK, lead(dV)], { axis: 0 }), [1, 3, 0, 2, 4]);
    const dPacked = ops.reshape(dQKV, [0, 0, 3 * inner]);
    const dQkvWeight = weightGradient(flat(dPacked, 3 * inner), flat(t.norm1.y, d));
    const norm1 = rmsNormBackward(ops, t.norm1, w.norm1, ops.matmul(dPacked, w.qkv));
    return { dx: ops.add(dMiddle, norm1.dx), gradients: [norm1.dWeight, dQkvWeight, dOut, norm2.dWeight, dGateUpWeight, dDown] };
  }
}

/** y = x̂·w with x̂ = x·r: dx = r·(dx̂ − x̂·mean(dx̂·x̂)), dw = Σ dy·x̂. */
function rmsNormBackward(
  ops: Ops,
  norm: ReturnType<Ops["rmsNorm"]>,
  weight: Value,
  dy: Value,
): { readonly dx: Value; readonly dWeight: Value } {
  const { graph, config } = ops;
  const dNormed = ops.multiply(dy, weight);
  const mean = graph.node("ReduceMean", [ops.multiply(dNormed, norm.normed), graph.ints([-1])], { keepdims: 1 });
  const dx = ops.multiply(norm.scale, ops.subtract(dNormed, ops.multiply(norm.normed, mean)));
  const dWeight = ops.sum(ops.reshape(ops.multiply(dy, norm.normed), [-1, config.hiddenSize]), 0, false);
  return { dx, dWeight };
}
