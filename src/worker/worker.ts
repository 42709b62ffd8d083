/// <reference lib="webworker" />
import { importHuggingFace } from "../policy/checkpoint.ts";
import { type Engine, EngineError } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/browser.ts";
import { createWebgpuEngine } from "../policy/webgpu/engine.ts";
import { browserRunStore } from "../storage/run-store.ts";
import type { Command, EngineStatus, Event } from "./protocol.ts";
import { Session } from "./session.ts";

/** The worker behind the page: the session with the browser's engines, storage and network. */

declare const self: DedicatedWorkerGlobalScope;

let opened: Extract<Command, { type: "open" }> | undefined;

const session = new Session({
  createEngine,
  loadBase,
  store: browserRunStore(),
  emit: (event: Event) => self.postMessage(event),
});

self.onmessage = ({ data }: MessageEvent<Command>) => {
  if (data.type === "open") opened = data;
  void session.handle(data);
};

async function createEngine(wanted: "auto" | "portable" | "webgpu"): Promise<{ engine: Engine; status: EngineStatus }> {
  let note = wanted === "portable" ? "The GPU is switched off by this page's address (engine=portable)." : whyNoGpu();
  if (!note) {
    try {
      const engine = await createWebgpuEngine(navigator.gpu);
      const slow = engine.software
        ? { note: "This GPU is emulated in software; add ?engine=portable to the address for the faster portable engine." }
        : {};
      return { engine, status: { kind: "webgpu", label: engine.label, ...slow } };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      note = `The GPU is not used: ${error.message}`;
    }
  }
  const engine = await createPortableEngine(opened?.wasmPaths ? { wasmPaths: opened.wasmPaths } : {});
  return { engine, status: { kind: "portable", label: engine.label, note } };
}

/** Why this browser offers no GPU, and what to do, in one sentence. */
function whyNoGpu(): string | undefined {
  if (!self.isSecureContext) {
    return "The GPU is not used, because browsers hide it from pages opened over plain http: open this page over https or on localhost (npm start -- --lan serves https).";
  }
  if (!navigator.gpu)
    return "The GPU is not used, because this browser has no WebGPU: open this page in a recent Chrome, Edge, Firefox or Safari.";
  return undefined;
}

async function loadBase(policy: string) {
  const folder = new URL(`${encodeURIComponent(policy)}/`, opened!.policiesUrl);
  const names = ["config.json", "model.safetensors", "tokenizer.json"];
  const files = await Promise.all(
    names.map(async (name) => {
      const response = await fetch(new URL(name, folder)).catch(() => {
        throw new Error(`The policy ${policy} could not be loaded: ${name} did not arrive. Check the connection and reload.`);
      });
      if (!response.ok) throw new Error(`There is no policy ${policy} here: ${name} was answered with ${response.status}.`);
      return [name, new Uint8Array(await response.arrayBuffer())] as const;
    }),
  );
  return importHuggingFace(Object.fromEntries(files));
}
