/// <reference lib="webworker" />
import type { Base } from "../loop/run.ts";
import { createPortableEngine } from "../policy/portable/browser.ts";
import { browserRunStore } from "../storage/run-store.ts";
import { type Hardware, openEngine } from "./engines.ts";
import { fetchBase } from "./fetch-base.ts";
import { browserFindings } from "./findings.ts";
import { type Command, type Event, WANTED, type Wanted } from "./protocol.ts";
import { Session } from "./session.ts";

/** The worker behind the page: the session with the browser's engines, storage and network. */

declare const self: DedicatedWorkerGlobalScope;

let opened: Extract<Command, { type: "open" }> | undefined;
/** Weights that are on their way while the engine starts. */
let weights: { readonly policy: string; readonly base: Promise<Base> } | undefined;

/** Only the first run has an engine to wait for. */
let started = false;

function loadBase(policy: string): Promise<Base> {
  const base = weights?.policy === policy ? weights.base : fetchBase(opened!.policiesUrl, policy);
  // What did not arrive is asked for again next time, and what did is the session's to keep.
  weights = undefined;
  return base;
}

const hardware: Hardware = {
  isSecureContext: self.isSecureContext,
  gpu: navigator.gpu,
  createPortable: (selfTest) => createPortableEngine(selfTest ? { selfTest } : {}),
  // Only a built page's worker bears the hash of what is in it.
  ...(import.meta.env.PROD ? { findings: browserFindings(import.meta.url) } : {}),
};

/** A page that knows which engine it will ask for, before its own scripts run, names the worker after it. */
const named = WANTED.find((wanted) => wanted === self.name);
let ahead = named && openEngine(named, hardware);
// A failure is told when the session asks.
ahead?.catch(() => {});

function createEngine(wanted: Wanted, refusal?: string): ReturnType<typeof openEngine> {
  const engine = wanted === named && ahead;
  ahead = undefined;
  return engine || openEngine(wanted, hardware, refusal);
}

const session = new Session({
  createEngine,
  loadBase,
  store: browserRunStore(),
  emit: (event: Event) => self.postMessage(event),
});

self.onmessage = ({ data }: MessageEvent<Command>) => {
  if (data.type === "open") opened = data;
  if (data.type === "start" && !started) {
    started = true;
    const { policy } = data.setup;
    weights = { policy, base: fetchBase(opened!.policiesUrl, policy) };
    weights.base.catch(() => {});
  }
  void session.handle(data);
};
