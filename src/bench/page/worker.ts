import { createPortableEngine } from "../../policy/portable/browser.ts";
import { createWebgpuEngine } from "../../policy/webgpu/engine.ts";
import { type Case, type Job, type Place, runJob } from "../job.ts";
import { ort } from "../ort.ts";

export type Message =
  | { readonly type: "progress"; readonly message: string }
  | { readonly type: "started"; readonly labels: Readonly<Record<string, string>> }
  | { readonly type: "case"; readonly result: Case }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "finished" };

const browser: Place = {
  name: "browser",
  async engine(name) {
    if (name === "portable") return createPortableEngine();
    if (!navigator.gpu) throw new Error("this browser has no WebGPU");
    return createWebgpuEngine(navigator.gpu, { weights: name === "webgpu-f16" ? "f16" : "f32" });
  },
  async onnxRuntime() {
    const wasm = await import("onnxruntime-web/wasm");
    const webgpu = await import("onnxruntime-web/webgpu");
    const threads = wasm.env.wasm.numThreads ?? 1;
    webgpu.env.wasm.numThreads = 1;
    return [ort(wasm as never, "wasm", threads), ort(webgpu as never, "webgpu", 1)];
  },
  api: globalThis,
};

let cancelled = false;
const tell = (message: Message) => postMessage(message);

addEventListener("message", async ({ data }: MessageEvent<Job | "cancel">) => {
  if (data === "cancel") {
    cancelled = true;
    return;
  }
  try {
    await runJob(data, browser, {
      progress: (message) => tell({ type: "progress", message }),
      started: (labels) => tell({ type: "started", labels }),
      done: (result) => tell({ type: "case", result }),
      cancelled: () => cancelled,
    });
    tell({ type: "finished" });
  } catch (error) {
    tell({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }
});
