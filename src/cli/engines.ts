import type { Choice } from "../policy/choose.ts";
import { type Engine, EngineError } from "../policy/engine.ts";
import type { DecodeVariant, WeightFormat } from "../policy/webgpu/network.ts";
import { UsageError } from "./usage.ts";

interface EngineFlags {
  readonly threads?: number;
  readonly precision?: "float32" | "float64";
  /** Of a run that goes on: the way it drew its tokens is kept. */
  readonly plan?: Engine["plan"];
  /** How the GPU's kernels store weights; else as the plan says, or float32. */
  readonly weights?: string;
}

/**
 * The engine that `--engine` names; `auto` is the GPU where there is one, else the portable engine. A GPU that fails its self-test is used
 * with plain kernels or not at all, which is said on standard error.
 * @throws UsageError for another name, EngineError if it cannot run here.
 */
export async function engineByName(name: string, options: EngineFlags = {}): Promise<Engine> {
  const { weights } = options;
  if (weights !== undefined && weights !== "f32" && weights !== "f16")
    throw new UsageError(`--weights must be f32 or f16, got ${JSON.stringify(weights)}`);
  if (weights === "f16" && name !== "webgpu")
    throw new UsageError("--weights f16 goes with --engine webgpu: only its kernels store weights so");
  if (name === "portable") return portable(options);
  if (name !== "webgpu" && name !== "auto") throw new UsageError(`--engine must be auto, portable or webgpu, got ${JSON.stringify(name)}`);
  try {
    const { engine, note } = await chosen(name, options);
    if (note) console.error(note);
    return engine;
  } catch (error) {
    if (name === "webgpu" || !(error instanceof EngineError)) throw error;
    console.error(`The GPU is not used: ${error.message}`);
    return portable(options);
  }
}

async function portable({ threads, precision }: EngineFlags, selfTest?: string): Promise<Engine> {
  const { createPortableEngine } = await import("../policy/portable/node.ts");
  return createPortableEngine({ threads, precision, ...(selfTest ? { selfTest } : {}) });
}

async function chosen(wanted: "webgpu" | "auto", options: EngineFlags): Promise<Choice> {
  const [{ chooseEngine }, { nodeGpu }] = await Promise.all([import("../policy/choose.ts"), import("../policy/webgpu/node.ts")]);
  const said = options.plan?.decode;
  const weights: WeightFormat = (options.weights ?? options.plan?.weights) === "f16" ? "f16" : "f32";
  const decode = said === "batched" || said === "whole-token" ? { decode: said as DecodeVariant } : {};
  return chooseEngine({ wanted, gpu: await nodeGpu(), createPortable: (selfTest) => portable(options, selfTest), weights, ...decode });
}

/** @throws EngineError if the device reported an error since its creation: then numbers cannot be trusted. */
export async function failOnEngineErrors(engine: Engine): Promise<void> {
  if (engine.errorCount() === 0) return;
  throw new EngineError(`the GPU reported ${engine.errorCount()} errors, first: ${engine.errorMessages()[0]?.split("\n")[0]}`);
}
