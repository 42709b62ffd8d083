import { CheckpointError } from "./checkpoint-error.ts";
import { type PolicyConfig, parameterCount, parameterLayout } from "./config.ts";
import { isObject, readLlamaConfig, writeLlamaConfig } from "./llama-config.ts";
import { type NamedTensor, readSafetensors, writeSafetensors } from "./safetensors.ts";
import { BOS, EOS, PAD, SPECIAL_TOKENS, VOCABULARY } from "./tokenizer.ts";

export { CheckpointError } from "./checkpoint-error.ts";

/** A folder's files by name: text for JSON, bytes for weights. */
export type CheckpointFiles = Readonly<Record<string, string | Uint8Array>>;

/** A policy's shape and weights. */
export interface Checkpoint {
  readonly config: PolicyConfig;
  /** Flat, in the order of `parameterLayout`. */
  readonly theta: Float32Array;
}

/** The files of a Hugging Face `LlamaForCausalLM` folder that any reader of ours needs. */
export const HUGGING_FACE_FILES = ["config.json", "model.safetensors", "tokenizer.json"] as const;

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/**
 * The character vocabulary in the format of the `tokenizers` library: byte-pair encoding without merges, so that every character is a token
 * of its own, `<bos>` in front, tokens joined without spaces.
 */
function tokenizerFile(): Record<string, unknown> {
  const added = SPECIAL_TOKENS.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const bos = { SpecialToken: { id: SPECIAL_TOKENS[BOS], type_id: 0 } };
  const sequence = (id: "A" | "B", type: number) => ({ Sequence: { id, type_id: type } });
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: null,
    post_processor: {
      type: "TemplateProcessing",
      single: [bos, sequence("A", 0)],
      pair: [bos, sequence("A", 0), sequence("B", 1)],
      special_tokens: { [SPECIAL_TOKENS[BOS]]: { id: SPECIAL_TOKENS[BOS], ids: [BOS], tokens: [SPECIAL_TOKENS[BOS]] } },
    },
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(VOCABULARY.map((text, id) => [text, id])),
      merges: [],
    },
  };
}

function checkWeights(config: PolicyConfig, theta: Float32Array): void {
  const expected = parameterCount(config);
  if (theta.length !== expected) throw new CheckpointError(`a policy of this shape has ${expected} parameters, got ${theta.length}`);
  const bad = theta.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) {
    const { name } = parameterLayout(config).find(({ offset, size }) => bad < offset + size)!;
    throw new CheckpointError(`${name} holds a number that is not finite`);
  }
  if (config.vocabSize !== VOCABULARY.length) {
    throw new CheckpointError(`the policy has ${config.vocabSize} tokens, this program's vocabulary has ${VOCABULARY.length}`);
  }
}

/**
 * A policy as a Hugging Face `LlamaForCausalLM` folder in float32.
 * @throws CheckpointError if the weights are not finite or do not fit the shape or the vocabulary.
 */
export function exportHuggingFace({ config, theta }: Checkpoint): CheckpointFiles {
  checkWeights(config, theta);
  const ids = { bos_token_id: BOS, eos_token_id: EOS, pad_token_id: PAD };
  const tensors = parameterLayout(config).map(({ name, shape, offset, size }) => ({
    name,
    shape,
    data: theta.subarray(offset, offset + size),
  }));
  return {
    "config.json": json({
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      ...writeLlamaConfig(config),
      ...ids,
      attention_dropout: 0,
      initializer_range: 0.02,
      torch_dtype: "float32",
      use_cache: true,
    }),
    "generation_config.json": json(ids),
    "model.safetensors": writeSafetensors(tensors),
    "tokenizer.json": json(tokenizerFile()),
    "tokenizer_config.json": json({
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: SPECIAL_TOKENS[BOS],
      eos_token: SPECIAL_TOKENS[EOS],
      pad_token: SPECIAL_TOKENS[PAD],
      clean_up_tokenization_spaces: false,
      model_max_length: config.contextLength,
    }),
  };
}

function parseJson(files: CheckpointFiles, name: string): unknown {
  const file = files[name];
  if (file === undefined) throw new CheckpointError(`the checkpoint has no ${name}`);
  try {
    return JSON.parse(typeof file === "string" ? file : new TextDecoder().decode(file));
  } catch {
    throw new CheckpointError(`${name} is not JSON`);
  }
}

/** The policy's tokens must mean the same here: each id of the file's vocabulary, added tokens included, has our text. */
function checkTokenizer(raw: unknown): void {
  const model = isObject(raw) && isObject(raw.model) ? raw.model : {};
  if (!isObject(model.vocab)) throw new CheckpointError("tokenizer.json has no vocabulary");
  const entries = Object.entries(model.vocab);
  const added = isObject(raw) && Array.isArray(raw.added_tokens) ? raw.added_tokens : [];
  for (const token of added) if (isObject(token)) entries.push([String(token.content), token.id]);
  const seen = new Set<unknown>();
  for (const [text, id] of entries) {
    if (VOCABULARY[id as number] !== text)
      throw new CheckpointError(`tokenizer.json gives ${JSON.stringify(text)} the id ${id}, which is another token here`);
    seen.add(id);
  }
  if (seen.size !== VOCABULARY.length)
    throw new CheckpointError(`tokenizer.json has ${seen.size} tokens, this program's vocabulary has ${VOCABULARY.length}`);
  if (Array.isArray(model.merges) && model.merges.length > 0)
    throw new CheckpointError("tokenizer.json merges characters, this program's tokens are single characters");
}

/** Tensors by name → θ, with every shape checked and nothing left over. A tied `lm_head.weight` may be there. */
export function assembleTheta(config: PolicyConfig, tensors: ReadonlyMap<string, NamedTensor>): Float32Array {
  const theta = new Float32Array(parameterCount(config));
  const layout = parameterLayout(config);
  for (const { name, shape, offset } of layout) {
    const tensor = tensors.get(name);
    if (!tensor) throw new CheckpointError(`the weights lack ${name}`);
    if (tensor.shape.join() !== shape.join()) {
      throw new CheckpointError(`${name} has shape [${tensor.shape}], the configuration asks for [${shape}]`);
    }
    theta.set(tensor.data, offset);
  }
  const known = new Set(layout.map(({ name }) => name));
  for (const { name, data } of tensors.values()) {
    if (known.has(name)) continue;
    if (name !== "lm_head.weight") throw new CheckpointError(`the weight ${name} has no place in this architecture`);
    if (data.length !== layout[0].size || data.some((x, i) => x !== theta[i])) {
      throw new CheckpointError("lm_head.weight differs from the embedding: untied output embeddings are not supported");
    }
  }
  checkWeights(config, theta);
  return theta;
}

/**
 * A policy from the files of a Hugging Face folder (`HUGGING_FACE_FILES`; others are ignored).
 * @throws CheckpointError with one sentence if a file is missing or broken, or the model is of another architecture or vocabulary.
 */
export function importHuggingFace(files: CheckpointFiles): Checkpoint {
  const raw = parseJson(files, "config.json");
  const config = readLlamaConfig(raw, (problem) => {
    throw new CheckpointError(`config.json: ${problem}`);
  });
  checkTokenizer(parseJson(files, "tokenizer.json"));
  const weights = files["model.safetensors"];
  if (!(weights instanceof Uint8Array)) throw new CheckpointError("the checkpoint has no model.safetensors");
  return { config, theta: assembleTheta(config, readSafetensors(weights)) };
}
