import { useDeferredValue, useState } from "react";
import { LIST_SLOTS, type ListSlot, SLOTS, type Slot } from "../../recipes/slots.ts";
import { undo } from "../actions.ts";
import { Icon } from "../icons.tsx";
import { useRecording } from "../recording/state.ts";
import { expectedRecipe, type RunView, usePage } from "../state.ts";
import { useHistory } from "../undo.ts";
import { isList, labelOf, original, parameterAt, showValue } from "./describe.ts";
import "./knobs.css";
import { isFirst, isIdle, ListSection, SlotSection, type Standing } from "./sections.tsx";

/** The slot that each list comes after. */
const AFTER: Readonly<Record<ListSlot, Slot>> = { rewards: "reward", shapers: "advantage", tokenWeights: "objective", losses: "objective" };

/** What is turned most first, each list after the slot that it belongs to. */
const ORDER: readonly (Slot | ListSlot)[] = [...SLOTS.filter(isFirst), ...SLOTS.filter((slot) => !isFirst(slot))].flatMap((slot) => [
  slot,
  ...LIST_SLOTS.filter((list) => AFTER[list] === slot),
]);

const NONE: ReadonlyMap<string, number> = new Map();

/** Every parameter of the recipe, by slot. */
export function KnobPanel() {
  const run = usePage((state) => state.run);
  const recipe = usePage(expectedRecipe);
  const begun = usePage((state) => Math.max(state.step, state.latest?.step ?? 0));
  const lookedAt = usePage((state) => state.lookBack?.step);
  const recorded = useRecording((state) => state.shown !== undefined);
  const [query, setQuery] = useState("");
  const sought = useDeferredValue(query);
  const [all, setAll] = useState(false);
  if (!run || !recipe) return <section className="knobs" aria-label="Knobs" />;
  const pending = lookedAt === undefined ? pendingEdits(run, begun) : NONE;
  const words = sought
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const standing: Standing = { recipe, shipped: original(recipe), pending, words };
  const idle = SLOTS.filter((slot) => isIdle(standing, slot));
  const sections = ORDER.filter((slot) => isList(slot) || all || words.length > 0 || !idle.includes(slot));
  return (
    <section className="knobs" aria-label="Knobs">
      <div className="knob-bar">
        <input
          type="search"
          value={query}
          placeholder="Find a knob or method"
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && setQuery("")}
          aria-label="Find a knob or method"
        />
        <Travel />
      </div>
      <div className="knob-list" inert={recorded}>
        {sections.map((slot) =>
          isList(slot) ? (
            <ListSection key={slot} list={slot} standing={standing} />
          ) : (
            <SlotSection key={slot} slot={slot} standing={standing} />
          ),
        )}
        {words.length === 0 && idle.length > 0 && (
          <button type="button" className="quiet show-all" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? "Hide what has no knobs" : `Show all (${idle.length} more)`}
          </button>
        )}
        {words.length > 0 && <p className="dim no-knob">No knob or method is called that.</p>}
      </div>
      <p className="pending-list" aria-live="polite">
        {recorded
          ? "Knobs only show here, because a recording stays as it was made."
          : lookedAt !== undefined
            ? `As in step ${lookedAt}. What you turn here holds in a fork, from step ${lookedAt + 1} on.`
            : pending.size === 0
              ? "A knob turned during a run is felt from the next step on."
              : pendingText(run, pending)}
      </p>
    </section>
  );
}

/** Undo and redo of turned knobs. */
function Travel() {
  const { past, future } = useHistory();
  return (
    <>
      <button
        type="button"
        className="quiet"
        disabled={past.length === 0}
        onClick={() => undo("back")}
        aria-label="Undo the last turn of a knob"
        data-tip="Undo the last turn of a knob (Ctrl+Z)"
      >
        <Icon name="undo" />
      </button>
      <button
        type="button"
        className="quiet"
        disabled={future.length === 0}
        onClick={() => undo("forth")}
        aria-label="Redo"
        data-tip="Redo (Ctrl+Shift+Z)"
      >
        <Icon name="redo" />
      </button>
    </>
  );
}

/** "From step 12: Group size 4, Divide by nothing". */
function pendingText(run: RunView, pending: ReadonlyMap<string, number>): string {
  const value = (path: string) => showValue(run.recipe, path, run.edits.findLast((e) => e.path === path)?.value);
  const name = (path: string) => parameterAt(run.recipe, path)?.label ?? labelOf(run.recipe, path);
  const short = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
  return `From step ${Math.max(...pending.values())}: ${[...pending.keys()].map((path) => `${name(path)} ${short(value(path))}`).join(", ")}`;
}

/** Path → step, for edits whose step has not begun. A step before which nothing was run shows its edits at once. */
export function pendingEdits(run: RunView, begun: number): ReadonlyMap<string, number> {
  return new Map(run.edits.filter((e) => e.step > begun && e.step > 1).map((e) => [e.path, e.step]));
}
