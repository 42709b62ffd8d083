/// <reference lib="webworker" />
import { importHuggingFace } from "../policy/checkpoint.ts";
import { createPortableEngine } from "../policy/portable/browser.ts";
import { browserRunStore } from "../storage/run-store.ts";
import { openEngine } from "./engines.ts";
import type { Command, Event } from "./protocol.ts";
import { Session } from "./session.ts";

/** The worker behind the page: the session with the browser's engines, storage and network. */

declare const self: DedicatedWorkerGlobalScope;

let opened: Extract<Command, { type: "open" }> | undefined;

const session = new Session({
  createEngine: (wanted, refusal) =>
    openEngine(
      wanted,
      {
        isSecureContext: self.isSecureContext,
        gpu: navigator.gpu,
        createPortable: () => createPortableEngine(opened?.wasmPaths ? { wasmPaths: opened.wasmPaths } : {}),
      },
      refusal,
    ),
  loadBase,
  store: browserRunStore(),
  emit: (event: Event) => self.postMessage(event),
});

self.onmessage = ({ data }: MessageEvent<Command>) => {
  if (data.type === "open") opened = data;
  void session.handle(data);
};

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
