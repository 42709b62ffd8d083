import { type PolicyConfig, parameterLayout } from "./config.ts";
import { completionOffsets, type TokenBatch } from "./engine.ts";

/** What the plainest implementation computes, all in float64. N is the number of completion tokens. */
export interface ReferenceScores {
  /** Before temperature, `[N, vocabSize]`. */
  readonly logits: Float64Array;
  readonly logProb: Float64Array;
  readonly entropy: Float64Array;
  readonly sumSquares: Float64Array;
  /** After the last norm, `[N, hiddenSize]`. */
  readonly hidden: Float64Array;
  /** ∂L/∂θ for the coefficients, if there were any. */
  readonly gradient?: Float64Array;
}

/** As `Coefficients` of the engine, on the host. */
export interface ReferenceCoefficients {
  readonly logProb?: ArrayLike<number>;
  readonly entropy?: ArrayLike<number>;
  readonly logits?: ArrayLike<number>;
}

/**
 * The network in plain loops, one row at a time: the third opinion when two engines disagree. Slow on purpose.
 * Formulas: RMSNorm (https://arxiv.org/abs/1910.07467), rotary positions (https://arxiv.org/abs/2104.09864, half-split convention),
 * SwiGLU (https://arxiv.org/abs/2002.05202); derivatives by hand.
 */
export function reference(
  config: PolicyConfig,
  theta: ArrayLike<number>,
  batch: TokenBatch,
  temperature = 1,
  coefficients?: ReferenceCoefficients,
): ReferenceScores {
  const offsets = completionOffsets(batch);
  const rows = batch.promptLengths.length;
  const n = offsets[rows];
  const { vocabSize: v, hiddenSize: d } = config;
  const scores = {
    logits: new Float64Array(n * v),
    logProb: new Float64Array(n),
    entropy: new Float64Array(n),
    sumSquares: new Float64Array(n),
    hidden: new Float64Array(n * d),
    gradient: coefficients ? new Float64Array(theta.length) : undefined,
  };
  for (let r = 0; r < rows; r++) {
    const tokens = batch.tokens.subarray(batch.offsets[r], batch.offsets[r + 1]);
    row(config, theta, tokens, batch.promptLengths[r], temperature, offsets[r], scores, coefficients);
  }
  return scores;
}

type Matrix = Float64Array;

