import type { Phase, StepRecord } from "../../loop/record.ts";

/** Where groups and rollouts lie in a scrolled list: all heights are known, so only what is in view needs to exist. */

export const GROUP_HEIGHT = 36;
export const ROW_HEIGHT = 28;
export const GAP = 8;

interface Place {
  readonly top: number;
  readonly height: number;
}

export type Item =
  | (Place & { readonly kind: "group"; readonly group: number })
  | (Place & { readonly kind: "row"; readonly group: number; readonly row: number })
  /** What a group filter threw away; `index` counts in `discarded`. */
  | (Place & { readonly kind: "discarded"; readonly index: number });

export interface Layout {
  readonly items: readonly Item[];
  readonly height: number;
  /** Rollouts in the order on the screen: where arrow keys go. */
  readonly rows: readonly number[];
}

export interface Heights {
  readonly group: number;
  /** 0: groups only. */
  readonly row: number;
  readonly gap: number;
}

const USUAL: Heights = { group: GROUP_HEIGHT, row: ROW_HEIGHT, gap: GAP };

/** Each group's rollouts under its prompt; prompts alone before there are rollouts. `shown` keeps only some rollouts, and groups that have any. */
export function layoutOf(record: StepRecord, phase: Phase, heights: Partial<Heights> = {}, shown?: (row: number) => boolean): Layout {
  const { group: groupHeight, row: rowHeight, gap } = { ...USUAL, ...heights };
  const items: Item[] = [];
  const rows: number[] = [];
  let top = 0;
  record.groups.forEach(({ members }, group) => {
    const present = phase === "prompts" ? [] : members.filter((row) => record.rollouts[row] && (shown?.(row) ?? true));
    if (shown && present.length === 0) return;
    items.push({ kind: "group", group, top, height: groupHeight });
    top += groupHeight;
    for (const row of present) {
      rows.push(row);
      if (rowHeight === 0) continue;
      items.push({ kind: "row", group, row, top, height: rowHeight });
      top += rowHeight;
    }
    top += gap;
  });
  return { items, height: top, rows };
}

/** The same with the groups that were thrown away at the end. */
export function withDiscarded(layout: Layout, record: StepRecord, height: number): Layout {
  const items = [...layout.items];
  let top = layout.height;
  record.discarded.forEach((_, index) => {
    items.push({ kind: "discarded", index, top, height });
    top += height;
  });
  return { ...layout, items, height: top };
}

/** The items that lie between two heights, and a few around them. */
export function visible(layout: Layout, from: number, to: number, overscan = 90): readonly Item[] {
  return layout.items.filter((item) => item.top + item.height >= from - overscan && item.top <= to + overscan);
}

/** Where a rollout is: its own place, or its group's. */
export function placeOf(layout: Layout, record: StepRecord, row: number): Item | undefined {
  return (
    layout.items.find((item) => item.kind === "row" && item.row === row) ??
    layout.items.find((item) => item.kind === "group" && item.group === record.rollouts[row]?.group)
  );
}

/** The rollout that comes `by` places after (or before) another on the screen; itself at the ends. */
export function neighbour({ rows }: Layout, row: number, by: number): number {
  return rows[Math.min(rows.length - 1, Math.max(0, rows.indexOf(row) + by))] ?? row;
}
