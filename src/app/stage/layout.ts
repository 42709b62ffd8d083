import type { Phase, StepRecord } from "../../loop/record.ts";

/** Where groups and rollouts lie in the scrolled list: all heights are known, so only what is in view needs to exist. */

export const GROUP_HEIGHT = 36;
export const ROW_HEIGHT = 28;
export const GAP = 8;

export type Item =
  | { readonly kind: "group"; readonly group: number; readonly top: number }
  | { readonly kind: "row"; readonly group: number; readonly row: number; readonly top: number };

export interface Layout {
  readonly items: readonly Item[];
  readonly height: number;
}

/** Prompts alone before there are rollouts; then each group's rollouts under its prompt. */
export function layoutOf(record: StepRecord, phase: Phase): Layout {
  const items: Item[] = [];
  let top = 0;
  record.groups.forEach(({ members }, group) => {
    items.push({ kind: "group", group, top });
    top += GROUP_HEIGHT;
    if (phase !== "prompts") {
      for (const row of members) {
        if (!record.rollouts[row]) continue;
        items.push({ kind: "row", group, row, top });
        top += ROW_HEIGHT;
      }
    }
    top += GAP;
  });
  return { items, height: top };
}

const heightOf = (item: Item) => (item.kind === "group" ? GROUP_HEIGHT : ROW_HEIGHT);

/** The items that lie between two heights, and a few around them. */
export function visible(layout: Layout, from: number, to: number, overscan = 90): readonly Item[] {
  return layout.items.filter((item) => item.top + heightOf(item) >= from - overscan && item.top <= to + overscan);
}

/** The rollout that comes `by` places after (or before) another on the screen; itself at the ends. */
export function neighbour(layout: Layout, row: number, by: number): number {
  const rows = layout.items.filter((item) => item.kind === "row");
  const at = rows.findIndex((item) => item.row === row);
  return rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.row ?? row;
}
