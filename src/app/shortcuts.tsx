import { useEffect } from "react";
import { backToLive, lookAt, onePhase, reset, steps, togglePlay, undo } from "./actions.ts";
import { leaveRun } from "./confirm.tsx";
import { usePage } from "./state.ts";

/** Keys and what they do, for the handler below and for the help. */
export const KEYS: readonly (readonly [keys: string, meaning: string])[] = [
  ["Space", "play or pause"],
  [".", "one phase"],
  ["→", "one step (while looking back: one step later)"],
  ["←", "look back one step"],
  ["End", "back to the newest step"],
  ["R", "reset"],
  ["Ctrl+Z", "undo a turned knob (with Shift: redo)"],
  ["Tab, then arrows", "go through the tokens"],
];

/** Global keys. A focused control that uses a key itself keeps it. */
export function Shortcuts() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isText = (event.target as Element).closest("textarea, input:not([type=range], [type=checkbox])");
      if ((event.ctrlKey || event.metaKey) && !event.altKey && /^[zy]$/i.test(event.key) && !isText) {
        event.preventDefault();
        undo(event.shiftKey || event.key.toLowerCase() === "y" ? "forth" : "back");
        return;
      }
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as Element;
      // The grid of tokens takes its arrow keys itself, and prevents their default.
      if (target.closest("input, select, textarea, dialog")) return;
      if (target.closest("button, a, summary") && (event.key === " " || event.key === "Enter")) return;
      const { run, live, lookBack, step } = usePage.getState();
      const shown = lookBack?.step ?? live?.step ?? step + 1;
      const action = new Map([
        [" ", togglePlay],
        [".", onePhase],
        ["arrowright", () => (lookBack ? lookAt(shown + 1) : steps())],
        ["arrowleft", () => lookAt(shown - 1)],
        ["end", backToLive],
        ["r", () => leaveRun("Reset", reset)],
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
