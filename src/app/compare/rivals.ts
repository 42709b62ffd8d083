import { useMemo } from "react";
import { create } from "zustand";
import type { Command, Event } from "../../worker/protocol.ts";
import { EMPTY, notify, type PageState, type RunView, usePage } from "../state.ts";
import { applyAll } from "../worker-client.ts";
import { pinLive, refreshPin, unpin, useCompare } from "./state.ts";
import { differenceLine } from "./words.ts";

/** Further runs beside the one on screen, each in a worker of its own with an engine of the same kind. */

export interface Rival {
  /** Of its place on the page; the run in it has an id of its own. */
  readonly id: string;
  /** What the page knows of it, as of the run on screen. */
  readonly page: PageState;
  /** Why it stopped: until it is told to train again the others go on without it. */
  readonly problem?: string;
}

/** In the order in which they came. */
export const useRivals = create<{ readonly rivals: readonly Rival[] }>()(() => ({ rivals: [] }));

/** Runs that train at a time, with the one on screen. */
export const MOST_LIVE = 4;
export const WHY_NO_MORE = `At most ${MOST_LIVE} runs train side by side: each has an engine and memory of its own, and more columns could not be read.`;

export const isFull = () => useRivals.getState().rivals.length >= MOST_LIVE - 1;

export const rivalOf = (id: string): Rival | undefined => useRivals.getState().rivals.find((rival) => rival.id === id);

const workers = new Map<string, Worker>();

/** Makes room for a run that `what` says is on its way. @returns its id; undefined, and why is said, if there is no room */
export function addRival(what: string): string | undefined {
  if (isFull()) {
    notify("notice", WHY_NO_MORE);
    return undefined;
  }
  const id = crypto.randomUUID();
  const page = { ...EMPTY, progress: { what, fraction: undefined } };
  useRivals.setState(({ rivals }) => ({ rivals: [...rivals, { id, page }] }));
  return id;
}

/** Sends to a rival's worker, which the first command starts. */
export function sendTo(id: string, command: Command): void {
  let worker = workers.get(id);
  if (!worker) {
    worker = new Worker(new URL("../../worker/worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Event>) => receive(id, data);
    worker.onerror = (event) => {
      event.preventDefault();
      receive(id, { type: "error", fatal: true, message: "its worker stopped working" });
    };
    workers.set(id, worker);
    const { engine: onScreen } = usePage.getState();
    const engine = onScreen?.half ? "webgpu-f16" : (onScreen?.kind ?? "auto");
    worker.postMessage({ type: "open", policiesUrl: new URL("policies/", document.baseURI).href, engine } satisfies Command);
  }
  worker.postMessage(command);
}

/** Ends a run beside the one on screen; what it stored stays among the kept runs. */
export function endRival(id: string): void {
  const run = rivalOf(id)?.page.run;
  workers.get(id)?.terminate();
  workers.delete(id);
  useRivals.setState(({ rivals }) => ({ rivals: rivals.filter((rival) => rival.id !== id) }));
  if (run) unpin(run.id);
}

export const endAllRivals = () => useRivals.getState().rivals.forEach(({ id }) => void endRival(id));

const lineBetween = (main: RunView | undefined, run: RunView | undefined) => (main && run ? differenceLine(main, run) : "");

const nameOf = ({ page: { run } }: Rival) => `The run beside${run ? ` (${lineBetween(usePage.getState().run, run)})` : ""}`;

const runOf = (rivals: readonly Rival[], id: string) => rivals.find((rival) => rival.id === id)?.page.run;

/** What differs from the run on screen as it is now; empty until both are there. */
export function useLine(id: string): string {
  const main = usePage((state) => state.run);
  const run = useRivals(({ rivals }) => runOf(rivals, id));
  return useMemo(() => lineBetween(main, run), [main, run]);
}

/** How its curves are drawn, unless somebody took them away. */
export function useLook(id: string): number | undefined {
  const runId = useRivals(({ rivals }) => runOf(rivals, id)?.id);
  return useCompare(({ pins }) => pins.find((pin) => pin.id === runId)?.look);
}

/** A rival's record of a step, or a question for it. */
export function askRecord({ id, page }: Rival, step: number): void {
  if (step < 1 || step > page.step || page.lookBack?.step === step) return;
  change(id, (rival) => ({ ...rival, page: { ...rival.page, lookBack: { step } } }));
  sendTo(id, { type: "record", step });
}

export function change(id: string, to: (rival: Rival) => Rival): void {
  useRivals.setState(({ rivals }) => ({ rivals: rivals.map((rival) => (rival.id === id ? to(rival) : rival)) }));
}

function receive(id: string, event: Event): void {
  const rival = rivalOf(id);
  if (!rival) return;
  change(id, (before) => {
    const page = applyAll(before.page, [event]);
    return event.type === "error" ? { ...before, page, problem: event.message } : { ...before, page };
  });
  if (event.type === "error") {
    notify("error", `${nameOf(rival)} stopped: ${event.message}`);
    // Without a run there is nothing to go on with.
    if (event.fatal || !rival.page.run) endRival(id);
  }
  if (event.type === "notice") notify("notice", `${nameOf(rival)}: ${event.message}`);
  draw(id, event.type);
}

/** A rival's curves come on the charts with it, and grow as long as nobody takes them away. */
function draw(id: string, type: Event["type"]): void {
  const page = rivalOf(id)?.page;
  if (!page?.run) return;
  const { id: runId, setup, edits } = page.run;
  const curves = { id: runId, setup, edits, history: page.history };
  if (type === "started") pinLive(curves, isLive);
  else if (type === "step" || type === "evaluated" || type === "edited") refreshPin(curves);
}

/** True for a run in one of the rivals' places. */
export const isLive = (runId: string) => useRivals.getState().rivals.some(({ page }) => page.run?.id === runId);

// A run cannot be in two places: what comes on screen goes from beside it.
usePage.subscribe(({ run }, before) => {
  if (run && run.id !== before.run?.id) for (const { id, page } of useRivals.getState().rivals) if (page.run?.id === run.id) endRival(id);
});
