import type { Tensor } from "onnxruntime-common";
import type { PolicyConfig } from "../policy/config.ts";
import { Graph, type Value } from "../policy/portable/graph.ts";
import { groupWeights, packedShapes } from "../policy/portable/network.ts";
import type { OrtModule } from "../policy/portable/runtime.ts";
import type { Contender } from "./contender.ts";
import { NEW_TOKENS } from "./workload.ts";

/**
 * The policy as decoder models are exported for ONNX Runtime's generation loops, with its fused operators for attention (rotary positions and
 * cache inside) and norms: ids [rows, T] int64, lengths [rows] int32 (tokens so far, less one), total [] int32 (tokens so far), and for each
 * layer the past keys and values [rows, heads, past, headDim] → logits [rows, vocabSize] of the last position, and the present keys and
 * values. Weights are in the file.
 */
export function cachedModel(config: PolicyConfig, theta: Float32Array): Uint8Array {
  const { layers, heads, headDim, hiddenSize, intermediateSize, vocabSize, contextLength, rmsNormEps, ropeTheta } = config;
  const graph = new Graph("decoder");
  let at = 0;
  const weights = groupWeights(
    packedShapes(config).map((shape, i) => {
      const size = shape.reduce((a, b) => a * b, 1);
      at += size;
      const values = theta.slice(at - size, at);
      // The embedding stays [vocabSize, hiddenSize]; other matrices become [in, out], as MatMul wants them.
      if (shape.length === 1 || i === 0) return graph.initializer(`weight_${i}`, "float32", shape, values);
      return graph.initializer(`weight_${i}`, "float32", [shape[1], shape[0]], transposed(values, shape[0], shape[1]));
    }),
  );
  const head = graph.initializer("head", "float32", [hiddenSize, vocabSize], transposed(theta, vocabSize, hiddenSize));
  const angles = (f: (x: number) => number) =>
    Float32Array.from({ length: (contextLength * headDim) / 2 }, (_, i) =>
      f(Math.floor((2 * i) / headDim) * ropeTheta ** ((-2 * (i % (headDim / 2))) / headDim)),
    );
  const cos = graph.initializer("cos", "float32", [contextLength, headDim / 2], angles(Math.cos));
  const sin = graph.initializer("sin", "float32", [contextLength, headDim / 2], angles(Math.sin));

  const ids = graph.input("ids", "int64", ["rows", "T"]);
  const lengths = graph.input("lengths", "int32", ["rows"]);
  const total = graph.input("total", "int32", []);
  const past = Array.from({ length: 2 * layers }, (_, i) => graph.input(`past_${i}`, "float32", ["rows", heads, "past", headDim]));
  const epsilon = { float: rmsNormEps };
  const matmul = (x: Value, w: Value) => graph.node("MatMul", [x, w]);
  /** x + y, and its norm. */
  const addAndNorm = (x: Value, y: Value, weight: Value) => {
    const [normed, , , sum] = graph.many("SkipSimplifiedLayerNormalization", [x, y, weight], { epsilon }, 4);
    return { normed, sum };
  };
  const present: Value[] = [];
  let x = graph.node("Gather", [weights.embedding, ids], { axis: 0 });
  let normed = graph.node("SimplifiedLayerNormalization", [x, weights.layers[0].norm1], { axis: -1, epsilon });
  weights.layers.forEach((layer, l) => {
    const [mixed, ...cache] = graph.many(
      "GroupQueryAttention",
      [matmul(normed, layer.qkv), "", "", past[2 * l], past[2 * l + 1], lengths, total, cos, sin],
      { num_heads: heads, kv_num_heads: heads, do_rotary: 1 },
      3,
    );
    present.push(...cache);
    const middle = addAndNorm(x, matmul(mixed, layer.out), layer.norm2);
    const [gate, up] = graph.many(
      "Split",
      [matmul(middle.normed, layer.gateUp), graph.ints([intermediateSize, intermediateSize])],
      { axis: -1 },
      2,
    );
    const silu = graph.node("Mul", [gate, graph.node("Sigmoid", [gate])]);
    const down = matmul(graph.node("Mul", [silu, up]), layer.down);
    ({ normed, sum: x } = addAndNorm(middle.sum, down, weights.layers[l + 1]?.norm1 ?? weights.norm));
  });
  const last = graph.node("Slice", [normed, graph.ints([-1]), graph.ints([2 ** 31]), graph.ints([1])]);
  const hidden = graph.node("Reshape", [last, graph.ints([-1, hiddenSize])]);
  graph.output(matmul(hidden, head), "float32", ["rows", vocabSize], "logits");
  present.forEach((value, i) => {
    graph.output(value, "float32", ["rows", heads, "all", headDim], `present_${i}`);
  });
  return graph.model();
}

/** A row-major matrix the other way round. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}

/**
 * ONNX Runtime with a cache: one run a token, logits on the host, the draw in JavaScript.
 * @param provider "cpu" (native), "wasm" or "webgpu"; on WebGPU the cache stays on the device.
 */
export function ort(module: OrtModule, provider: "cpu" | "wasm" | "webgpu", threads: number): Contender {
  return {
    name: `ort-${provider}`,
    how: `one run a token with a cache${provider === "webgpu" ? " that stays on the device" : `, threads: ${threads}`}; draws in JavaScript`,
    async sample({ config, theta, prompts, rows, promptLength, banned, uniforms }) {
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
      const given = BigInt64Array.from(prompts, BigInt);
      return {
        async draw(step) {
          const u = uniforms(step);
          const drawn = new Int32Array(rows * NEW_TOKENS);
          const logProbs = new Float32Array(rows * NEW_TOKENS);
          let ids = new module.Tensor("int64", given as never, [rows, promptLength]);
          let cache: Tensor[] = presents.map(() => new module.Tensor("float32", new Float32Array(0) as never, [rows, heads, 0, headDim]));
          for (let t = 0; t < NEW_TOKENS; t++) {
            const seen = promptLength + t;
            const feeds: Record<string, Tensor> = {
              ids,
              lengths: new module.Tensor("int32", new Int32Array(rows).fill(seen - 1) as never, [rows]),
              total: new module.Tensor("int32", Int32Array.of(seen) as never, []),
            };
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
              const [token, logProb] = pick(row, u[t * rows + r], banned);
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

/** The smallest token, of those that are not banned, whose cumulative probability among them exceeds u, and its log-prob among all. */
export function pick(logits: ArrayLike<number>, u: number, banned: readonly number[] = []): [token: number, logProb: number] {
  let max = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < logits.length; v++) max = Math.max(max, logits[v]);
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - max));
  const total = weights.reduce((a, b) => a + b, 0);
  for (const v of banned) weights[v] = 0;
  const kept = weights.reduce((a, b) => a + b, 0);
  let cumulative = 0;
  let token = logits.length - 1;
  for (let v = 0; v < logits.length; v++) {
    cumulative += weights[v];
    if (cumulative > u * kept) {
      token = v;
      break;
    }
  }
  return [token, logits[token] - max - Math.log(total)];
}
