import {
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type ReactNode,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import type { StepRecord } from "../../loop/record.ts";
import { usePage } from "../state.ts";
import { GROUP_HEIGHT, type Item, type Layout, neighbour, placeOf, visible } from "./layout.ts";
import { lengthOf } from "./token-facts.ts";
import { tokenElementId } from "./token-row.tsx";
import { closeInspector, glance, pin } from "./views/store.ts";

/** What is drawn anew in one frame. A window that shows more draws the rest in the frames after it, so that none takes long. */
const PER_FRAME = 24;
/** Rest of the pointer on a token after which the inspector shows it (milliseconds). */
const DWELL = 140;

interface TokenListProps {
  readonly record: StepRecord;
  readonly layout: Layout;
  readonly label: string;
  /** Draws an item; `selected` is the inspected token of its rollout. `drawn` is the record, or the one before until it is the item's turn. */
  readonly children: (
    item: Item,
    selected: number | undefined,
    view: { readonly from: number; readonly to: number },
    drawn: StepRecord,
  ) => ReactNode;
  /** Wider than the stage: it scrolls sideways, too. */
  readonly wide?: boolean;
}

/**
 * A scrolled list of rollouts of which only what is in view exists. What carries `data-row` and `data-index` is a token: a click inspects it,
 * and so does a pointer that rests on it. One tab stop; arrows move the inspected token.
 */
export function TokenList({ record, layout, label, wide, children }: TokenListProps) {
  const list = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const selection = usePage((state) => state.selection);
  const chosen = selection && selection.record.step === record.step ? selection : undefined;
  const dwell = useRef<ReturnType<typeof setTimeout>>(undefined);

  useLayoutEffect(() => {
    const element = list.current!;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight || 600 });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => () => clearTimeout(dwell.current), []);

  const row = chosen?.row;
  const index = chosen?.index;
  // Another view of the same step begins at the inspected token.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only as the list comes up; from then on a person scrolls it
  useLayoutEffect(() => {
    const item = row === undefined ? undefined : placeOf(layout, record, row);
    const element = list.current!;
    if (item && item.top + item.height > element.clientHeight) element.scrollTop = Math.max(0, item.top - 2 * GROUP_HEIGHT);
  }, []);
  // A token chosen by keyboard is brought into view; one that was clicked is there already.
  useEffect(() => {
    if (row === undefined || index === undefined || document.activeElement !== list.current) return;
    const bringIntoView = () => {
      const item = placeOf(layout, record, row);
      const element = list.current!;
      if (item) {
        const above = Math.max(0, item.top - (item.kind === "row" ? GROUP_HEIGHT : 0));
        if (above < element.scrollTop) element.scrollTop = above;
        else if (item.top + item.height > element.scrollTop + element.clientHeight)
          element.scrollTop = item.top + item.height - element.clientHeight;
      }
      document.getElementById(tokenElementId(row, index))?.scrollIntoView({ block: "nearest", inline: "nearest" });
    };
    // With the next picture's layout: one of its own, between the inspector's new numbers and its formulas, would be done again.
    const frame = requestAnimationFrame(bringIntoView);
    return () => cancelAnimationFrame(frame);
  }, [row, index, layout, record]);

  // A view may draw an answer as a whole, or not have it in sight: what is named is what is there.
  useLayoutEffect(() => {
    const ids = row === undefined || index === undefined ? [] : [tokenElementId(row, index), tokenElementId(row, 0)];
    const there = ids.find((id) => document.getElementById(id));
    if (there) list.current!.setAttribute("aria-activedescendant", there);
    else list.current!.removeAttribute("aria-activedescendant");
  });

  const items = visible(layout, view.top, view.top + view.height);
  const drawnAt = useTurns(record, items.length);

  const tokenAt = (event: MouseEvent | PointerEvent) => {
    const token = (event.target as Element).closest<HTMLElement>("[data-index]");
    const parent = token?.closest<HTMLElement>("[data-row]");
    return token && parent ? ([Number(parent.dataset.row), Number(token.dataset.index)] as const) : undefined;
  };
  const onPointerOver = (event: PointerEvent) => {
    clearTimeout(dwell.current);
    const token = event.pointerType === "mouse" ? tokenAt(event) : undefined;
    if (token) dwell.current = setTimeout(() => glance(...token), DWELL);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (layout.rows.length === 0) return;
    if (event.key === "Escape") {
      closeInspector();
      return;
    }
    const at = chosen ?? { row: layout.rows[0], index: -1 };
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      Enter: [0, 0],
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const next = neighbour(layout, at.row, move[0]);
    const last = lengthOf(record, next) - 1;
    const token = Math.min(last, Math.max(0, at.index + move[1]));
    if (next !== chosen?.row || token !== chosen.index) pin(next, token);
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a virtual list; a table cannot leave rows out
    <div
      ref={list}
      className={wide ? "rows wide" : "rows"}
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={record.rollouts.length}
      onClick={(event) => {
        clearTimeout(dwell.current);
        const token = tokenAt(event);
        if (token) pin(...token);
      }}
      onPointerOver={onPointerOver}
      onPointerLeave={() => clearTimeout(dwell.current)}
      onKeyDown={onKeyDown}
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
    >
      <div className="rows-inner" role="presentation" style={{ height: layout.height }}>
        {items.map((item, place) =>
          children(
            item,
            item.kind === "row" && chosen?.row === item.row ? chosen.index : undefined,
            { from: view.top, to: view.top + view.height },
            drawnAt(place),
          ),
        )}
      </div>
    </div>
  );
}

/** Which record each place in view draws: where there are many, a new one goes round the list, some places a frame. */
function useTurns(record: StepRecord, places: number): (place: number) => StepRecord {
  const [turns, setTurns] = useState<{ readonly drawn: readonly StepRecord[]; readonly next: number }>({ drawn: [], next: 0 });
  const { drawn, next } = turns;
  const many = places > PER_FRAME;
  useEffect(() => {
    if (!many) {
      if (drawn.length > 0) setTurns({ drawn: [], next: 0 });
      return;
    }
    // From where the last frame left off, so that records that come fast reach all places.
    const round = Array.from({ length: places }, (_, i) => (next + i) % places);
    const late = round.filter((place) => drawn[place] !== record).slice(0, PER_FRAME);
    if (late.length === 0) return;
    const frame = requestAnimationFrame(() => {
      const now = [...drawn];
      for (const place of late) now[place] = record;
      setTurns({ drawn: now, next: late.at(-1)! + 1 });
    });
    return () => cancelAnimationFrame(frame);
  }, [many, places, record, drawn, next]);
  return (place) => {
    const before = many ? drawn[place] : undefined;
    // Another number of answers has other places for them.
    return before?.rollouts.length === record.rollouts.length && before.groups.length === record.groups.length ? before : record;
  };
}
