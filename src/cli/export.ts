import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { exportHuggingFace } from "../policy/checkpoint.ts";
import { makeFolder, writeCheckpointFolder, writeWhole } from "../policy/checkpoint-folder.ts";
import { exportOnnx } from "../policy/onnx.ts";
import { loadPolicyFolder } from "./policies.ts";
import { UsageError } from "./usage.ts";

const HELP = `usage: rlvr export --to hf|onnx --out PATH [--policy P]

hf writes a LlamaForCausalLM folder, onnx one model file: input_ids → logits. P is a shipped policy or a folder, such as a run's policy/.`;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      to: { type: "string" },
      out: { type: "string" },
      policy: { type: "string", default: "tiny" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (values.to === "trl" || values.to === "verl") throw new UsageError(`export to ${values.to} is not built yet; hf and onnx are`);
  if (values.to !== "hf" && values.to !== "onnx") throw new UsageError(`--to must be hf or onnx, got ${JSON.stringify(values.to ?? "")}`);
  if (!values.out) throw new UsageError("--out PATH is needed: where to write it");
  const checkpoint = await loadPolicyFolder(values.policy);
  if (values.to === "hf") await writeCheckpointFolder(values.out, exportHuggingFace(checkpoint));
  else {
    await makeFolder(dirname(values.out));
    await writeWhole(values.out, exportOnnx(checkpoint));
  }
  console.log(values.json ? JSON.stringify({ out: values.out, to: values.to }) : `${values.policy} is now in ${values.out}`);
}
