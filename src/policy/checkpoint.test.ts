import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CheckpointError, type CheckpointFiles, exportHuggingFace, importHuggingFace } from "./checkpoint.ts";
import { readCheckpointFolder, writeCheckpointFolder } from "./checkpoint-folder.ts";
import { POLICY_CONFIGS, type PolicyConfig, parameterLayout } from "./config.ts";
import { tokenBatch } from "./engine.ts";
import { initialWeights } from "./initialise.ts";
import { exportOnnx, importOnnx } from "./onnx.ts";
import { createPortableEngine } from "./portable/node.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { encodePrompt, VOCABULARY } from "./tokenizer.ts";

const config: PolicyConfig = {
  ...POLICY_CONFIGS.nano,
  hiddenSize: 24,
  heads: 2,
  headDim: 16,
  intermediateSize: 20,
  contextLength: 40,
  ropeTheta: 5000,
};
const theta = initialWeights(config, 2).map((x) => (x === 1 ? 1 : 8 * x));
const files = exportHuggingFace({ config, theta });

const edited = (name: string, change: (content: Record<string, unknown>) => void): CheckpointFiles => {
  const content = JSON.parse(files[name] as string);
  change(content);
  return { ...files, [name]: JSON.stringify(content) };
};
const weights = files["model.safetensors"] as Uint8Array;
const withTensors = (change: (tensors: ReturnType<typeof readSafetensors>) => void): CheckpointFiles => {
  const tensors = readSafetensors(weights);
  change(tensors);
  return { ...files, "model.safetensors": writeSafetensors([...tensors.values()]) };
};

