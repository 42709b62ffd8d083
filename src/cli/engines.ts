import type { Engine } from "../policy/engine.ts";
import { UsageError } from "./usage.ts";

/** The engine that `--engine` names. @throws UsageError for another name, EngineError if it cannot run here. */
export async function engineByName(name: string, options: { threads?: number; precision?: "float32" | "float64" } = {}): Promise<Engine> {
  if (name === "portable") return (await import("../policy/portable/node.ts")).createPortableEngine(options);
  if (name === "webgpu") return (await import("../policy/webgpu/node.ts")).createNodeWebgpuEngine();
  throw new UsageError(`--engine must be portable or webgpu, got ${JSON.stringify(name)}`);
}

/** @throws EngineError if the device reported an error since its creation: then numbers cannot be trusted. */
export async function failOnEngineErrors(engine: Engine): Promise<void> {
  if (engine.errorCount() === 0) return;
  const { EngineError } = await import("../policy/engine.ts");
  throw new EngineError(`the GPU reported ${engine.errorCount()} errors, first: ${engine.errorMessages()[0]?.split("\n")[0]}`);
}
