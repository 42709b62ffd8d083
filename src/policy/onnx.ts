import { assembleTheta, type Checkpoint } from "./checkpoint.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { parameterLayout } from "./config.ts";
import { isObject, readLlamaConfig, writeLlamaConfig } from "./llama-config.ts";
import { DATA_TYPE, Graph, type Value } from "./portable/graph.ts";
import { groupWeights, MASKED, Ops } from "./portable/network.ts";
import { readFields } from "./portable/protobuf.ts";
import type { NamedTensor } from "./safetensors.ts";

const CONFIG_KEY = "llama_config";

/**
 * A policy as an ONNX model of standard operators: `input_ids` int64 [batch, sequence] → `logits` float32 [batch, sequence, vocabSize].
 * Weights are initializers under their Hugging Face names; sequences may be as long as the context.
 */
export function exportOnnx({ config, theta }: Checkpoint): Uint8Array {
  const graph = new Graph("policy");
  const ops = new Ops(graph, config, "float32", false);
  const ids = graph.input("input_ids", "int64", ["batch", "sequence"]);
  const named = new Map<string, Value>();
  for (const { name, shape, offset, size } of parameterLayout(config)) {
    named.set(name, graph.initializer(name, "float32", shape, theta.subarray(offset, offset + size)));
  }
  const weight = (name: string) => named.get(`${name}.weight`)!;
  const stack = (...names: string[]) => graph.node("Concat", names.map(weight), { axis: 0 });
  const weights = groupWeights([
    weight("model.embed_tokens"),
    ...Array.from({ length: config.layers }, (_, l) => `model.layers.${l}`).flatMap((layer) => [
      weight(`${layer}.input_layernorm`),
      stack(`${layer}.self_attn.q_proj`, `${layer}.self_attn.k_proj`, `${layer}.self_attn.v_proj`),
      weight(`${layer}.self_attn.o_proj`),
      weight(`${layer}.post_attention_layernorm`),
      stack(`${layer}.mlp.gate_proj`, `${layer}.mlp.up_proj`),
      weight(`${layer}.mlp.down_proj`),
    ]),
    weight("model.norm"),
  ]);

  const length = graph.node("Squeeze", [graph.node("Shape", [ids], { start: 1, end: 2 })]);
  const positions = graph.node("Unsqueeze", [graph.node("Range", [graph.ints(0), length, graph.ints(1)]), graph.ints([0])]);
  const future = graph.node("Less", [ops.reshape(positions, [-1, 1]), positions]);
  const bias = graph.node("Where", [future, ops.real(MASKED), ops.real(0)]);
  const rotary = ops.rotaryAt(ops.rotaryTables(), positions);
  let x = graph.node("Gather", [weights.embedding, ids], { axis: 0 });
  for (const layer of weights.layers) x = ops.layer(x, layer, rotary, (q, k, v) => ops.attention(q, k, v, bias)).y;
  const logits = ops.matmul(ops.rmsNorm(x, weights.norm).y, weights.embedding, { transB: true });
  graph.output(logits, "float32", ["batch", "sequence", config.vocabSize], "logits");
  return graph.model({ [CONFIG_KEY]: JSON.stringify(writeLlamaConfig(config)) });
}

function readTensor(bytes: Uint8Array): NamedTensor | undefined {
  const shape: number[] = [];
  let [name, type, raw] = ["", 0, new Uint8Array(0)];
  for (const { field, integer, data } of readFields(bytes)) {
    if (field === 1) shape.push(Number(integer));
    else if (field === 2) type = Number(integer);
    else if (field === 8) name = new TextDecoder().decode(data);
    else if (field === 9) raw = data.slice();
  }
  if (type !== DATA_TYPE.float32 || !name.startsWith("model.")) return undefined;
  if (raw.length !== 4 * shape.reduce((a, b) => a * b, 1))
    throw new CheckpointError(`the ONNX file's ${name} does not fill its shape [${shape}]`);
  return { name, shape, data: new Float32Array(raw.buffer) };
}

/**
 * A policy from a file that `exportOnnx` wrote.
 * @throws CheckpointError with one sentence if the file is broken or came from elsewhere.
 */
export function importOnnx(file: Uint8Array): Checkpoint {
  const tensors = new Map<string, NamedTensor>();
  let rawConfig: unknown;
  try {
    for (const model of readFields(file)) {
      if (model.field === 7) {
        for (const { field, data } of readFields(model.data)) {
          const tensor = field === 5 ? readTensor(data) : undefined;
          if (tensor) tensors.set(tensor.name, tensor);
        }
      } else if (model.field === 14) {
        const [key, value] = [...readFields(model.data)].map(({ data }) => new TextDecoder().decode(data));
        if (key === CONFIG_KEY) rawConfig = JSON.parse(value);
      }
    }
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(`the file is not a readable ONNX model: ${(error as Error).message}`);
  }
  if (!isObject(rawConfig)) throw new CheckpointError("the ONNX file was not written by this program: it does not say its configuration");
  const config = readLlamaConfig(rawConfig, (problem) => {
    throw new CheckpointError(`the ONNX file's configuration: ${problem}`);
  });
  return { config, theta: assembleTheta(config, tensors) };
}
