import type { Rank, Tensor, Variable } from "@tensorflow/tfjs-core";
import type { PolicyConfig } from "../policy/config.ts";
import type { Contender } from "./contender.ts";
import { contender, type Library, type Objective } from "./library.ts";
import { NEW_TOKENS, rotaryAngles } from "./workload.ts";

/**
 * TensorFlow.js on WebGPU: eager operations, `tf.train.adam`; sampling with a cache that grows by concatenation, tokens stay on the device.
 * @param backend another one that was imported, on which the same can be checked without a GPU
 * @throws Error if it cannot be used here.
 */
export async function tfjs(backend = "webgpu"): Promise<Contender> {
  const tf = await import("@tensorflow/tfjs-core");
  await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
  if (backend === "webgpu") await import("@tensorflow/tfjs-backend-webgpu");
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js cannot use ${backend} here`);
  await tf.ready();

  const put = (values: Float32Array | Int32Array, shape: readonly number[]): Tensor =>
    tf.tensor(values, [...shape], values instanceof Int32Array ? "int32" : "float32");
  const free = (tensors: readonly Tensor[]) => tf.dispose([...tensors]);
  /** [count, headDim/2] for positions from, from + 1, … */
  const angles = (config: PolicyConfig, from: number, count: number) => {
    const { cos, sin } = rotaryAngles(config, from, count);
    const shape = [count, config.headDim / 2];
    return { cos: put(cos, shape), sin: put(sin, shape) };
  };
  const linear = (x: Tensor, w: Tensor) => tf.matMul(x, w, false, true);
  const rotate = (x: Tensor, cos: Tensor, sin: Tensor) => {
    const [a, b] = tf.split(x, 2, -1);
    return tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))], -1);
  };
  /** Hidden states [rows·T, hidden] of ids [rows, T] after the last norm; `attend` sees rotated heads [rows, heads, T, headDim]. */
  const hidden = (
    { layers, heads, headDim, intermediateSize, rmsNormEps }: PolicyConfig,
    p: readonly Tensor[],
    ids: Tensor,
    { cos, sin }: { cos: Tensor; sin: Tensor },
    attend: (layer: number, q: Tensor, k: Tensor, v: Tensor) => Tensor,
  ) => {
    const norm = (x: Tensor, w: Tensor) => tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), rmsNormEps))), w);
    const [rows, length] = ids.shape;
    let x = tf.gather(p[0], tf.reshape(ids, [rows * length])) as Tensor;
    for (let l = 0; l < layers; l++) {
      const [n1, qkv, out, n2, gateUp, down] = p.slice(1 + 6 * l, 7 + 6 * l);
      const [q, k, v] = tf
        .split(linear(norm(x, n1), qkv), 3, -1)
        .map((part) => tf.transpose(tf.reshape(part, [rows, length, heads, headDim]), [0, 2, 1, 3]));
      const mixed = attend(l, rotate(q, cos, sin), rotate(k, cos, sin), v);
      x = tf.add(x, linear(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows * length, heads * headDim]), out));
      const [gate, up] = tf.split(linear(norm(x, n2), gateUp), [intermediateSize, intermediateSize], -1);
      x = tf.add(x, linear(tf.mul(tf.mul(gate, tf.sigmoid(gate)), up), down));
    }
    return norm(x, p[6 * layers + 1]);
  };
  /** softmax(q·kᵀ/√headDim + bias)·v. */
  const attention = ({ headDim }: PolicyConfig, q: Tensor, k: Tensor, v: Tensor, bias?: Tensor) => {
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim));
    return tf.matMul(tf.softmax(bias ? tf.add(scores, bias) : scores), v);
  };
  /** [T, T]: nothing to the past, a large negative number to the future. */
  const causal = (length: number) => {
    const values = new Float32Array(length * length);
    for (let q = 0; q < length; q++) values.fill(-1e30, q * length + q + 1, (q + 1) * length);
    return put(values, [length, length]);
  };
  const oneHot = (ids: Tensor, { vocabSize }: PolicyConfig) => tf.oneHot(ids as Tensor<Rank.R1>, vocabSize, 1, 0, "float32");

  const lossOf = (objective: Objective, logProb: Tensor, columns: readonly Tensor[]): Tensor => {
    if (objective.kind === "weighted") return tf.neg(tf.sum(tf.mul(logProb, columns[0])));
    const [old, advantage, weight] = columns;
    const ratio = tf.exp(tf.sub(logProb, old));
    const held = tf.clipByValue(ratio, 1 - objective.low, 1 + objective.high);
    return tf.neg(tf.sum(tf.mul(tf.minimum(tf.mul(ratio, advantage), tf.mul(held, advantage)), weight)));
  };

  const library: Library<Tensor> = {
    name: "tfjs",
    how: "eager operations and tf.train.adam; sampling with a growing cache, tokens stay on the device",
    put,
    free,
    read: (x) => x.data(),
    // What is read comes after all that was asked for before.
    finished: async () => {},
    stack: (columns) => tf.stack([...columns], 1),
    within: (work) => tf.tidy(work),

    learner({ config, rows, promptLength }, objective, { learningRate, beta1, beta2, eps, maxGradNorm }) {
      const length = promptLength + NEW_TOKENS - 1;
      const positions = angles(config, 0, length);
      const bias = causal(length);
      const fresh = () => tf.train.adam(learningRate, beta1, beta2, eps);
      let adam = fresh();
      let p: Variable<Rank>[] = [];
      const drop = () => {
        adam.dispose();
        free(p);
      };
      const shortened = (gradients: readonly Tensor[]): readonly Tensor[] => {
        if (maxGradNorm === 0) return gradients;
        // `addN` takes more buffers than a kernel may have.
        const norm = tf.sqrt(tf.sum(tf.stack(gradients.map((g) => tf.sum(tf.square(g))))));
        const scale = tf.minimum(tf.div(maxGradNorm, tf.add(norm, 1e-6)), 1);
        return gradients.map((g) => tf.mul(g, scale));
      };
      return {
        async load({ theta, m, v, updates }) {
          drop();
          p = theta.map((x) => tf.variable(x, true));
          free(theta);
          adam = fresh();
          const weights = [...m, ...v].map((tensor, i) => ({ name: String(i), tensor }));
          await adam.setWeights([{ name: "iter", tensor: tf.scalar(updates, "int32") }, ...weights]);
          free([...m, ...v]);
        },
        step: ({ inputs, targets, columns }) =>
          tf.tidy(() => {
            const { value, grads } = adam.computeGradients(() => {
              const h = hidden(config, p, inputs, positions, (_, q, k, v) => attention(config, q, k, v, bias));
              const predicting = tf.slice(
                tf.reshape(h, [rows, length, config.hiddenSize]),
                [0, promptLength - 1, 0],
                [rows, NEW_TOKENS, config.hiddenSize],
              );
              const logProbs = tf.logSoftmax(linear(tf.reshape(predicting, [rows * NEW_TOKENS, config.hiddenSize]), p[0]));
              const chosen = oneHot(tf.reshape(targets, [rows * NEW_TOKENS]), config);
              const logProb = tf.reshape(tf.sum(tf.mul(logProbs, chosen), -1), [rows, NEW_TOKENS]);
              return lossOf(objective, logProb, columns) as Tensor<Rank.R0>;
            }, p);
            const gradients = shortened(p.map((x) => grads[x.name]));
            adam.applyGradients(p.map((x, i) => ({ name: x.name, tensor: gradients[i] })));
            return value;
          }),
        theta: () => p,
        moments: async () => (await adam.getWeights()).slice(1, 1 + p.length).map(({ tensor }) => tensor),
        dispose() {
          drop();
          free([bias, positions.cos, positions.sin]);
        },
      };
    },

    decoder({ config, rows, promptLength }, banned) {
      const { hiddenSize, layers, vocabSize } = config;
      const bias = causal(promptLength);
      const start = angles(config, 0, promptLength);
      const positions = Array.from({ length: NEW_TOKENS - 1 }, (_, t) => angles(config, promptLength + t, 1));
      const allowed = put(
        Float32Array.from({ length: vocabSize }, (_, v) => (banned.includes(v) ? 0 : 1)),
        [vocabSize],
      );
      /** The token and its log-prob, [rows] each, of hidden states [rows, hidden]. */
      const pick = (h: Tensor, embedding: Tensor, u: Tensor) => {
        const logProbs = tf.logSoftmax(linear(h, embedding));
        const cumulative = tf.cumsum(tf.mul(tf.exp(logProbs), allowed), 1);
        const total = tf.slice(cumulative, [0, vocabSize - 1], [rows, 1]);
        const below = tf.lessEqual(cumulative, tf.mul(tf.expandDims(u, -1), total));
        const token = tf.cast(tf.minimum(tf.sum(tf.cast(below, "int32"), -1), tf.scalar(vocabSize - 1, "int32")), "int32");
        return { token, logProb: tf.sum(tf.mul(logProbs, oneHot(token, config)), -1) };
      };
      return {
        first(theta, prompts, u) {
          const keys: Tensor[] = [];
          const values: Tensor[] = [];
          const h = hidden(config, theta, prompts, start, (l, q, k, v) => {
            keys[l] = k;
            values[l] = v;
            return attention(config, q, k, v, bias);
          });
          const last = tf.slice(tf.reshape(h, [rows, promptLength, hiddenSize]), [0, promptLength - 1, 0], [rows, 1, hiddenSize]);
          return { ...pick(tf.reshape(last, [rows, hiddenSize]), theta[0], u), cache: [...keys, ...values] };
        },
        next(theta, t, { token, cache }, u) {
          const grown: Tensor[] = [];
          const grow = (at: number, x: Tensor) => {
            grown[at] = tf.concat([cache[at], x], 2);
            return grown[at];
          };
          const h = hidden(config, theta, tf.reshape(token, [rows, 1]), positions[t - 1], (l, q, k, v) =>
            attention(config, q, grow(l, k), grow(layers + l, v)),
          );
          return { ...pick(h, theta[0], u), cache: grown };
        },
        dispose() {
          free([bias, allowed, start.cos, start.sin, ...positions.flatMap(({ cos, sin }) => [cos, sin])]);
        },
      };
    },
  };
  return contender(library);
}
