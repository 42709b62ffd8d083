import type { Array as JaxArray } from "@jax-js/jax";
import { packedShapes } from "../policy/portable/network.ts";
import type { Contender } from "./contender.ts";
import { ADAM, NEW_TOKENS, type Workload } from "./workload.ts";

/** jax-js needs iterator helpers, which Node 20 has not. */
function polyfillIteratorHelpers(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as Record<string, unknown>;
  const define = (name: string, value: unknown) => {
    if (!(name in prototype)) Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  };
  define("map", function* <T, U>(this: Iterable<T>, f: (x: T, i: number) => U) {
    let i = 0;
    for (const x of this) yield f(x, i++);
  });
  define("filter", function* <T>(this: Iterable<T>, f: (x: T, i: number) => boolean) {
    let i = 0;
    for (const x of this) if (f(x, i++)) yield x;
  });
  define("toArray", function <T>(this: Iterable<T>) {
    return [...this];
  });
  define("every", function <T>(this: Iterable<T>, f: (x: T) => boolean) {
    for (const x of this) if (!f(x)) return false;
    return true;
  });
  define("some", function <T>(this: Iterable<T>, f: (x: T) => boolean) {
    for (const x of this) if (f(x)) return true;
    return false;
  });
  define("reduce", function <T, U>(this: Iterable<T>, f: (sum: U, x: T) => U, start: U) {
    let sum = start;
    for (const x of this) sum = f(sum, x);
    return sum;
  });
}

/**
 * jax-js on WebGPU. Training: the whole step in one `jit`, Adam inside. Sampling: one `jit` for the prompt, one for each further token, with
 * a cache of fixed shape; tokens stay on the device until the end.
 */