function row(
  config: PolicyConfig,
  theta: ArrayLike<number>,
  tokens: Int32Array,
  promptLength: number,
  temperature: number,
  at: number,
  out: { [K in keyof ReferenceScores]: ReferenceScores[K] },
  coefficients: ReferenceCoefficients | undefined,
): void {
  const { vocabSize: V, hiddenSize: D, heads, headDim, intermediateSize: M } = config;
  const inner = heads * headDim;
  const T = tokens.length;
  const offsetOf = new Map(parameterLayout(config).map((s) => [s.name, s.offset]));
  const w = (name: string) => offsetOf.get(name)!;

  /** y[t, o] = Σ_i W[o, i]·x[t, i]. */
  const linear = (x: Matrix, offset: number, inputs: number, outputs: number): Matrix => {
    const y = new Float64Array(T * outputs);
    for (let t = 0; t < T; t++)
      for (let o = 0; o < outputs; o++) {
        let sum = 0;
        for (let i = 0; i < inputs; i++) sum += theta[offset + o * inputs + i] * x[t * inputs + i];
        y[t * outputs + o] = sum;
      }
    return y;
  };
  /** ∂L/∂x of `linear`; adds ∂L/∂W. */
  const linearBackward = (dy: Matrix, x: Matrix, offset: number, inputs: number, outputs: number): Matrix => {
    const dx = new Float64Array(T * inputs);
    for (let t = 0; t < T; t++)
      for (let o = 0; o < outputs; o++)
        for (let i = 0; i < inputs; i++) {
          dx[t * inputs + i] += theta[offset + o * inputs + i] * dy[t * outputs + o];
          out.gradient![offset + o * inputs + i] += dy[t * outputs + o] * x[t * inputs + i];
        }
    return dx;
  };
  const inverseRms = (x: Matrix, t: number): number => {
    let sum = 0;
    for (let i = 0; i < D; i++) sum += x[t * D + i] ** 2;
    return 1 / Math.sqrt(sum / D + config.rmsNormEps);
  };
  const norm = (x: Matrix, offset: number): Matrix => {
    const y = new Float64Array(T * D);
    for (let t = 0; t < T; t++) {
      const r = inverseRms(x, t);
      for (let i = 0; i < D; i++) y[t * D + i] = x[t * D + i] * r * theta[offset + i];
    }
    return y;
  };
  const normBackward = (dy: Matrix, x: Matrix, offset: number): Matrix => {
    const dx = new Float64Array(T * D);
    for (let t = 0; t < T; t++) {
      const r = inverseRms(x, t);
      let dot = 0;
      for (let i = 0; i < D; i++) {
        const normed = x[t * D + i] * r;
        out.gradient![offset + i] += dy[t * D + i] * normed;
        dot += theta[offset + i] * dy[t * D + i] * normed;
      }
      for (let i = 0; i < D; i++) dx[t * D + i] = r * (theta[offset + i] * dy[t * D + i] - (x[t * D + i] * r * dot) / D);
    }
    return dx;
  };
  /** Rotates pairs (i, i + headDim/2) of every head by position·θ^(−2i/headDim); `sign` −1 is the inverse. */
  const rotate = (x: Matrix, sign: number): Matrix => {
    const y = Float64Array.from(x);
    const half = headDim / 2;
    for (let t = 0; t < T; t++)
      for (let h = 0; h < heads; h++)
        for (let i = 0; i < half; i++) {
          const angle = sign * t * config.ropeTheta ** ((-2 * i) / headDim);
          const a = t * inner + h * headDim + i;
          y[a] = x[a] * Math.cos(angle) - x[a + half] * Math.sin(angle);
          y[a + half] = x[a + half] * Math.cos(angle) + x[a] * Math.sin(angle);
        }
    return y;
  };
  const scale = 1 / Math.sqrt(headDim);
  const weights = (q: Matrix, k: Matrix, h: number, t: number): Float64Array => {
    const p = new Float64Array(t + 1);
    for (let j = 0; j <= t; j++)
      for (let i = 0; i < headDim; i++) p[j] += scale * q[t * inner + h * headDim + i] * k[j * inner + h * headDim + i];
    const max = Math.max(...p);
    let sum = 0;
    for (let j = 0; j <= t; j++) sum += p[j] = Math.exp(p[j] - max);
    for (let j = 0; j <= t; j++) p[j] /= sum;
    return p;
  };
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const plus = (a: Matrix, b: Matrix): Matrix => a.map((value, i) => value + b[i]);

  const embedding = w("model.embed_tokens.weight");
  let x: Matrix = new Float64Array(T * D);
  for (let t = 0; t < T; t++) for (let i = 0; i < D; i++) x[t * D + i] = theta[embedding + tokens[t] * D + i];

  const undo: ((dx: Matrix) => Matrix)[] = [];
  for (let l = 0; l < config.layers; l++) {
    const name = (part: string) => w(`model.layers.${l}.${part}.weight`);
    const x0 = x;
    const n1 = norm(x0, name("input_layernorm"));
    const q = rotate(linear(n1, name("self_attn.q_proj"), D, inner), 1);
    const k = rotate(linear(n1, name("self_attn.k_proj"), D, inner), 1);
    const value = linear(n1, name("self_attn.v_proj"), D, inner);
    const o = new Float64Array(T * inner);
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < T; t++) {
        const p = weights(q, k, h, t);
        for (let j = 0; j <= t; j++)
          for (let i = 0; i < headDim; i++) o[t * inner + h * headDim + i] += p[j] * value[j * inner + h * headDim + i];
      }
    const x1 = plus(x0, linear(o, name("self_attn.o_proj"), inner, D));
    const n2 = norm(x1, name("post_attention_layernorm"));
    const gate = linear(n2, name("mlp.gate_proj"), D, M);
    const up = linear(n2, name("mlp.up_proj"), D, M);
    const hidden = gate.map((g, i) => g * sigmoid(g) * up[i]);
    x = plus(x1, linear(hidden, name("mlp.down_proj"), M, D));
    undo.push((dx) => {
      const dHidden = linearBackward(dx, hidden, name("mlp.down_proj"), M, D);
      const dGate = dHidden.map((dh, i) => dh * up[i] * sigmoid(gate[i]) * (1 + gate[i] * (1 - sigmoid(gate[i]))));
      const dUp = dHidden.map((dh, i) => dh * gate[i] * sigmoid(gate[i]));
      const dn2 = plus(linearBackward(dGate, n2, name("mlp.gate_proj"), D, M), linearBackward(dUp, n2, name("mlp.up_proj"), D, M));
      const dx1 = plus(dx, normBackward(dn2, x1, name("post_attention_layernorm")));
      const dO = linearBackward(dx1, o, name("self_attn.o_proj"), inner, D);
      const dq = new Float64Array(T * inner);
      const dk = new Float64Array(T * inner);
      const dv = new Float64Array(T * inner);
      for (let h = 0; h < heads; h++)
        for (let t = 0; t < T; t++) {
          const p = weights(q, k, h, t);
          const dp = p.map((_, j) => {
            let sum = 0;
            for (let i = 0; i < headDim; i++) sum += dO[t * inner + h * headDim + i] * value[j * inner + h * headDim + i];
            return sum;
          });
          const mean = p.reduce((sum, pj, j) => sum + pj * dp[j], 0);
          for (let j = 0; j <= t; j++) {
            const ds = p[j] * (dp[j] - mean) * scale;
            for (let i = 0; i < headDim; i++) {
              const c = h * headDim + i;
              dq[t * inner + c] += ds * k[j * inner + c];
              dk[j * inner + c] += ds * q[t * inner + c];
              dv[j * inner + c] += p[j] * dO[t * inner + c];
            }
          }
        }
      const dn1 = plus(
        plus(
          linearBackward(rotate(dq, -1), n1, name("self_attn.q_proj"), D, inner),
          linearBackward(rotate(dk, -1), n1, name("self_attn.k_proj"), D, inner),
        ),
        linearBackward(dv, n1, name("self_attn.v_proj"), D, inner),
      );
      return plus(dx1, normBackward(dn1, x0, name("input_layernorm")));
    });
  }
  const final = norm(x, w("model.norm.weight"));
  const logits = linear(final, embedding, D, V);

  const dLogits = new Float64Array(T * V);
  for (let j = promptLength; j < T; j++) {
    const t = j - 1;
    const i = at + j - promptLength;
    const z = Array.from(logits.subarray(t * V, (t + 1) * V));
    out.logits.set(z, i * V);
    out.hidden.set(final.subarray(t * D, (t + 1) * D), i * D);
    const scaled = z.map((value) => value / temperature);
    const max = Math.max(...scaled);
    const lse = max + Math.log(scaled.reduce((sum, value) => sum + Math.exp(value - max), 0));
    const lp = scaled.map((value) => value - lse);
    const entropy = -lp.reduce((sum, value) => sum + Math.exp(value) * value, 0);
    out.logProb[i] = lp[tokens[j]];
    out.entropy[i] = entropy;
    out.sumSquares[i] = lp.reduce((sum, value) => sum + Math.exp(2 * value), 0);
    const c = coefficients?.logProb?.[i] ?? 0;
    const e = coefficients?.entropy?.[i] ?? 0;
    for (let u = 0; u < V; u++) {
      const p = Math.exp(lp[u]);
      const own = c * ((u === tokens[j] ? 1 : 0) - p) - e * p * (lp[u] + entropy);
      dLogits[t * V + u] = own / temperature + (coefficients?.logits?.[i * V + u] ?? 0);
    }
  }
  if (!out.gradient) return;
  let dx = normBackward(linearBackward(dLogits, final, embedding, D, V), x, w("model.norm.weight"));
  for (const step of undo.reverse()) dx = step(dx);
  for (let t = 0; t < T; t++) for (let i = 0; i < D; i++) out.gradient[embedding + tokens[t] * D + i] += dx[t * D + i];
}
