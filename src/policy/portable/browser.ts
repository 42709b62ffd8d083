import type { Engine } from "../engine.ts";
import { type PortableOptions, portableEngine } from "./engine.ts";
import { Graph } from "./graph.ts";
import type { OrtModule } from "./runtime.ts";

export interface BrowserOptions extends PortableOptions {
  /**
   * Absolute URL of the folder with ONNX Runtime's `.wasm` and `.mjs` files, or of each. A worker must be given it by its page if the site's base is
   * relative, because a worker resolves relative URLs against its own file.
   */
  readonly wasmPaths?: string | { readonly wasm: string; readonly mjs: string };
}

/** The portable engine on WebAssembly, which is fetched now. Up to four threads where the page is cross-origin isolated, else one. Call it in a worker: a run blocks its thread. */
export async function createPortableEngine(options: BrowserOptions = {}): Promise<Engine> {
  const ort = await import("onnxruntime-web/wasm");
  const spare = Math.max(1, Math.min(4, (globalThis.navigator?.hardwareConcurrency ?? 2) - 1));
  const threads = globalThis.crossOriginIsolated ? (options.threads ?? spare) : 1;
  ort.env.wasm.numThreads = threads;
  if (options.wasmPaths) ort.env.wasm.wasmPaths = options.wasmPaths;
  fetchRuntime(ort as unknown as OrtModule);
  return portableEngine({ ort: ort as unknown as OrtModule, backend: "onnxruntime-web", threads }, options);
}

/**
 * ONNX Runtime fetches and compiles its WebAssembly when it is given its first model. That is now, so that weights can arrive meanwhile. If it
 * fails, so does the first model that matters, and that is reported.
 */
function fetchRuntime({ InferenceSession }: OrtModule): void {
  const graph = new Graph("nothing");
  graph.output(graph.input("x", "float32", [1]), "float32", [1], "y");
  InferenceSession.create(graph.model(), { executionProviders: ["wasm"] }).then(
    (session) => session.release(),
    () => {},
  );
}
