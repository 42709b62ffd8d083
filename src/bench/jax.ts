import type { Array as JaxArray } from "@jax-js/jax";
import type { PolicyConfig } from "../policy/config.ts";
import type { Contender } from "./contender.ts";
import { contender, type Library, type Objective } from "./library.ts";
import { NEW_TOKENS, rotaryAngles } from "./workload.ts";

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
 * @param device jax-js has others, on which the same can be checked without a GPU
 * @throws Error if it cannot use that device here.
 */
export async function jax(device: "webgpu" | "cpu" = "webgpu"): Promise<Contender> {
  polyfillIteratorHelpers();
  const { init, defaultDevice, numpy: np, nn, jit, valueAndGrad, getWebGPUDevice } = await import("@jax-js/jax");
  if (!(await init(device)).includes(device)) throw new Error(`jax-js found no ${device} device`);
  defaultDevice(device);

  const put = (values: Float32Array | Int32Array, shape: readonly number[]): JaxArray =>
    np.array(values as Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>, { shape: [...shape] });
  const free = (tensors: readonly JaxArray[]) => {
    for (const x of tensors) x.dispose();
  };
  const refs = (tensors: readonly JaxArray[]) => tensors.map((x) => x.ref);
  /** [count, 1, headDim/2] for positions from, from + 1, … */
  const angles = (config: PolicyConfig, from: number, count: number) => {
    const { cos, sin } = rotaryAngles(config, from, count);
    const shape = [count, 1, config.headDim / 2];
    return { cos: put(cos, shape), sin: put(sin, shape) };
  };
  const linear = (x: JaxArray, w: JaxArray) => np.dot(x, w.transpose());
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
    { layers, heads, headDim, rmsNormEps }: PolicyConfig,
    p: readonly JaxArray[],
    ids: JaxArray,
    cos: JaxArray,
    sin: JaxArray,
    attend: (layer: number, q: JaxArray, k: JaxArray, v: JaxArray) => JaxArray,
  ) => {
    const norm = (x: JaxArray, w: JaxArray) => {
      const scale = np.sqrt(np.square(x.ref).mean(-1, { keepdims: true }).add(rmsNormEps));
      return x.div(scale).mul(w);
    };
    const [rows, length] = ids.shape;
    let x = np.take(p[0], ids, 0);
    for (let l = 0; l < layers; l++) {
      const [n1, qkv, out, n2, gateUp, down] = p.slice(1 + 6 * l, 7 + 6 * l);
      const [q, k, v] = np.split(linear(norm(x.ref, n1), qkv), 3, -1).map((part) => part.reshape([rows, length, heads, headDim]));
      const mixed = attend(l, rotate(q, cos.ref, sin.ref), rotate(k, cos.ref, sin.ref), v);
      x = x.add(linear(mixed.reshape([rows, length, heads * headDim]), out));
      const [gate, up] = np.split(linear(norm(x.ref, n2), gateUp), 2, -1);
      x = x.add(linear(nn.silu(gate).mul(up), down));
    }
    free([cos, sin]);
    return norm(x, p[6 * layers + 1]);
  };

  /** Consumes what it is given; all are [rows, NEW_TOKENS]. */
  const lossOf = (objective: Objective, logProb: JaxArray, columns: readonly JaxArray[]): JaxArray => {
    if (objective.kind === "weighted") return np.sum(logProb.mul(columns[0])).neg();
    const [old, advantage, weight] = columns;
    const ratio = np.exp(logProb.sub(old));
    const held = np.clip(ratio.ref, 1 - objective.low, 1 + objective.high);
    return np.sum(np.minimum(ratio.mul(advantage.ref), held.mul(advantage)).mul(weight)).neg();
  };

  const library: Library<JaxArray> = {
    name: "jax-js",
    how: "a whole update in one jit, Adam inside; sampling with a cache, one jit a token, tokens stay on the device",
    put,
    free,
    read: (x) => x.ref.data(),
    // `blockUntilReady` would map every tensor.
    async finished() {
      if (device === "webgpu") await getWebGPUDevice().queue.onSubmittedWorkDone();
    },
    stack: (columns) => np.stack([...columns], 1),
    within: (work) => work(),

    learner({ config, rows, promptLength }, objective, { learningRate, beta1, beta2, eps, maxGradNorm }) {
      const loss = (p: JaxArray[], ids: JaxArray, target: JaxArray, columns: JaxArray[], cos: JaxArray, sin: JaxArray): JaxArray => {
        const embedding = p[0].ref;
        const h = hidden(config, p, ids, cos, sin, (_, q, k, v) => nn.dotProductAttention(q, k, v, { isCausal: true }));
        const predicting = h.slice([], [promptLength - 1]).reshape([rows * NEW_TOKENS, config.hiddenSize]);
        const logProbs = nn.logSoftmax(linear(predicting, embedding), -1);
        const chosen = nn.oneHot(target.reshape([rows * NEW_TOKENS]), config.vocabSize);
        return lossOf(objective, logProbs.mul(chosen).sum(-1).reshape([rows, NEW_TOKENS]), columns);
      };
      const shortened = (gradient: JaxArray[]): JaxArray[] => {
        if (maxGradNorm === 0) return gradient;
        const norm = np.sqrt(gradient.map((g) => np.sum(np.square(g.ref))).reduce((a, b) => a.add(b)));
        const scale = np.minimum(np.array(maxGradNorm).div(norm.add(1e-6)), 1);
        const scaled = gradient.map((g) => g.mul(scale.ref));
        scale.dispose();
        return scaled;
      };
      type Update = [p: JaxArray[], m: JaxArray[], v: JaxArray[], count: JaxArray, loss: JaxArray];
      const update = jit(
        (
          p: JaxArray[],
          m: JaxArray[],
          v: JaxArray[],
          count: JaxArray,
          ids: JaxArray,
          target: JaxArray,
          columns: JaxArray[],
          cos: JaxArray,
          sin: JaxArray,
        ): Update => {
          const [value, raw] = valueAndGrad(loss)(refs(p), ids, target, columns, cos, sin) as [JaxArray, JaxArray[]];
          const gradient = shortened(raw);
          const next = count.add(1);
          const rest = (beta: number) =>
            np
              .exp(next.ref.mul(Math.log(beta)))
              .neg()
              .add(1);
          const [rest1, rest2] = [rest(beta1), rest(beta2)];
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
          free([rest1, rest2]);
          return [newP, newM, newV, next, value];
        },
      );
      let p: JaxArray[] = [];
      let m: JaxArray[] = [];
      let v: JaxArray[] = [];
      let count = put(new Float32Array(1), []);
      const { cos, sin } = angles(config, 0, promptLength + NEW_TOKENS - 1);
      const drop = () => free([...p, ...m, ...v, count]);
      return {
        async load(state) {
          drop();
          [p, m, v] = [[...state.theta], [...state.m], [...state.v]];
          count = put(Float32Array.of(state.updates), []);
        },
        step({ inputs, targets, columns }) {
          let value: JaxArray;
          [p, m, v, count, value] = update(p, m, v, count, inputs.ref, targets.ref, refs(columns), cos.ref, sin.ref) as Update;
          return value;
        },
        theta: () => p,
        moments: async () => m,
        dispose() {
          drop();
          free([cos, sin]);
        },
      };
    },

    decoder({ config, rows, promptLength }, banned) {
      const { heads, headDim, hiddenSize, vocabSize } = config;
      const length = promptLength + NEW_TOKENS;
      const first = angles(config, 0, promptLength);
      /** What a token's step needs to know of its position: angles, where it goes in the cache, and what it may see. */
      const positions = Array.from({ length: NEW_TOKENS - 1 }, (_, t) => {
        const at = promptLength + t;
        const here = new Float32Array(length);
        here[at] = 1;
        const bias = new Float32Array(length).fill(-1e30, at + 1);
        return { ...angles(config, at, 1), here: put(here, [1, length, 1, 1]), bias: put(bias, [1, 1, 1, length]) };
      });
      const allowed = put(
        Float32Array.from({ length: vocabSize }, (_, v) => (banned.includes(v) ? 0 : 1)),
        [vocabSize],
      );
      /** The token and its log-prob, [rows] each, of hidden states [rows, hidden]. Consumes all. */
      const pick = (h: JaxArray, embedding: JaxArray, u: JaxArray, allowed: JaxArray) => {
        const logProbs = nn.logSoftmax(linear(h, embedding), -1);
        const cumulative = np.cumsum(np.exp(logProbs.ref).mul(allowed), -1);
        const total = cumulative.ref.slice([], vocabSize - 1);
        const below = cumulative
          .lessEqual(u.mul(total).reshape([rows, 1]))
          .astype(np.int32)
          .sum(-1);
        const token = np.minimum(below, vocabSize - 1).astype(np.int32);
        const logProb = logProbs.mul(nn.oneHot(token.ref, vocabSize)).sum(-1);
        return [token, logProb] as const;
      };
      type Picked = [token: JaxArray, logProb: JaxArray, cache: JaxArray[]];
      const prefill = jit((p: JaxArray[], ids: JaxArray, cos: JaxArray, sin: JaxArray, u: JaxArray, allowed: JaxArray): Picked => {
        const cache: JaxArray[] = [];
        const embedding = p[0].ref;
        const h = hidden(config, p, ids, cos, sin, (_, q, k, v) => {
          for (const x of [k.ref, v.ref]) cache.push(np.concatenate([x, np.zeros([rows, NEW_TOKENS, heads, headDim])], 1));
          return nn.dotProductAttention(q, k, v, { isCausal: true });
        });
        return [...pick(h.slice([], promptLength - 1), embedding, u, allowed), cache];
      });
      const next = jit(
        (
          p: JaxArray[],
          ids: JaxArray,
          cos: JaxArray,
          sin: JaxArray,
          u: JaxArray,
          allowed: JaxArray,
          cache: JaxArray[],
          here: JaxArray,
          bias: JaxArray,
        ): Picked => {
          const embedding = p[0].ref;
          const grown = cache.map((x) => x.mul(here.ref.neg().add(1)));
          const h = hidden(config, p, ids.reshape([rows, 1]), cos, sin, (l, q, k, v) => {
            grown[2 * l] = grown[2 * l].add(k.mul(here.ref));
            grown[2 * l + 1] = grown[2 * l + 1].add(v.mul(here.ref));
            return nn.dotProductAttention(q, grown[2 * l].ref, grown[2 * l + 1].ref, { bias: bias.ref });
          });
          free([here, bias]);
          return [...pick(h.reshape([rows, hiddenSize]), embedding, u, allowed), grown];
        },
      );
      const drawn = ([token, logProb, cache]: Picked) => ({ token, logProb, cache });
      return {
        first: (theta, prompts, u) => drawn(prefill(refs(theta), prompts.ref, first.cos.ref, first.sin.ref, u.ref, allowed.ref) as Picked),
        next(theta, t, { token, cache }, u) {
          // The token drawn last stands at the position before the one that is drawn now.
          const { cos, sin, here, bias } = positions[t - 1];
          const given = [token.ref, cos.ref, sin.ref, u.ref, allowed.ref] as const;
          return drawn(next(refs(theta), ...given, [...cache], here.ref, bias.ref) as Picked);
        },
        dispose() {
          free([first.cos, first.sin, allowed, ...positions.flatMap(({ cos, sin, here, bias }) => [cos, sin, here, bias])]);
        },
      };
    },
  };
  return contender(library);
}
