import type { Command, Event } from "../worker/protocol.ts";
import { download } from "./download.ts";
import { useRecording } from "./recording/state.ts";
import { afterEvent, type PageState, usePage } from "./state.ts";

/** The page's end of the worker: commands out, events in, one rendering a frame at most. */

let worker: Worker | undefined;
/** How to open the worker once something is asked of it. */
let planned: Extract<Command, { type: "open" }> | undefined;
/** A recording on screen waits for the run that is to take its place. */
let leaving = false;
let pending: Event[] = [];
let scheduled = false;

/** At later visits the document itself has made the worker, before any of the page's scripts (`offline/plugin.ts`). */
declare global {
  var workerAhead: Worker | undefined;
}

/** Starts the worker and sends `open`. Anything that stops it from starting becomes the page's fatal message. */
export function openWorker(open: Extract<Command, { type: "open" }>): void {
  worker = globalThis.workerAhead ?? new Worker(new URL("../worker/worker.ts", import.meta.url), { type: "module" });
  globalThis.workerAhead = undefined;
  planned = undefined;
  worker.onmessage = ({ data }: MessageEvent<Event>) => {
    if (isForPage(data)) receive(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const detail = event.message ? ` (${event.message})` : "";
    receive({ type: "error", fatal: true, message: `The part of the page that computes stopped working${detail}. Reload the page.` });
  };
  worker.postMessage(open);
}

/** Leaves the worker to be opened when something is first asked of it: a recording needs none. */
export function planWorker(open: Extract<Command, { type: "open" }>): void {
  planned = open;
}

/** Opens the worker that was planned, so that what it keeps can be listed. */
export function wakeWorker(): void {
  if (planned) openWorker(planned);
}

/** What tells of the worker's own run, which stands still behind a recording. */
const OF_THE_RUN: readonly Event["type"][] = [
  "phase",
  "step",
  "state",
  "evaluated",
  "sampled",
  "edited",
  "record",
  "recomputing",
  "memory",
];

/** While a recording is on screen the worker's run is not; the next run to start takes the recording's place. */
function isForPage(event: Event): boolean {
  if (!useRecording.getState().shown) return true;
  if (event.type === "started") {
    if (!leaving) return false;
    leaving = false;
    useRecording.getState().shown?.stop();
    useRecording.setState({ shown: undefined });
    worker?.postMessage({ type: "pace", pause: usePage.getState().pace } satisfies Command);
    return true;
  }
  if (event.type === "error") leaving = false;
  return !OF_THE_RUN.includes(event.type);
}

/** Commands that are about something else than the run on screen. */
const ELSEWHERE: readonly Command["type"][] = ["open", "start", "resume", "forget", "rename", "import", "export", "cancel"];

/** Ends the worker for good, as before everything it stored is deleted. */
export function stopWorker(): void {
  worker?.terminate();
  worker = undefined;
}

export function send(command: Command): void {
  const { shown } = useRecording.getState();
  if (shown && !ELSEWHERE.includes(command.type)) {
    shown.handle(command);
    return;
  }
  if (shown && (command.type === "start" || command.type === "resume")) leaving = true;
  if (command.type !== "cancel" && (shown || command.type !== "pause")) wakeWorker();
  worker?.postMessage(command);
}

/** Takes an event in; all events of a frame are applied together. A hidden page has no frames, so a timer stands in. */
export function receive(event: Event): void {
  if (event.type === "exported") download(event.fileName, event.mime, event.content);
  pending.push(event);
  if (scheduled) return;
  scheduled = true;
  let done = false;
  const flush = () => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    scheduled = false;
    const events = pending;
    pending = [];
    usePage.setState((state) => applyAll(state, events), true);
  };
  const timer = setTimeout(flush, document.hidden ? 0 : 100);
  requestAnimationFrame(flush);
}

/** Events in order. A record grows from phase to phase, so of several in one frame only the last is worth rendering. */
export function applyAll(state: PageState, events: readonly Event[]): PageState {
  return events.filter((event, i) => !(event.type === "phase" && events[i + 1]?.type === "phase")).reduce(afterEvent, state);
}
