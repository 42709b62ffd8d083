import type { Command, Event } from "../worker/protocol.ts";
import { download } from "./download.ts";
import { afterEvent, type PageState, usePage } from "./state.ts";

/** The page's end of the worker: commands out, events in, one rendering a frame at most. */

let worker: Worker | undefined;
let pending: Event[] = [];
let scheduled = false;

/** Starts the worker and sends `open`. Anything that stops it from starting becomes the page's fatal message. */
export function openWorker(open: Extract<Command, { type: "open" }>): void {
  worker = new Worker(new URL("../worker/worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Event>) => receive(data);
  worker.onerror = (event) => {
    event.preventDefault();
    const detail = event.message ? ` (${event.message})` : "";
    receive({ type: "error", fatal: true, message: `The part of the page that computes stopped working${detail}. Reload the page.` });
  };
  send(open);
}

/** Ends the worker for good, as before everything it stored is deleted. */
export function stopWorker(): void {
  worker?.terminate();
  worker = undefined;
}

export function send(command: Command): void {
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
