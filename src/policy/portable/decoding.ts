import type { PolicyConfig } from "../config.ts";
import { Graph, type Value } from "./graph.ts";
import { Ops, type Precision } from "./network.ts";

export interface DecodingOptions {
  readonly greedy: boolean;
  /** Whether top-k, top-p and min-p apply; their values are inputs. */
  readonly truncate: boolean;
  readonly alternatives: number;
}

/**
 * Decoding in one run: prefill, then a Loop of (embed the last token, attend to the cache, draw). Inputs:
 *   theta [P] · prefixes [U, S] int32 (the distinct prompts without their last tokens, padded on the left) ·
 *   prefixPositions [U, S] int32 · prefixBias [U, 1, S, S] (causal, and masking the padding) · source [B] int32 (row → prefix) ·
 *   keyBias [B, 1, 1, S + steps] (masks the padding) · first [B] int32 (last prompt token) · start [B] int32 (its position) ·
 *   limit [B] int32 (new tokens this row may have) · done [B] bool (rows with limit 0) · steps [] int64 · uniforms [steps, B] ·
 *   inverseTemperature [steps] · removed [1, vocabSize] (a large negative number at banned tokens) · stop [vocabSize] bool;
 *   with truncation topK [] int64, topP [], minP [].
 * Outputs, one row a step until every row is done: tokens (int32), samplerLogProb, logProb, entropy [n, B], and
 * alternativeTokens (int64), alternativeLogProbs [n, B, alternatives].
 */
