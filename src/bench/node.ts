import type { Place } from "./job.ts";
import { ort } from "./ort.ts";

/** Node: WebGPU through Dawn, the portable engine on native ONNX Runtime. Only what a job asks for is loaded. */
export async function nodePlace(needsWebgpu: boolean): Promise<Place> {
  if (needsWebgpu) {
    const { nodeGpu } = await import("../policy/webgpu/node.ts");
    const gpu = await nodeGpu();
    // Where the other libraries look for it.
    Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Node.js", gpu }, configurable: true, writable: true });
  }
  return {
    name: `Node ${process.versions.node.split(".")[0]}`,
    async engine(name) {
      if (name === "portable") return (await import("../policy/portable/node.ts")).createPortableEngine();
      return (await import("../policy/webgpu/node.ts")).createNodeWebgpuEngine({ weights: name === "webgpu-f16" ? "f16" : "f32" });
    },
    async onnxRuntime() {
      return [ort((await import("onnxruntime-node")) as never, "cpu", 1)];
    },
    processorTime() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    api: globalThis,
  };
}
