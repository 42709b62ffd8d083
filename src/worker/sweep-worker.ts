/// <reference lib="webworker" />
import { createPortableEngine } from "../policy/portable/browser.ts";
import { fetchBase } from "./fetch-base.ts";
import { runSweep, type SweepEvent, type SweepRequest } from "./sweep.ts";

/** The worker behind a sweep: the portable engine on one thread, so that the run on screen goes on beside it. Ending it cancels the sweep. */

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = async ({ data }: MessageEvent<{ policiesUrl: string; request: SweepRequest }>) => {
  const emit = (event: SweepEvent) => self.postMessage(event);
  try {
    const engine = await createPortableEngine({ threads: 1 });
    await runSweep(engine, await fetchBase(data.policiesUrl, data.request.policy), data.request, emit);
  } catch (error) {
    emit({ type: "failed", message: error instanceof Error ? error.message.split("\n")[0] : String(error) });
  }
};