export function decodingModel(config: PolicyConfig, precision: Precision, options: DecodingOptions): Uint8Array {
  const { vocabSize, layers, heads, headDim, contextLength } = config;
  const graph = new Graph("decoding");
  const ops = new Ops(graph, config, precision);
  const theta = graph.input("theta", precision, ["P"]);
  const prefixes = graph.input("prefixes", "int32", ["U", "S"]);
  const prefixPositions = graph.input("prefixPositions", "int32", ["U", "S"]);
  const prefixBias = graph.input("prefixBias", precision, ["U", 1, "S", "S"]);
  const source = graph.input("source", "int32", ["B"]);
  const keyBias = graph.input("keyBias", precision, ["B", 1, 1, "L"]);
  const first = graph.input("first", "int32", ["B"]);
  const start = graph.input("start", "int32", ["B"]);
  const limit = graph.input("limit", "int32", ["B"]);
  const done = graph.input("done", "bool", ["B"]);
  const steps = graph.input("steps", "int64", []);
  const uniforms = graph.input("uniforms", precision, ["M", "B"]);
  const inverseTemperature = graph.input("inverseTemperature", precision, ["M"]);
  const removed = graph.input("removed", precision, [1, vocabSize]);
  const stop = graph.input("stop", "bool", [vocabSize]);
  const topK = options.truncate ? graph.input("topK", "int64", []) : undefined;
  const topP = options.truncate ? graph.input("topP", precision, []) : undefined;
  const minP = options.truncate ? graph.input("minP", precision, []) : undefined;

  const weights = ops.weights(theta);
  const tables = ops.rotaryTables();
  const prefixRotary = ops.rotaryAt(tables, prefixPositions);
  const caches: Value[] = [];
  let x = graph.node("Gather", [weights.embedding, prefixes], { axis: 0 });
  for (const layer of weights.layers) {
    const trace = ops.layer(x, layer, prefixRotary, (q, k, v) => ops.attention(q, k, v, prefixBias));
    for (const cache of [trace.heads.k, trace.heads.v]) caches.push(graph.node("Gather", [cache, source], { axis: 0 }));
    x = trace.y;
  }
  const prefixLength = graph.node("Shape", [prefixes], { start: 1, end: 2 });

  const body = graph.subgraph("step");
  const inner = ops.within(body);
  const cacheShape = ["B", heads, "C", headDim];
  const index = body.input("index", "int64", []);
  body.input("going", "bool", []);
  const last = body.input("last", "int32", ["B"]);
  const finished = body.input("finished", "bool", ["B"]);
  const carried = caches.map((_, i) => body.input(`cache_${i}`, precision, cacheShape));

  const offset = body.node("Cast", [index], { to: 6 });
  const position = body.node("Min", [body.node("Add", [start, offset]), body.int32s(contextLength - 1)]);
  const rotary = inner.rotaryAt(tables, inner.reshape(position, [-1, 1]));
  const keys = body.node("Add", [body.node("Add", [prefixLength, index]), body.ints([1])]);
  const bias = body.node("Slice", [keyBias, body.ints([0]), keys, body.ints([3])]);
  const grown: Value[] = [];
  let h = inner.reshape(body.node("Gather", [weights.embedding, last], { axis: 0 }), [-1, 1, config.hiddenSize]);
  for (let l = 0; l < layers; l++) {
    const attend = (q: Value, k: Value, v: Value) => {
      const allKeys = body.node("Concat", [carried[2 * l], k], { axis: 2 });
      const allValues = body.node("Concat", [carried[2 * l + 1], v], { axis: 2 });
      grown.push(allKeys, allValues);
      return inner.attention(q, allKeys, allValues, bias);
    };
    h = inner.layer(h, weights.layers[l], rotary, attend).y;
  }
  const hidden = inner.rmsNorm(inner.reshape(h, [-1, config.hiddenSize]), weights.norm).y;
  const logits = inner.matmul(hidden, weights.embedding, { transB: true });

  const policyLogProbs = body.node("LogSoftmax", [logits], { axis: -1 });
  const entropy = body.node("Neg", [inner.sum(inner.multiply(body.node("Exp", [policyLogProbs]), policyLogProbs))]);
  const inverse = body.node("Gather", [inverseTemperature, index], { axis: 0 });
  const scaled = inner.multiply(inner.add(logits, removed), inverse);
  const shifted = inner.subtract(scaled, body.node("ReduceMax", [scaled, body.ints([-1])], { keepdims: 1 }));
  let kept = body.node("Exp", [shifted]);
  if (topK && topP && minP) kept = inner.multiply(kept, keepMask(inner, shifted, topK, topP, minP));
  const total = inner.sum(kept);

  let drawn: Value;
  if (options.greedy) {
    drawn = body.node("Cast", [body.node("ArgMax", [shifted], { axis: -1, keepdims: 1 })], { to: 6 });
  } else {
    const cumulative = body.node("CumSum", [kept, body.ints(1)]);
    const lastCumulative = body.node("Slice", [cumulative, body.ints([vocabSize - 1]), body.ints([vocabSize]), body.ints([1])]);
    const u = inner.reshape(body.node("Gather", [uniforms, index], { axis: 0 }), [-1, 1]);
    const below = body.node("LessOrEqual", [cumulative, inner.multiply(lastCumulative, u)]);
    const count = body.node("ReduceSum", [body.node("Cast", [below], { to: 6 }), body.ints([-1])], { keepdims: 1 });
    drawn = body.node("Min", [count, body.int32s(vocabSize - 1)]);
  }
  const pick = (x: Value) => inner.reshape(body.node("GatherElements", [x, drawn], { axis: 1 }), [-1]);
  const samplerLogProb = inner.subtract(pick(shifted), inner.reshape(body.node("Log", [total]), [-1]));
  const token = inner.reshape(drawn, [-1]);
  const isStop = body.node("Gather", [stop, token], { axis: 0 });
  const isLast = body.node("GreaterOrEqual", [body.node("Add", [offset, body.int32s(1)]), limit]);
  const nowFinished = body.node("Or", [finished, body.node("Or", [isStop, isLast])]);
  const finishedCount = body.node("ReduceMin", [body.node("Cast", [nowFinished], { to: 6 })], { keepdims: 0 });

  body.output(body.node("Equal", [finishedCount, body.int32s(0)]), "bool", []);
  body.output(token, "int32", ["B"]);
  body.output(nowFinished, "bool", ["B"]);
  for (const cache of grown) body.output(cache, precision, cacheShape);
  body.output(inner.reshape(drawn, [-1]), "int32", ["B"]);
  body.output(samplerLogProb, precision, ["B"]);
  body.output(pick(policyLogProbs), precision, ["B"]);
  body.output(inner.reshape(entropy, [-1]), precision, ["B"]);
  if (options.alternatives > 0) {
    const attributes = { axis: -1, largest: 1, sorted: 1 };
    const [values, indices] = body.many("TopK", [policyLogProbs, body.ints([options.alternatives])], attributes, 2);
    body.output(indices, "int64", ["B", options.alternatives]);
    body.output(values, precision, ["B", options.alternatives]);
  }

  const scans = options.alternatives > 0 ? 6 : 4;
  const results = graph.many("Loop", [steps, "", first, done, ...caches], { body: { graph: body } }, 2 + caches.length + scans);
  const [tokens, sampler, policy, entropies, altTokens, altLogProbs] = results.slice(2 + caches.length);
  graph.output(tokens, "int32", ["n", "B"], "tokens");
  graph.output(sampler, precision, ["n", "B"], "samplerLogProb");
  graph.output(policy, precision, ["n", "B"], "logProb");
  graph.output(entropies, precision, ["n", "B"], "entropy");
  if (options.alternatives > 0) {
    graph.output(altTokens, "int64", ["n", "B", options.alternatives], "alternativeTokens");
    graph.output(altLogProbs, precision, ["n", "B", options.alternatives], "alternativeLogProbs");
  }
  return graph.model();
}

/** 1 for tokens that survive top-k, then top-p, then min-p, else 0. `shifted` [B, V] are scaled logits with maximum 0. */
function keepMask(ops: Ops, shifted: Value, topK: Value, topP: Value, minP: Value): Value {
  const { graph, config, precision } = ops;
  const to = precision === "float32" ? 1 : 11;
  const [descending, order] = graph.many("TopK", [shifted, graph.ints([config.vocabSize])], { axis: -1, largest: 1, sorted: 1 }, 2);
  const sorted = graph.node("Exp", [descending]);
  const rank = graph.ints(Array.from({ length: config.vocabSize }, (_, i) => i));
  const inTopK = graph.node("Cast", [graph.node("Less", [rank, topK])], { to });
  const top = ops.multiply(sorted, inTopK);
  // A token stays while those before it do not reach topP of what top-k left.
  const before = graph.node("CumSum", [top, graph.ints(1)], { exclusive: 1 });
  const inTopP = graph.node("Less", [before, ops.multiply(ops.sum(top), topP)]);
  const inMinP = graph.node("GreaterOrEqual", [sorted, minP]);
  const keep = ops.multiply(inTopK, graph.node("Cast", [graph.node("And", [inTopP, inMinP])], { to }));
  return graph.node("ScatterElements", [ops.multiply(shifted, ops.real(0)), order, keep], { axis: 1 });
}
