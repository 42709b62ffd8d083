import type { Rank, Tensor, Variable } from "@tensorflow/tfjs-core";
import { packedShapes } from "../policy/portable/network.ts";
import type { Contender } from "./contender.ts";
import { ADAM, NEW_TOKENS, type Workload } from "./workload.ts";

/** TensorFlow.js on WebGPU: eager operations, `tf.train.adam`; sampling with a cache that grows by concatenation, tokens stay on the device. */
export async function tfjs(): Promise<Contender> {
  const tf = await import("@tensorflow/tfjs-core");
  await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
  await import("@tensorflow/tfjs-backend-webgpu");
  if (!(await tf.setBackend("webgpu"))) throw new Error("TensorFlow.js found no WebGPU device");
  await tf.ready();

  const cut = ({ config, theta }: Workload): Tensor[] => {
    let at = 0;
    return packedShapes(config).map((shape) => {
      const size = shape.reduce((a, b) => a * b, 1);
      at += size;
      return tf.tensor(theta.subarray(at - size, at), shape, "float32");
    });
  };
  const flat = async (list: readonly Tensor[]): Promise<Float32Array> => {
    const parts = await Promise.all(list.map((x) => x.data()));
    return Float32Array.from(parts.flatMap((part) => [...part]));
  };

  const network = ({ config, rows }: Workload) => {
    const { hiddenSize: d, layers, heads, headDim, intermediateSize, rmsNormEps, ropeTheta } = config;
    const half = headDim / 2;
    /** [count, headDim/2] for positions from, from + 1, … */
    const angles = (from: number, count: number) => {
      const of = (f: (x: number) => number) => {
        const values = new Float32Array(count * half);
        for (let t = 0; t < count; t++)
          for (let i = 0; i < half; i++) values[t * half + i] = f((from + t) * ropeTheta ** ((-2 * i) / headDim));
        return tf.tensor2d(values, [count, half]);
      };
      return { cos: of(Math.cos), sin: of(Math.sin) };
    };
    const linear = (x: Tensor, w: Tensor) => tf.matMul(x, w, false, true);
    const norm = (x: Tensor, w: Tensor) => tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), rmsNormEps))), w);
    const rotate = (x: Tensor, cos: Tensor, sin: Tensor) => {
      const [a, b] = tf.split(x, 2, -1);
      return tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))], -1);
    };
    /** Hidden states [rows·T, hidden] after the last norm; `attend` sees rotated heads [rows, heads, T, headDim]. */
    const hidden = (
      p: readonly Tensor[],
      ids: Tensor,
      { cos, sin }: { cos: Tensor; sin: Tensor },
      length: number,
      attend: (layer: number, q: Tensor, k: Tensor, v: Tensor) => Tensor,
    ) => {
      let x = tf.gather(p[0], ids) as Tensor;
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
    const attention = (q: Tensor, k: Tensor, v: Tensor, bias?: Tensor) => {
      const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim));
      return tf.matMul(tf.softmax(bias ? tf.add(scores, bias) : scores), v);
    };
    /** [T, T]: nothing to the past, a large negative number to the future. */
    const causal = (length: number) => {
      const values = new Float32Array(length * length);
      for (let q = 0; q < length; q++) values.fill(-1e30, q * length + q + 1, (q + 1) * length);
      return tf.tensor2d(values, [length, length]);
    };
    return { angles, linear, hidden, attention, causal, d, vocabSize: config.vocabSize };
  };

  return {
    name: "tfjs",
    how: "eager operations and tf.train.adam; sampling with a growing cache, tokens stay on the device",

    async train(work) {
      const { tokens, rows, promptLength, weights } = work;
      const net = network(work);
      const length = promptLength + NEW_TOKENS;
      const inputs = new Int32Array(rows * (length - 1));
      const targets = new Int32Array(rows * NEW_TOKENS);
      for (let r = 0; r < rows; r++) {
        inputs.set(tokens.subarray(r * length, (r + 1) * length - 1), r * (length - 1));
        targets.set(tokens.subarray(r * length + promptLength, (r + 1) * length), r * NEW_TOKENS);
      }
      const ids = tf.tensor1d(inputs, "int32");
      const weight = tf.tensor1d(weights);
      const chosen = tf.oneHot(tf.tensor1d(targets, "int32"), net.vocabSize, 1, 0, "float32");
      const angles = net.angles(0, length - 1);
      const bias = net.causal(length - 1);
      const start = cut(work);
      const p: Variable<Rank>[] = start.map((x) => tf.variable(x, true));
      for (const x of start) x.dispose();
      const adam = tf.train.adam(ADAM.learningRate, ADAM.beta1, ADAM.beta2, ADAM.eps);
      const loss = () => {
        const h = net.hidden(p, ids, angles, length - 1, (_, q, k, v) => net.attention(q, k, v, bias));
        const predicting = tf.slice(tf.reshape(h, [rows, length - 1, net.d]), [0, promptLength - 1, 0], [rows, NEW_TOKENS, net.d]);
        const logProbs = tf.logSoftmax(net.linear(tf.reshape(predicting, [rows * NEW_TOKENS, net.d]), p[0]));
        return tf.neg(tf.sum(tf.mul(tf.sum(tf.mul(logProbs, chosen), -1), weight))) as Tensor<Rank.R0>;
      };
      return {
        async step() {
          const value = adam.minimize(loss, true, p)!;
          const [result] = await value.data();
          value.dispose();
          return result;
        },
        async state() {
          const moments = (await adam.getWeights()).slice(1, 1 + p.length).map(({ tensor }) => tensor);
          return { theta: await flat(p), m: await flat(moments) };
        },
        dispose() {
          adam.dispose();
          for (const x of [...p, ids, weight, chosen, bias, angles.cos, angles.sin]) x.dispose();
        },
      };
    },

    async sample(work) {
      const { tokens, rows, promptLength, uniforms } = work;
      const net = network(work);
      const length = promptLength + NEW_TOKENS;
      const given = new Int32Array(rows * promptLength);
      for (let r = 0; r < rows; r++) given.set(tokens.subarray(r * length, r * length + promptLength), r * promptLength);
      const p = cut(work);
      const prompt = tf.tensor1d(given, "int32");
      const bias = net.causal(promptLength);
      const first = net.angles(0, promptLength);
      const positions = Array.from({ length: NEW_TOKENS }, (_, t) => net.angles(promptLength + t, 1));
      /** The token and its log-prob, [rows] each, of hidden states [rows, hidden]. */
      const pick = (h: Tensor, u: Tensor) => {
        const logProbs = tf.logSoftmax(net.linear(h, p[0]));
        const cumulative = tf.cumsum(tf.exp(logProbs), 1);
        const below = tf.lessEqual(cumulative, tf.expandDims(u, -1));
        const token = tf.minimum(tf.sum(tf.cast(below, "int32"), -1), tf.scalar(net.vocabSize - 1, "int32"));
        const chosen = tf.oneHot(tf.cast(token, "int32") as Tensor<Rank.R1>, net.vocabSize, 1, 0, "float32");
        return { token: tf.cast(token, "int32"), logProb: tf.sum(tf.mul(logProbs, chosen), -1) };
      };
      return {
        async draw(step) {
          const [allTokens, allLogProbs] = tf.tidy(() => {
            const u = tf.tensor2d(uniforms(step), [NEW_TOKENS, rows]);
            const keys: Tensor[] = [];
            const values: Tensor[] = [];
            let h = net.hidden(p, prompt, first, promptLength, (l, q, k, v) => {
              keys[l] = k;
              values[l] = v;
              return net.attention(q, k, v, bias);
            });
            h = tf.reshape(tf.slice(tf.reshape(h, [rows, promptLength, net.d]), [0, promptLength - 1, 0], [rows, 1, net.d]), [rows, net.d]);
            const drawn: Tensor[] = [];
            const logProbs: Tensor[] = [];
            for (let t = 0; ; t++) {
              const { token, logProb } = pick(h, tf.reshape(tf.slice(u, [t, 0], [1, rows]), [rows]));
              drawn.push(token);
              logProbs.push(logProb);
              if (t === NEW_TOKENS - 1) break;
              h = net.hidden(p, token, positions[t], 1, (l, q, k, v) => {
                keys[l] = tf.concat([keys[l], k], 2);
                values[l] = tf.concat([values[l], v], 2);
                return net.attention(q, keys[l], values[l]);
              });
            }
            return [tf.stack(drawn, 1), tf.stack(logProbs, 1)];
          });
          const [tokens, logProbs] = await Promise.all([allTokens.data(), allLogProbs.data()]);
          allTokens.dispose();
          allLogProbs.dispose();
          return { tokens: Int32Array.from(tokens), logProbs: Float32Array.from(logProbs) };
        },
        dispose() {
          for (const x of [...p, prompt, bias, first.cos, first.sin, ...positions.flatMap(({ cos, sin }) => [cos, sin])]) x.dispose();
        },
      };
    },
  };
}
