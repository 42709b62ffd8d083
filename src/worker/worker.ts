/// <reference lib="webworker" />
import { createPortableEngine } from "../policy/portable/browser.ts";
import { browserRunStore } from "../storage/run-store.ts";
import { openEngine } from "./engines.ts";
import { fetchBase } from "./fetch-base.ts";
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
  loadBase: (policy) => fetchBase(opened!.policiesUrl, policy),
  store: browserRunStore(),
  emit: (event: Event) => self.postMessage(event),
});

self.onmessage = ({ data }: MessageEvent<Command>) => {
  if (data.type === "open") opened = data;
  void session.handle(data);
};
