import type { Change } from "../../recipes/changes.ts";
import { notify, type PageState, usePage } from "../state.ts";
import { send as sendMain } from "../worker-client.ts";
import { keptStore } from "./kept.ts";
import { addRival, endRival, isLive, rivalOf, sendTo } from "./rivals.ts";
import { pauseAll, useTogether } from "./together.ts";
import type { Course } from "./words.ts";

/** How a run comes to stand beside the one on screen. */

/** A browser that stores anything has done so by then (milliseconds). */
const STORED_WITHIN = 60_000;

/** Steps of the run on screen that have begun. */
const begun = ({ step, latest }: PageState) => Math.max(step, latest?.step ?? 0);

/** The knobs turned since the last step began: what "A/B from here" is about. */
export function turnedNow(state: PageState): Course["edits"] {
  if (!state.run) return [];
  return state.run.edits.filter((edit) => (state.step === 0 ? true : edit.step > begun(state)));
}

/**
 * Starts a further run where the run on screen stands: without the knobs turned last, or with `changes` made from the next step on.
 * The run on screen is paused, and its weights go over through the kept runs.
 */
export async function branch(changes?: readonly Change[]): Promise<void> {
  const rival = addRival("Bringing a further run here");
  if (rival === undefined) return;
  try {
    await comeToRest();
    const { run, step } = usePage.getState();
    // It may have been ended while it waited.
    if (!run || !rivalOf(rival)) return endRival(rival);
    const from = begun(usePage.getState()) + 1;
    const turned = turnedNow(usePage.getState());
    const edits = [
      ...run.edits.filter((edit) => changes !== undefined || !turned.includes(edit)),
      ...(changes ?? []).map(([path, value]) => ({ step: step === 0 ? 1 : from, path, value })),
    ];
    if (step === 0) {
      sendTo(rival, { type: "start", setup: run.setup });
      for (const { path, value } of edits) sendTo(rival, { type: "edit", path, value });
      return;
    }
    // The worker stores the run when it pauses.
    await until(usePage, ({ keptRuns }) => keptRuns.some((kept) => kept.id === run.id && kept.steps === step), STORED_WITHIN);
    const stored = await keptStore.load(run.id);
    if (!stored) throw new Error("it is not stored");
    const id = crypto.randomUUID();
    const parent = { id: run.id, name: run.recipe.name, step };
    const { name: _, ...unnamed } = stored;
    await keptStore.save({ ...unnamed, id, edits, parent, savedAt: Date.now() }, await keptStore.metrics(run.id));
    if (rivalOf(rival)) sendTo(rival, { type: "resume", runId: id });
  } catch (error) {
    endRival(rival);
    const why = error instanceof Error ? error.message : String(error);
    notify("error", `A further run cannot be started from here (${why}): it needs this browser's storage.`);
  }
}

/** The run on screen stands still and is kept; runs that train in step with it come to rest at its step. */
async function comeToRest(): Promise<void> {
  const { mode } = useTogether.getState();
  if (mode === "together") pauseAll();
  if (mode !== "apart") await until(useTogether, (state) => state.mode === "apart");
  sendMain({ type: "pause" });
  usePage.setState(({ busy }) => ({ pausing: busy }));
  await until(usePage, (state) => !state.busy);
}

/** Puts a kept run beside the one on screen. */
export function putBeside(runId: string): void {
  const rival = isLive(runId) ? undefined : addRival("Bringing the run back");
  if (rival !== undefined) sendTo(rival, { type: "resume", runId });
}

interface Store<S> {
  getState(): S;
  subscribe(listener: (state: S) => void): () => void;
}

/** @throws Error if it has not come true within a time (milliseconds); without one it waits for as long as it takes. */
function until<S>(store: Store<S>, met: (state: S) => boolean, within?: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (met(store.getState())) return resolve();
    const settle = (end: () => void) => {
      clearTimeout(timer);
      stop();
      end();
    };
    const stop = store.subscribe((state) => met(state) && settle(resolve));
    const timer = within && setTimeout(() => settle(() => reject(new Error("it was not stored"))), within);
  });
}
