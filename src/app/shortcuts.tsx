import { useEffect, useRef } from "react";
import { create } from "zustand";
import { backToLive, lookAt, onePhase, reset, setPace, steps, togglePlay, undo } from "./actions.ts";
import { leaveRun } from "./confirm.tsx";
import { usePage } from "./state.ts";
import { useLayout } from "./workshop/layout.ts";

/** Keys and what they do, for the handler below and for the help; a key for a part of the page is idle where a link hides that. */
const KEYS: readonly (readonly [keys: string, meaning: string, part?: string])[] = [
  ["Space", "play or pause"],
  [".", "one phase"],
  ["→", "one step (while looking back: one step later)"],
  ["←", "look back one step", "timeline"],
  ["Home", "look back at the first step", "timeline"],
  ["End", "back to now", "timeline"],
  ["F", "fork from the step looked at", "timeline"],
  ["S", "slow motion, or full speed again"],
  ["R", "reset"],
  ["Ctrl+Z", "undo a turned knob (with Shift: redo)", "knobs"],
  ["P", "large type and fewer panels, for a projector"],
  ["Tab, then arrows", "go through the tokens"],
  ["?", "these keys"],
];

/** Slow motion's pause by key (milliseconds). */
const SLOW = 1000;

/** The key does what the button does, with the name that the button gives. */
const clickFork = () => document.querySelector<HTMLButtonElement>(".timeline .fork")?.click();

const useKeys = create<{ open: boolean }>()(() => ({ open: false }));

/** All keys over the page, until Escape or a click. */
export function KeysOverlay() {
  const open = useKeys((state) => state.open);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
  }, [open]);
  if (!open) return null;
  return (
    <dialog ref={dialog} className="confirm keys-overlay" onClose={() => useKeys.setState({ open: false })} aria-label="Keys">
      <h2>Keys</h2>
      <Keys />
      <div className="buttons">
        <button type="button" className="primary" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}

export function Keys() {
  const hidden = useLayout((state) => state.hidden);
  return (
    <dl className="keys">
      {KEYS.filter(([, , part]) => !part || !hidden.includes(part)).map(([keys, meaning]) => (
        <div key={keys}>
          <dt>
            <kbd>{keys}</kbd>
          </dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Global keys. A focused control that uses a key itself keeps it. */
export function Shortcuts() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isHidden = (part: string) => useLayout.getState().hidden.includes(part);
      const isText = (event.target as Element).closest("textarea, input:not([type=range], [type=checkbox])");
      if ((event.ctrlKey || event.metaKey) && !event.altKey && /^[zy]$/i.test(event.key) && !isText) {
        event.preventDefault();
        if (!isHidden("knobs")) undo(event.shiftKey || event.key.toLowerCase() === "y" ? "forth" : "back");
        return;
      }
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as Element;
      // The grid of tokens takes its arrow keys itself, and prevents their default.
      if (target.closest("input, select, textarea, dialog")) return;
      if (target.closest("button, a, summary") && (event.key === " " || event.key === "Enter")) return;
      if (event.key === "?") {
        event.preventDefault();
        useKeys.setState({ open: true });
        return;
      }
      const { run, live, lookBack, step, pace } = usePage.getState();
      const shown = lookBack?.step ?? live?.step ?? step + 1;
      const ofTimeline: [string, () => void][] = [
        ["arrowleft", () => lookAt(shown - 1)],
        ["home", () => lookAt(1)],
        ["end", backToLive],
        ["f", () => void (step > 0 && clickFork())],
      ];
      const action = new Map<string, () => void>([
        [" ", togglePlay],
        [".", onePhase],
        ["arrowright", () => (lookBack ? lookAt(shown + 1) : steps())],
        ["s", () => setPace(pace === 0 ? SLOW : 0)],
        ["r", () => leaveRun("Reset", reset)],
        ...(isHidden("timeline") ? [] : ofTimeline),
      ]).get(event.key.toLowerCase());
      if (!run || !action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return null;
}
