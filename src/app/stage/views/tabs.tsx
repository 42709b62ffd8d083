import type { KeyboardEvent } from "react";
import type { Phase } from "../../../loop/record.ts";
import { chooseView, reached, useStage, VIEWS, type ViewId } from "./store.ts";

export const tabId = (view: ViewId) => `view-${view}`;

/** A tab a view. Without a choice the phase decides; arrow keys go from tab to tab. */
export function Tabs({ shown, phase, follows }: { shown: ViewId; phase: Phase; follows: boolean }) {
  const onKeyDown = (event: KeyboardEvent) => {
    const at = VIEWS.findIndex((view) => view.id === shown);
    const next = new Map([
      ["ArrowLeft", at - 1],
      ["ArrowRight", at + 1],
      ["Home", 0],
      ["End", VIEWS.length - 1],
    ]).get(event.key);
    if (next === undefined) return;
    event.preventDefault();
    const { id } = VIEWS[(next + VIEWS.length) % VIEWS.length];
    chooseView(id);
    document.getElementById(tabId(id))?.focus();
  };
  return (
    <div className="view-tabs">
      <div role="tablist" aria-label="Views of the step" onKeyDown={onKeyDown}>
        {VIEWS.map((view) => (
          <button
            key={view.id}
            id={tabId(view.id)}
            type="button"
            role="tab"
            aria-selected={view.id === shown}
            aria-controls="stage-view"
            tabIndex={view.id === shown ? 0 : -1}
            className={reached(view, phase) ? "" : "ahead"}
            data-tip={view.shows}
            onClick={() => chooseView(view.id)}
          >
            {view.label}
          </button>
        ))}
      </div>
      <button
        type="button"
        className="follow"
        aria-pressed={follows}
        data-tip={follows ? "The view changes with the phase" : "This view stays; press to let it change with the phase"}
        onClick={() => chooseView(useStage.getState().view === undefined ? shown : undefined)}
      >
        {follows ? "follows" : "follow"}
      </button>
    </div>
  );
}
