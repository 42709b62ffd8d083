import type { Tensor } from "onnxruntime-common";
import type { PolicyConfig } from "../policy/config.ts";
import { Graph, type Value } from "../policy/portable/graph.ts";
import { groupWeights, MASKED, Ops, packedShapes } from "../policy/portable/network.ts";
import type { OrtModule } from "../policy/portable/runtime.ts";
import type { Contender } from "./contender.ts";
import { NEW_TOKENS } from "./workload.ts";

/**
 * The policy as decoder models with a cache are commonly exported: ids [rows, T] int64, and for each layer the past keys and values
 * [rows, heads, past, headDim] → logits [rows, vocabSize] of the last position, and the present keys and values. Weights are in the file.
 */
export function cachedModel(config: PolicyConfig, theta: Float32Array): Uint8Array {
  const { layers, heads, headDim, hiddenSize, vocabSize } = config;
  const graph = new Graph("decoder");
  // Standard operators only: the WebGPU provider would hand a fused product to the processor.
  const ops = new Ops(graph, config, "float32", false);
  let at = 0;
  const weights = groupWeights(
    packedShapes(config).map((shape, i) => {
      const size = shape.reduce((a, b) => a * b, 1);
      at += size;
      return graph.initializer(`weight_${i}`, "float32", shape, theta.slice(at - size, at));
    }),
  );
  const ids = graph.input("ids", "int64", ["rows", "T"]);
  const past = Array.from({ length: 2 * layers }, (_, i) => graph.input(`past_${i}`, "float32", ["rows", heads, "past", headDim]));
  const count = (x: Value, axis: number) => graph.node("Squeeze", [graph.node("Shape", [x], { start: axis, end: axis + 1 })]);
  const before = count(past[0], 2);
  const all = graph.node("Add", [before, count(ids, 1)]);
  const keys = graph.node("Unsqueeze", [graph.node("Range", [graph.ints(0), all, graph.ints(1)]), graph.ints([0])]);
  const queries = graph.node("Unsqueeze", [graph.node("Range", [before, all, graph.ints(1)]), graph.ints([0])]);
  const future = graph.node("Less", [ops.reshape(queries, [-1, 1]), keys]);
  const bias = graph.node("Where", [future, ops.real(MASKED), ops.real(0)]);
  const rotary = ops.rotaryAt(ops.rotaryTables(), queries);
  let x = graph.node("Gather", [weights.embedding, ids], { axis: 0 });
  const present: Value[] = [];
  weights.layers.forEach((layer, l) => {
    x = ops.layer(x, layer, rotary, (q, k, v) => {
      const allKeys = graph.node("Concat", [past[2 * l], k], { axis: 2 });
      const allValues = graph.node("Concat", [past[2 * l + 1], v], { axis: 2 });
      present.push(allKeys, allValues);
      return ops.attention(q, allKeys, allValues, bias);
    }).y;
  });
  const last = graph.node("Slice", [x, graph.ints([-1]), graph.ints([2 ** 31]), graph.ints([1])]);
  const hidden = ops.rmsNorm(ops.reshape(last, [-1, hiddenSize]), weights.norm).y;
  graph.output(ops.matmul(hidden, weights.embedding, { transB: true }), "float32", ["rows", vocabSize], "logits");
  present.forEach((value, i) => {
    graph.output(value, "float32", ["rows", heads, "all", headDim], `present_${i}`);
  });
  return graph.model();
}

/**
 * ONNX Runtime with a cache: one run a token, logits on the host, the draw in JavaScript.
 * @param provider "cpu" (native), "wasm" or "webgpu"; on WebGPU the cache stays on the device.
 */
export function ort(module: OrtModule, provider: "cpu" | "wasm" | "webgpu", threads: number): Contender {
  return {
    name: `ort-${provider}`,
    how: `one run a token with a cache${provider === "webgpu" ? " that stays on the device" : `, threads: ${threads}`}; draws in JavaScript`,
    async sample({ config, theta, tokens, rows, promptLength, uniforms }) {
      const { layers, heads, headDim, vocabSize } = config;
      const onDevice = provider === "webgpu";
      const presents = Array.from({ length: 2 * layers }, (_, i) => `present_${i}`);
      const session = await module.InferenceSession.create(cachedModel(config, theta), {
        executionProviders: [provider],
        graphOptimizationLevel: "all",
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
        ...(onDevice ? { preferredOutputLocation: Object.fromEntries(presents.map((name) => [name, "gpu-buffer" as const])) } : {}),
      });
      const length = promptLength + NEW_TOKENS;
      const given = new BigInt64Array(rows * promptLength);
      for (let r = 0; r < rows; r++) for (let t = 0; t < promptLength; t++) given[r * promptLength + t] = BigInt(tokens[r * length + t]);
      return {
        async draw(step) {
          const u = uniforms(step);
          const drawn = new Int32Array(rows * NEW_TOKENS);
          const logProbs = new Float32Array(rows * NEW_TOKENS);
          let ids = new module.Tensor("int64", given as never, [rows, promptLength]);
          let cache: Tensor[] = presents.map(() => new module.Tensor("float32", new Float32Array(0) as never, [rows, heads, 0, headDim]));
          for (let t = 0; t < NEW_TOKENS; t++) {
            const feeds: Record<string, Tensor> = { ids };
            cache.forEach((tensor, i) => {
              feeds[`past_${i}`] = tensor;
            });
            const out = await session.run(feeds);
            for (const tensor of cache) tensor.dispose();
            cache = presents.map((name) => out[name]);
            const logits = out.logits.data as Float32Array;
            const next = new BigInt64Array(rows);
            for (let r = 0; r < rows; r++) {
              const row = logits.subarray(r * vocabSize, (r + 1) * vocabSize);
              const [token, logProb] = pick(row, u[t * rows + r]);
              drawn[r * NEW_TOKENS + t] = token;
              logProbs[r * NEW_TOKENS + t] = logProb;
              next[r] = BigInt(token);
            }
            ids = new module.Tensor("int64", next as never, [rows, 1]);
          }
          for (const tensor of cache) tensor.dispose();
          return { tokens: drawn, logProbs };
        },
        dispose: () => void session.release(),
      };
    },
  };
}

/** The smallest token whose cumulative probability exceeds u, and its log-prob. */
export function pick(logits: ArrayLike<number>, u: number): [token: number, logProb: number] {
  let max = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < logits.length; v++) max = Math.max(max, logits[v]);
  let total = 0;
  for (let v = 0; v < logits.length; v++) total += Math.exp(logits[v] - max);
  let cumulative = 0;
  let token = logits.length - 1;
  for (let v = 0; v < logits.length; v++) {
    cumulative += Math.exp(logits[v] - max);
    if (cumulative > u * total) {
      token = v;
      break;
    }
  }
  return [token, logits[token] - max - Math.log(total)];
}