describe("a Hugging Face folder", () => {
  test("gives back the shape and every bit of the weights, through a folder on disk too", async () => {
    expect(importHuggingFace(files)).toEqual({ config, theta });
    const folder = await mkdtemp(join(tmpdir(), "checkpoint-"));
    try {
      await writeCheckpointFolder(join(folder, "deep/er"), files);
      expect(importHuggingFace(await readCheckpointFolder(join(folder, "deep/er")))).toEqual({ config, theta });
      await writeFile(join(folder, "config.json"), "{}");
      await expect(readCheckpointFolder(folder)).rejects.toThrow(/model\.safetensors is missing/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("has the fields and tensors that LlamaForCausalLM looks for", () => {
    const written = JSON.parse(files["config.json"] as string);
    expect(written).toMatchObject({
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      hidden_size: 24,
      head_dim: 16,
      num_key_value_heads: 2,
      max_position_embeddings: 40,
      rope_theta: 5000,
      tie_word_embeddings: true,
      bos_token_id: 1,
      eos_token_id: 2,
      pad_token_id: 0,
    });
    expect([...readSafetensors(weights).keys()]).toEqual(parameterLayout(config).map(({ name }) => name));
  });

  test("tokenizer.json holds the vocabulary, id by id", () => {
    const { model, added_tokens } = JSON.parse(files["tokenizer.json"] as string);
    expect(Object.entries<number>(model.vocab).sort(([, a], [, b]) => a - b)).toEqual(VOCABULARY.map((text, id) => [text, id]));
    expect(added_tokens.map(({ content }: { content: string }) => content)).toEqual(VOCABULARY.slice(0, 8));
    expect(model.merges).toEqual([]);
  });

  test("reads what other tools write: a tied lm_head, rope_parameters", () => {
    const tied = withTensors((tensors) =>
      tensors.set("lm_head.weight", { ...tensors.get("model.embed_tokens.weight")!, name: "lm_head.weight" }),
    );
    expect(importHuggingFace(tied).theta).toEqual(theta);
    const newer = edited("config.json", (c) => {
      delete c.rope_theta;
      c.rope_parameters = { rope_type: "default", rope_theta: 5000 };
    });
    expect(importHuggingFace(newer).config).toEqual(config);
  });

  test.each([
    ["no config", { ...files, "config.json": undefined }, "the checkpoint has no config.json"],
    ["no weights", { ...files, "model.safetensors": undefined }, "the checkpoint has no model.safetensors"],
    ["config not JSON", { ...files, "config.json": "{" }, "config.json is not JSON"],
    ["config of another kind", edited("config.json", (c) => (c.model_type = "gpt2")), "the model type gpt2 is not supported"],
    [
      "grouped queries",
      edited("config.json", (c) => (c.num_key_value_heads = 1)),
      "grouped-query attention (1 key-value heads for 2 heads)",
    ],
    ["scaled rotary", edited("config.json", (c) => (c.rope_scaling = { rope_type: "llama3" })), "rotary positions of type llama3"],
    ["a field missing", edited("config.json", (c) => delete c.hidden_size), "config.json: hidden_size must be a number"],
    [
      "another width",
      edited("config.json", (c) => (c.intermediate_size = 21)),
      "gate_proj.weight has shape [20,24], the configuration asks for [21,24]",
    ],
    ["another tokenizer", edited("tokenizer.json", (t) => ((t.model as { vocab: object }).vocab = { a: 0 })), 'gives "a" the id 0'],
    [
      "tokens missing",
      edited("tokenizer.json", (t) => delete (t.model as { vocab: Record<string, number> }).vocab.z),
      "tokenizer.json has 103 tokens",
    ],
    [
      "weights cut off",
      { ...files, "model.safetensors": weights.subarray(0, weights.length - 5) },
      "it ends before the data of model.norm.weight",
    ],
    ["weights cut short", { ...files, "model.safetensors": weights.subarray(0, 5) }, "it has only 5 bytes"],
    ["weights not weights", { ...files, "model.safetensors": new Uint8Array(64) }, "its header is not JSON"],
    ["a tensor missing", withTensors((t) => t.delete("model.norm.weight")), "the weights lack model.norm.weight"],
    ["a tensor too many", withTensors((t) => t.set("x", { name: "x", shape: [1], data: Float32Array.of(1) })), "the weight x has no place"],
    [
      "not finite",
      withTensors((t) => (t.get("model.norm.weight")!.data[3] = Number.NaN)),
      "model.norm.weight holds a number that is not finite",
    ],
    [
      "untied",
      withTensors((t) => t.set("lm_head.weight", { name: "lm_head.weight", shape: [104, 24], data: new Float32Array(104 * 24) })),
      "lm_head.weight differs from the embedding",
    ],
  ])("broken: %s", (_, broken, message) => {
    expect(() => importHuggingFace(broken as CheckpointFiles)).toThrow(CheckpointError);
    expect(() => importHuggingFace(broken as CheckpointFiles)).toThrow(message);
  });

  test("refuses to export what could not be read back", () => {
    expect(() => exportHuggingFace({ config, theta: theta.subarray(1) })).toThrow("parameters, got");
    expect(() => exportHuggingFace({ config, theta: theta.map((x, i) => (i === 5 ? Number.POSITIVE_INFINITY : x)) })).toThrow("not finite");
    const foreign = { ...config, vocabSize: 9 };
    expect(() => exportHuggingFace({ config: foreign, theta: initialWeights(foreign, 0) })).toThrow("the policy has 9 tokens");
  });
});

describe("ONNX", () => {
  const file = exportOnnx({ config, theta });

  test("gives ONNX Runtime the engine's logits, for any batch and length", async () => {
    const ort = await import("onnxruntime-node");
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 });
    const engine = await createPortableEngine();
    const policy = await engine.load(config, theta);
    for (const texts of [["3+4="], ["sort: dbca", "reverse it"], ["", "", ""], ["x".repeat(38)]]) {
      const prompts = texts.map((text) => Array.from(encodePrompt(text)));
      const length = prompts[0].length;
      const ids = BigInt64Array.from(prompts.flat(), BigInt);
      const { logits } = await session.run({ input_ids: new ort.Tensor("int64", ids, [prompts.length, length]) });
      expect(logits.dims).toEqual([prompts.length, length, config.vocabSize]);
      const rows = prompts.map((prompt) => [...prompt.slice(1), 0]);
      const handle = await policy.forward(
        tokenBatch(
          prompts.map((prompt) => prompt.slice(0, 1)),
          rows,
        ),
        { logits: true },
      );
      const own = await handle.logits!.read();
      own.forEach((x, i) => {
        expect(Math.abs(x - (logits.data[i] as number))).toBeLessThan(1e-4);
      });
    }
    await session.release();
    engine.dispose();
  });

  test("gives back the shape and every bit of the weights", () => {
    expect(importOnnx(file)).toEqual({ config, theta });
  });

  test("a broken or foreign file is refused in one sentence", () => {
    for (const broken of [
      file.subarray(0, 1000),
      file.subarray(0, file.length - 3),
      new Uint8Array(0),
      new TextEncoder().encode("<!doctype html>"),
    ]) {
      expect(() => importOnnx(broken)).toThrow(CheckpointError);
    }
  });
});
