import type { Engine } from "../engine.ts";
import { type PortableOptions, portableEngine } from "./engine.ts";
import type { OrtModule } from "./runtime.ts";

/** The portable engine on native ONNX Runtime. One thread by default: run several processes rather than several threads. */
export async function createPortableEngine(options: PortableOptions = {}): Promise<Engine> {
  const ort = (await import("onnxruntime-node")) as unknown as OrtModule;
  return portableEngine({ ort, backend: "onnxruntime-node", threads: options.threads ?? 1 }, options);
}
