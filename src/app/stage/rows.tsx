import { type KeyboardEvent, type MouseEvent, memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Phase, StepRecord } from "../../loop/record.ts";
import { select } from "../actions.ts";
import { fixed } from "../format.ts";
import { phaseIndex, usePage } from "../state.ts";
import type { ChannelId } from "./channels.ts";
import { GROUP_HEIGHT, layoutOf, neighbour, ROW_HEIGHT, visible } from "./layout.ts";
import { lengthOf } from "./token-facts.ts";
import { TokenRow, tokenElementId } from "./token-row.tsx";

/** Groups and their rollouts as a scrolled grid of tokens. One tab stop; arrows move the inspected token. */
export function Rows({ record, phase, channel }: { record: StepRecord; phase: Phase; channel: ChannelId }) {
  const list = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const selection = usePage((state) => state.selection);
  const layout = useMemo(() => layoutOf(record, phase), [record, phase]);
  const chosen = selection && selection.record.step === record.step ? selection : undefined;

  useLayoutEffect(() => {
    const element = list.current!;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight || 600 });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const row = chosen?.row;
  const index = chosen?.index;
  // A token chosen by keyboard is brought into view; one that was clicked is there already.
  useEffect(() => {
    if (row === undefined || index === undefined || document.activeElement !== list.current) return;
    const item = layout.items.find((i) => i.kind === "row" && i.row === row);
    const element = list.current!;
    if (item) {
      if (item.top - GROUP_HEIGHT < element.scrollTop) element.scrollTop = item.top - GROUP_HEIGHT;
      else if (item.top + ROW_HEIGHT > element.scrollTop + element.clientHeight)
        element.scrollTop = item.top + ROW_HEIGHT - element.clientHeight;
    }
    document.getElementById(tokenElementId(row, index))?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [row, index, layout]);

  const onClick = (event: MouseEvent) => {
    const token = (event.target as Element).closest<HTMLElement>("[data-index]");
    const parent = token?.closest<HTMLElement>("[data-row]");
    if (token && parent) select(Number(parent.dataset.row), Number(token.dataset.index));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (phase === "prompts" || record.rollouts.length === 0) return;
    const at = chosen ?? { row: layout.items.find((item) => item.kind === "row")?.row ?? 0, index: -1 };
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
    select(next, Math.min(last, Math.max(0, at.index + move[1])));
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a virtual list; a table cannot leave rows out
    <div
      ref={list}
      className="rows"
      role="grid"
      tabIndex={0}
      aria-label="Rollouts: arrow keys choose a token"
      aria-rowcount={record.rollouts.length}
      aria-activedescendant={chosen && tokenElementId(chosen.row, chosen.index)}
      onClick={onClick}
      onKeyDown={onKeyDown}
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
    >
      <div className="rows-inner" role="presentation" style={{ height: layout.height }}>
        {visible(layout, view.top, view.top + view.height).map((item) =>
          item.kind === "group" ? (
            <GroupHeader key={`g${item.group}`} record={record} group={item.group} phase={phase} top={item.top} />
          ) : (
            <TokenRow
              key={`r${item.row}`}
              record={record}
              row={item.row}
              phase={phase}
              channel={channel}
              selected={chosen?.row === item.row ? chosen.index : undefined}
              top={item.top}
            />
          ),
        )}
      </div>
    </div>
  );
}

/** A prompt, a right answer to it, and how its group did. */
const GroupHeader = memo(function GroupHeader(props: { record: StepRecord; group: number; phase: Phase; top: number }) {
  const { problem, statistics } = props.record.groups[props.group];
  const known = phaseIndex(props.phase) >= phaseIndex("rewards") ? statistics : undefined;
  return (
    // biome-ignore lint/a11y/useSemanticElements: see above
    // biome-ignore lint/a11y/useFocusableInteractive: see above
    <div className={`group ${known && !known.signal ? "idle" : ""}`} role="row" style={{ top: props.top }}>
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <span role="gridcell" className="prompt">
        <code>{problem.prompt}</code>
        <span className="dim">right: {problem.truth}</span>
      </span>
      {known && (
        <span className="statistics">
          mean {fixed(known.mean)} · std {fixed(known.std)}
          {!known.signal && <b className="no-signal">no signal</b>}
        </span>
      )}
    </div>
  );
});
