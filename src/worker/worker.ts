/// <reference lib="webworker" />
import type { Base } from "../loop/run.ts";
import { createPortableEngine } from "../policy/portable/browser.ts";
import { browserRunStore } from "../storage/run-store.ts";
import { openEngine } from "./engines.ts";
import { fetchBase } from "./fetch-base.ts";
import { browserFindings } from "./findings.ts";
import type { Command, Event } from "./protocol.ts";
import { Session } from "./session.ts";

/** The worker behind the page: the session with the browser's engines, storage and network. */

declare const self: DedicatedWorkerGlobalScope;

let opened: Extract<Command, { type: "open" }> | undefined;
/** Weights that are on their way while the engine starts. */
let ahead: { readonly policy: string; readonly base: Promise<Base> } | undefined;

/** Only the first run has an engine to wait for. */
let started = false;

function loadBase(policy: string): Promise<Base> {
  const base = ahead?.policy === policy ? ahead.base : fetchBase(opened!.policiesUrl, policy);
  // What did not arrive is asked for again next time, and what did is the session's to keep.
  ahead = undefined;
  return base;
}

const session = new Session({
  createEngine: (wanted, refusal) =>
    openEngine(
      wanted,
      {
        isSecureContext: self.isSecureContext,
        gpu: navigator.gpu,
        createPortable: (selfTest) =>
          createPortableEngine({ ...(opened?.wasmPaths ? { wasmPaths: opened.wasmPaths } : {}), ...(selfTest ? { selfTest } : {}) }),
        // Only a built page's worker bears the hash of what is in it.
        ...(import.meta.env.PROD ? { findings: browserFindings(import.meta.url) } : {}),
      },
      refusal,
    ),
  loadBase,
  store: browserRunStore(),
  emit: (event: Event) => self.postMessage(event),
});

self.onmessage = ({ data }: MessageEvent<Command>) => {
  if (data.type === "open") opened = data;
  if (data.type === "start" && !started) {
    started = true;
    const { policy } = data.setup;
    ahead = { policy, base: fetchBase(opened!.policiesUrl, policy) };
    // A failure is told when the session asks.
    ahead.base.catch(() => {});
  }
  void session.handle(data);
};