export async function jax(): Promise<Contender> {
  polyfillIteratorHelpers();
  const { init, defaultDevice, numpy: np, nn, jit, valueAndGrad, getWebGPUDevice } = await import("@jax-js/jax");
  const available = await init("webgpu");
  if (!available.includes("webgpu")) throw new Error("jax-js found no WebGPU device");
  defaultDevice("webgpu");

  /** θ cut into its packed tensors. */
  const parameters = ({ config, theta }: Workload): JaxArray[] => {
    let at = 0;
    return packedShapes(config).map((shape) => {
      const size = shape.reduce((a, b) => a * b, 1);
      at += size;
      return np.array(theta.slice(at - size, at), { shape });
    });
  };
  const flat = async (list: readonly JaxArray[]): Promise<Float32Array> => {
    const parts = await Promise.all(list.map((x) => x.ref.data()));
    const all = new Float32Array(parts.reduce((sum: number, part: { length: number }) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part as Float32Array, at);
      at += part.length;
    }
    return all;
  };

  const network = ({ config, rows }: Workload) => {
    const { hiddenSize: d, layers, heads, headDim, intermediateSize, vocabSize, rmsNormEps, ropeTheta } = config;
    const half = headDim / 2;
    /** [T, 1, headDim/2] for positions from, from + 1, … */
    const angles = (from: number, count: number) => {
      const of = (f: (x: number) => number) => {
        const values = new Float32Array(count * half);
        for (let t = 0; t < count; t++)
          for (let i = 0; i < half; i++) values[t * half + i] = f((from + t) * ropeTheta ** ((-2 * i) / headDim));
        return np.array(values, { shape: [count, 1, half] });
      };
      return { cos: of(Math.cos), sin: of(Math.sin) };
    };
    const linear = (x: JaxArray, w: JaxArray) => np.dot(x, w.transpose());
    const norm = (x: JaxArray, w: JaxArray) => {
      const scale = np.sqrt(np.square(x.ref).mean(-1, { keepdims: true }).add(rmsNormEps));
      return x.div(scale).mul(w);
    };
    /** x [rows, T, heads, headDim], cos and sin [T, 1, headDim/2]. */
    const rotate = (x: JaxArray, cos: JaxArray, sin: JaxArray) => {
      const [a, b] = np.split(x, 2, -1);
      return np.concatenate([a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref)), b.mul(cos).add(a.mul(sin))], -1);
    };
    /**
     * Hidden states [rows, T, hidden] after the last norm of ids [rows, T]. `attend` sees each layer's rotated heads [rows, T, heads, headDim].
     * Consumes everything it is given, the embedding once.
     */
    const hidden = (
      p: readonly JaxArray[],
      ids: JaxArray,
      cos: JaxArray,
      sin: JaxArray,
      length: number,
      attend: (layer: number, q: JaxArray, k: JaxArray, v: JaxArray) => JaxArray,
    ) => {
      let x = np.take(p[0], ids, 0);
      for (let l = 0; l < layers; l++) {
        const [n1, qkv, out, n2, gateUp, down] = p.slice(1 + 6 * l, 7 + 6 * l);
        const [q, k, v] = np.split(linear(norm(x.ref, n1), qkv), 3, -1).map((part) => part.reshape([rows, length, heads, headDim]));
        const mixed = attend(l, rotate(q, cos.ref, sin.ref), rotate(k, cos.ref, sin.ref), v);
        x = x.add(linear(mixed.reshape([rows, length, heads * headDim]), out));
        const [gate, up] = np.split(linear(norm(x.ref, n2), gateUp), 2, -1);
        x = x.add(linear(nn.silu(gate).mul(up), down));
      }
      cos.dispose();
      sin.dispose();
      return norm(x, p[6 * layers + 1]);
    };
    return { angles, linear, hidden, d, layers, heads, headDim, intermediateSize, vocabSize };
  };

  return {
    name: "jax-js",
    how: "whole step in one jit, Adam inside; sampling with a cache, one jit a token, tokens stay on the device",

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
      const loss = (p: JaxArray[], ids: JaxArray, target: JaxArray, weight: JaxArray, cos: JaxArray, sin: JaxArray): JaxArray => {
        const embedding = p[0].ref;
        const h = net.hidden(p, ids, cos, sin, length - 1, (_, q, k, v) => nn.dotProductAttention(q, k, v, { isCausal: true }));
        const predicting = h.slice([], [promptLength - 1]).reshape([rows * NEW_TOKENS, net.d]);
        const logProbs = nn.logSoftmax(net.linear(predicting, embedding), -1);
        return np.sum(logProbs.mul(nn.oneHot(target, net.vocabSize)).sum(-1).mul(weight)).neg();
      };
      const step = jit(
        (
          p: JaxArray[],
          m: JaxArray[],
          v: JaxArray[],
          count: JaxArray,
          ids: JaxArray,
          target: JaxArray,
          weight: JaxArray,
          cos: JaxArray,
          sin: JaxArray,
        ): [JaxArray[], JaxArray[], JaxArray[], JaxArray, JaxArray] => {
          const [value, gradient] = valueAndGrad(loss)(
            p.map((x) => x.ref),
            ids,
            target,
            weight,
            cos,
            sin,
          ) as unknown as [JaxArray, JaxArray[]];
          const next = count.add(1);
          const { learningRate, beta1, beta2, eps } = ADAM;
          const rest1 = np
            .exp(next.ref.mul(Math.log(beta1)))
            .neg()
            .add(1);
          const rest2 = np
            .exp(next.ref.mul(Math.log(beta2)))
            .neg()
            .add(1);
          const newM = m.map((x, i) => x.mul(beta1).add(gradient[i].ref.mul(1 - beta1)));
          const newV = v.map((x, i) => x.mul(beta2).add(np.square(gradient[i]).mul(1 - beta2)));
          const newP = p.map((x, i) =>
            x.sub(
              newM[i].ref
                .div(rest1.ref)
                .div(np.sqrt(newV[i].ref.div(rest2.ref)).add(eps))
                .mul(learningRate),
            ),
          );
          rest1.dispose();
          rest2.dispose();
          return [newP, newM, newV, next, value];
        },
      );
      let p = parameters(work);
      let m: JaxArray[] = p.map((x) => np.zeros(x.shape));
      let v: JaxArray[] = p.map((x) => np.zeros(x.shape));
      let count: JaxArray = np.array(new Float32Array([0]), { shape: [] });
      const ids = np.array(inputs, { shape: [rows, length - 1] });
      const target = np.array(targets, { shape: [rows * NEW_TOKENS] });
      const weight = np.array(weights, { shape: [rows * NEW_TOKENS] });
      const { cos, sin } = net.angles(0, length - 1);
      return {
        async step() {
          let value: JaxArray;
          [p, m, v, count, value] = step(p, m, v, count, ids.ref, target.ref, weight.ref, cos.ref, sin.ref) as [
            JaxArray[],
            JaxArray[],
            JaxArray[],
            JaxArray,
            JaxArray,
          ];
          const result = (await value.jsAsync()) as number;
          // One fence; `blockUntilReady` would map every weight tensor.
          await getWebGPUDevice().queue.onSubmittedWorkDone();
          return result;
        },
        state: async () => ({ theta: await flat(p), m: await flat(m) }),
        dispose() {
          for (const x of [...p, ...m, ...v, count, ids, target, weight, cos, sin]) x.dispose();
        },
      };
    },

    async sample(work) {
      const { tokens, rows, promptLength, uniforms } = work;
      const net = network(work);
      const { heads, headDim, vocabSize } = net;
      const length = promptLength + NEW_TOKENS;
      const given = new Int32Array(rows * promptLength);
      for (let r = 0; r < rows; r++) given.set(tokens.subarray(r * length, r * length + promptLength), r * promptLength);
      const p = parameters(work);
      const prompt = np.array(given, { shape: [rows, promptLength] });
      const { cos, sin } = net.angles(0, promptLength);
      /** What a token's step needs to know of its position: angles, where it goes in the cache, and what it may see. */
      const positions = Array.from({ length: NEW_TOKENS }, (_, t) => {
        const at = promptLength + t;
        const here = new Float32Array(length);
        here[at] = 1;
        const bias = new Float32Array(length).fill(-1e30, at + 1);
        return {
          ...net.angles(at, 1),
          here: np.array(here, { shape: [1, length, 1, 1] }),
          bias: np.array(bias, { shape: [1, 1, 1, length] }),
        };
      });
      /** The token and its log-prob, [rows] each, of hidden states [rows, hidden]. */
      const pick = (h: JaxArray, embedding: JaxArray, u: JaxArray) => {
        const logProbs = nn.logSoftmax(net.linear(h, embedding), -1);
        const cumulative = np.cumsum(np.exp(logProbs.ref), -1);
        const below = cumulative
          .lessEqual(u.reshape([rows, 1]))
          .astype(np.int32)
          .sum(-1);
        const token = np.minimum(below, vocabSize - 1).astype(np.int32);
        const logProb = logProbs.mul(nn.oneHot(token.ref, vocabSize)).sum(-1);
        return [token, logProb] as const;
      };
      const prefill = jit((p: JaxArray[], ids: JaxArray, cos: JaxArray, sin: JaxArray, u: JaxArray) => {
        const cache: JaxArray[] = [];
        const embedding = p[0].ref;
        const h = net.hidden(p, ids, cos, sin, promptLength, (_, q, k, v) => {
          for (const x of [k.ref, v.ref]) cache.push(np.concatenate([x, np.zeros([rows, NEW_TOKENS, heads, headDim])], 1));
          return nn.dotProductAttention(q, k, v, { isCausal: true });
        });
        const [token, logProb] = pick(h.slice([], promptLength - 1), embedding, u);
        return [token, logProb, cache] as [JaxArray, JaxArray, JaxArray[]];
      });
      const next = jit(
        (
          p: JaxArray[],
          ids: JaxArray,
          cos: JaxArray,
          sin: JaxArray,
          u: JaxArray,
          cache: JaxArray[],
          here: JaxArray,
          bias: JaxArray,
        ): [JaxArray, JaxArray, JaxArray[]] => {
          const embedding = p[0].ref;
          const grown = cache.map((x) => x.mul(here.ref.neg().add(1)));
          const h = net.hidden(p, ids.reshape([rows, 1]), cos, sin, 1, (l, q, k, v) => {
            grown[2 * l] = grown[2 * l].add(k.mul(here.ref));
            grown[2 * l + 1] = grown[2 * l + 1].add(v.mul(here.ref));
            return nn.dotProductAttention(q, grown[2 * l].ref, grown[2 * l + 1].ref, { bias: bias.ref });
          });
          here.dispose();
          bias.dispose();
          const [token, logProb] = pick(h.reshape([rows, net.d]), embedding, u);
          return [token, logProb, grown];
        },
      );
      return {
        async draw(step) {
          const all = uniforms(step);
          const u = Array.from({ length: NEW_TOKENS }, (_, t) => np.array(all.slice(t * rows, (t + 1) * rows), { shape: [rows] }));
          const weights = () => p.map((x) => x.ref);
          let [token, logProb, cache] = prefill(weights(), prompt.ref, cos.ref, sin.ref, u[0]) as [JaxArray, JaxArray, JaxArray[]];
          const drawn = [token];
          const logProbs = [logProb];
          for (let t = 1; t < NEW_TOKENS; t++) {
            // The token drawn last stands at the position before the one that is drawn now.
            const { cos, sin, here, bias } = positions[t - 1];
            [token, logProb, cache] = next(weights(), token.ref, cos.ref, sin.ref, u[t], cache, here.ref, bias.ref) as [
              JaxArray,
              JaxArray,
              JaxArray[],
            ];
            drawn.push(token);
            logProbs.push(logProb);
          }
          for (const x of cache) x.dispose();
          const [values, lp] = await Promise.all([np.stack(drawn, 1).data(), np.stack(logProbs, 1).data()]);
          return { tokens: Int32Array.from(values), logProbs: Float32Array.from(lp) };
        },
        dispose() {
          const all = positions.flatMap(({ cos, sin, here, bias }) => [cos, sin, here, bias]);
          for (const x of [...p, prompt, cos, sin, ...all]) x.dispose();
        },
      };
    },
  };
}
