import { type PolicyConfig, validateConfig } from "./config.ts";

/** Says what is wrong, by throwing the caller's own error. */
export type Fail = (problem: string) => never;

type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** A number under `key`, or the fallback where the key is absent. */
export function numberField(object: Json, key: string, fail: Fail, fallback?: number): number {
  const value = object[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value)) fail(`${key} must be a number`);
  return value;
}

/**
 * A policy's shape from the fields of a Hugging Face `LlamaConfig`. What our architecture has no room for (grouped-query attention,
 * untied embeddings, biases, other activations, scaled rotary positions) fails with one sentence.
 * @param contextLength used in place of `max_position_embeddings` if given.
 */
export function readLlamaConfig(raw: unknown, fail: Fail, contextLength?: number): PolicyConfig {
  if (!isObject(raw)) return fail("it has no config");
  const field = (key: string, fallback?: number) => numberField(raw, key, fail, fallback);
  if (raw.model_type !== undefined && raw.model_type !== "llama") fail(`the model type ${raw.model_type} is not supported, only llama`);
  const heads = field("num_attention_heads");
  const keyValueHeads = field("num_key_value_heads", heads);
  if (keyValueHeads !== heads) {
    fail(`grouped-query attention (${keyValueHeads} key-value heads for ${heads} heads) is not supported: each head needs its own`);
  }
  if (raw.tie_word_embeddings === false) fail("untied output embeddings are not supported: tie_word_embeddings must be true");
  if (raw.attention_bias === true || raw.mlp_bias === true) fail("biases are not supported");
  if (raw.hidden_act !== undefined && raw.hidden_act !== "silu") fail(`the activation ${raw.hidden_act} is not supported, only silu`);
  const rope = isObject(raw.rope_parameters) ? raw.rope_parameters : isObject(raw.rope_scaling) ? raw.rope_scaling : {};
  const ropeType = rope.rope_type ?? rope.type ?? "default";
  if (ropeType !== "default") fail(`rotary positions of type ${ropeType} are not supported, only default`);
  const hiddenSize = field("hidden_size");
  const config: PolicyConfig = {
    vocabSize: field("vocab_size"),
    hiddenSize,
    layers: field("num_hidden_layers"),
    heads,
    headDim: field("head_dim", hiddenSize / heads),
    intermediateSize: field("intermediate_size"),
    contextLength: contextLength ?? field("max_position_embeddings"),
    rmsNormEps: field("rms_norm_eps", 1e-6),
    ropeTheta: field("rope_theta", typeof rope.rope_theta === "number" ? rope.rope_theta : 10000),
  };
  try {
    validateConfig(config);
  } catch (error) {
    fail((error as Error).message);
  }
  return config;
}

/** The same fields as a Hugging Face configuration. */
export function writeLlamaConfig(config: PolicyConfig): Json {
  return {
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.heads,
    head_dim: config.headDim,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.contextLength,
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: true,
  };
}
