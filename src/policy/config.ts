/** The shape of a policy: a Llama-form decoder (RMSNorm, rotary positions in the half-split convention, SwiGLU, tied embeddings, no biases). */
export interface PolicyConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  /** Longest sequence, prompt and completion together, in tokens. */
  readonly contextLength: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
}

const shared = { vocabSize: 104, contextLength: 128, rmsNormEps: 1e-5, ropeTheta: 10000 } as const;

/** The sizes that ship: about 0.1 M, 0.45 M and 2.7 M parameters. */
export const POLICY_CONFIGS = {
  nano: { ...shared, hiddenSize: 64, layers: 2, heads: 4, headDim: 16, intermediateSize: 176 },
  tiny: { ...shared, hiddenSize: 96, layers: 4, heads: 6, headDim: 16, intermediateSize: 256 },
  small: { ...shared, hiddenSize: 192, layers: 6, heads: 6, headDim: 32, intermediateSize: 512 },
} as const satisfies Record<string, PolicyConfig>;

export type PolicySize = keyof typeof POLICY_CONFIGS;

/** One weight tensor inside the flat parameter vector. */
export interface ParameterSlice {
  /** Hugging Face name, such as `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** Row-major `[out, in]` for matrices, `[size]` for norm weights. */
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
  /** AdamW decays matrices and the embedding, never norm weights. */
  readonly decay: boolean;
}

/**
 * The layout of the flat parameter vector θ, in the order in which every engine stores it.
 * `q_proj, k_proj, v_proj` are adjacent, and so are `gate_proj, up_proj`: an engine may read each run as one packed matrix
 * of shape `[3·heads·headDim, hiddenSize]` or `[2·intermediateSize, hiddenSize]`.
 */
export function parameterLayout(config: PolicyConfig): readonly ParameterSlice[] {
  const { vocabSize: v, hiddenSize: d, heads, headDim, intermediateSize: m } = config;
  const inner = heads * headDim;
  const slices: ParameterSlice[] = [];
  let offset = 0;
  const add = (name: string, ...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    slices.push({ name, shape, offset, size, decay: shape.length > 1 });
    offset += size;
  };
  add("model.embed_tokens.weight", v, d);
  for (let l = 0; l < config.layers; l++) {
    const layer = `model.layers.${l}.`;
    add(`${layer}input_layernorm.weight`, d);
    add(`${layer}self_attn.q_proj.weight`, inner, d);
    add(`${layer}self_attn.k_proj.weight`, inner, d);
    add(`${layer}self_attn.v_proj.weight`, inner, d);
    add(`${layer}self_attn.o_proj.weight`, d, inner);
    add(`${layer}post_attention_layernorm.weight`, d);
    add(`${layer}mlp.gate_proj.weight`, m, d);
    add(`${layer}mlp.up_proj.weight`, m, d);
    add(`${layer}mlp.down_proj.weight`, d, m);
  }
  add("model.norm.weight", d);
  return slices;
}

/** Number of parameters in θ. */
export function parameterCount(config: PolicyConfig): number {
  const last = parameterLayout(config).at(-1)!;
  return last.offset + last.size;
}

/** No size of a policy's shape is larger: far beyond what any engine here can run, and small enough to be refused at once. */
const LARGEST = 65536;

/**
 * Checks that a shape can be built.
 * @throws RangeError with one sentence that names the first field that is wrong.
 */
export function validateConfig(config: PolicyConfig): void {
  for (const key of ["vocabSize", "hiddenSize", "layers", "heads", "headDim", "intermediateSize", "contextLength"] as const) {
    const value = config[key];
    if (!Number.isInteger(value) || value < 1 || value > LARGEST)
      throw new RangeError(`policy ${key} must be an integer from 1 to ${LARGEST}, got ${value}`);
  }
  if (config.headDim % 2 !== 0) throw new RangeError(`policy headDim must be even for rotary positions, got ${config.headDim}`);
  if (!(config.rmsNormEps > 0)) throw new RangeError(`policy rmsNormEps must be positive, got ${config.rmsNormEps}`);
  if (!(config.ropeTheta > 0)) throw new RangeError(`policy ropeTheta must be positive, got ${config.ropeTheta}`);
}
