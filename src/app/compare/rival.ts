import { create } from "zustand";
import type { Change } from "../../recipes/changes.ts";
import type { Command, Event } from "../../worker/protocol.ts";
import { EMPTY, notify, type PageState, usePage } from "../state.ts";
import { applyAll, send as sendMain } from "../worker-client.ts";
import { keptStore } from "./kept.ts";
import { refreshPin, togglePin, useCompare } from "./state.ts";
import { type Course, differenceLine } from "./words.ts";

/**
 * A second run beside the one on screen, in a worker of its own with an engine of the same kind. Each run is decided by its setup, edits and
 * seed alone, so that neither disturbs the other; what keeps them in step is that both are told to take one step at a time.
 */

/** What the page knows of the second run. */
export const useRival = create<PageState>()(() => EMPTY);

/** Both train, step by step, until told to pause; `ending` while they finish the step that they are in. */
export const useTogether = create<{ readonly mode: "apart" | "together" | "ending" }>()(() => ({ mode: "apart" }));

let worker: Worker | undefined;

function open(): void {
  if (worker) return;
  const kind = usePage.getState().engine?.kind ?? "auto";
  worker = new Worker(new URL("../../worker/worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Event>) => receive(data);
  worker.onerror = (event) => {
    event.preventDefault();
    receive({ type: "error", fatal: true, message: "The worker of the second run stopped working." });
  };
  send({ type: "open", policiesUrl: new URL("policies/", document.baseURI).href, engine: kind });
}

function send(command: Command): void {
  worker?.postMessage(command);
}

function receive(event: Event): void {
  useRival.setState((state) => applyAll(state, [event]), true);
  if (event.type === "error") notify("error", `Second run: ${event.message}`);
  if (event.type === "error" && event.fatal) closeRival();
  if (event.type === "step" || event.type === "started" || event.type === "evaluated") drawRival();
}

/** The second run's curves are on the charts as long as it is there. */
function drawRival(): void {
  const { run, history } = useRival.getState();
  if (!run) return;
  const pin = { id: run.id, setup: run.setup, edits: run.edits, history };
  if (useCompare.getState().pins.some(({ id }) => id === run.id)) refreshPin(pin);
  else togglePin(pin);
}

/** Ends the second run; what it stored stays among the kept runs. */
export function closeRival(): void {
  useTogether.setState({ mode: "apart" });
  worker?.terminate();
  worker = undefined;
  const { run } = useRival.getState();
  if (run) useCompare.setState(({ pins }) => ({ pins: pins.filter(({ id }) => id !== run.id) }));
  useRival.setState(EMPTY, true);
}

/** Steps of the run on screen that have begun. */
const begun = ({ step, latest }: PageState) => Math.max(step, latest?.step ?? 0);

/** The knobs turned since the last step began: what "A/B from here" is about. */
export function turnedNow(state: PageState): Course["edits"] {
  if (!state.run) return [];
  return state.run.edits.filter((edit) => (state.step === 0 ? true : edit.step > begun(state)));
}

/**
 * Starts the second run where the run on screen stands: without the knobs turned last, or with `changes` made from the next step on.
 * The run on screen is paused, and its weights go over through the kept runs.
 */
export async function branch(changes?: readonly Change[]): Promise<void> {
  sendMain({ type: "pause" });
  usePage.setState({ pausing: true });
  await until(usePage, (state) => !state.busy);
  const { run, step } = usePage.getState();
  if (!run) return;
  const from = begun(usePage.getState()) + 1;
  const turned = turnedNow(usePage.getState());
  const edits = [
    ...run.edits.filter((edit) => changes !== undefined || !turned.includes(edit)),
    ...(changes ?? []).map(([path, value]) => ({ step: step === 0 ? 1 : from, path, value })),
  ];
  closeRival();
  useRival.setState({ progress: { what: "Bringing the second run here", fraction: undefined } });
  const id = crypto.randomUUID();
  try {
    if (step > 0) {
      // The worker stores the run when it pauses.
      await until(usePage, ({ keptRuns }) => keptRuns.some((kept) => kept.id === run.id && kept.steps === step));
      const stored = await keptStore.load(run.id);
      if (!stored) throw new Error("it is not stored");
      const parent = { id: run.id, name: run.recipe.name, step };
      const { name: _, ...unnamed } = stored;
      await keptStore.save({ ...unnamed, id, edits, parent, savedAt: Date.now() }, await keptStore.metrics(run.id));
      open();
      send({ type: "resume", runId: id });
    } else {
      open();
      send({ type: "start", setup: run.setup });
      for (const { path, value } of edits) send({ type: "edit", path, value });
    }
  } catch (error) {
    closeRival();
    const why = error instanceof Error ? error.message : String(error);
    notify("error", `A second run cannot be started from here (${why}): it needs this browser's storage.`);
  }
}

/** Puts a kept run beside the one on screen. */
export function putBeside(runId: string): void {
  closeRival();
  useRival.setState({ progress: { what: "Bringing the run back", fraction: undefined } });
  open();
  send({ type: "resume", runId });
}

/** How the second run differs from the one on screen. */
export function rivalLine(): string {
  const [main, rival] = [usePage.getState().run, useRival.getState().run];
  return main && rival ? differenceLine(main, rival) : "";
}

/** The rival's record of a step, or a question for it. */
export function askRecord(step: number): void {
  const { lookBack, step: newest } = useRival.getState();
  if (step < 1 || step > newest || lookBack?.step === step) return;
  useRival.setState({ lookBack: { step } });
  send({ type: "record", step });
}

export function trainBoth(): void {
  useTogether.setState({ mode: "together" });
  takeTurns();
}

/** Both finish the step that they are in, so that they stand at the same one; asked again, or while one catches up, they stop at once. */
export function pauseBoth(): void {
  const apart = Math.abs(usePage.getState().step - useRival.getState().step);
  if (useTogether.getState().mode === "ending" || apart > 1) standStill();
  else useTogether.setState({ mode: "ending" });
  takeTurns();
}

/** A paused run is also kept. */
function standStill(): void {
  useTogether.setState({ mode: "apart" });
  usePage.setState(({ busy }) => ({ pausing: busy }));
  sendMain({ type: "pause" });
  send({ type: "pause" });
}

/** One step for each; the one that is behind first catches up. */
export function stepBoth(): void {
  const [main, rival] = [usePage.getState(), useRival.getState()];
  if (!main.run || !rival.run || main.busy || rival.busy) return;
  if (main.step <= rival.step) {
    usePage.setState({ busy: true, playing: false, lookBack: undefined, viewPhase: undefined });
    sendMain({ type: "step", count: Math.max(1, rival.step - main.step) });
  }
  if (rival.step <= main.step) {
    useRival.setState({ busy: true, lookBack: undefined });
    send({ type: "step", count: Math.max(1, main.step - rival.step) });
  }
}

function takeTurns(): void {
  const { mode } = useTogether.getState();
  if (mode === "apart") return;
  const [main, rival] = [usePage.getState(), useRival.getState()];
  // Who plays or pauses the run on screen by itself takes it out of step.
  if (main.playing || main.pausing) useTogether.setState({ mode: "apart" });
  else if (mode === "together" || main.step !== rival.step) stepBoth();
  else if (!main.busy && !rival.busy) standStill();
}

// A step that failed would fail again.
usePage.subscribe(({ toasts }, before) => {
  const newest = toasts.at(-1);
  if (newest?.kind === "error" && !before.toasts.includes(newest)) useTogether.setState({ mode: "apart" });
});
usePage.subscribe(takeTurns);
useRival.subscribe(takeTurns);

/** @throws Error after a while in which it did not come true. */
function until(store: typeof usePage, met: (state: PageState) => boolean, most = 60_000): Promise<void> {
  return new Promise((resolve, reject) => {
    if (met(store.getState())) return resolve();
    const stop = store.subscribe((state) => {
      if (!met(state)) return;
      done();
      resolve();
    });
    const timer = setTimeout(() => {
      done();
      reject(new Error("the run did not come to rest"));
    }, most);
    const done = () => {
      clearTimeout(timer);
      stop();
    };
  });
}
