import { create } from "zustand";
import { LIST_SLOTS, SLOT_NAMES, SLOTS } from "../../recipes/slots.ts";

/** What of the page is on the screen: controls that a link hides, and large type for a projector. */

export interface Layout {
  /** Names of `HIDEABLE`, slots, or knobs by path. */
  readonly hidden: readonly string[];
  readonly presenting: boolean;
}

export const useLayout = create<Layout>()(() => ({ hidden: [], presenting: false }));

/** The page's parts that a link can hide, by their names in it. */
export const HIDEABLE: Readonly<Record<string, string>> = {
  task: "Task and level",
  recipe: "Recipe",
  policy: "Policy",
  seed: "Seed",
  knobs: "All knobs",
  inspector: "Token inspector",
  charts: "Charts",
  timeline: "Timeline and fork",
  compare: "Compare",
  runs: "Kept runs",
  share: "Share",
};

/** Slots whose knobs can be hidden together; the task has its place in the header. */
export const HIDEABLE_SLOTS: readonly (readonly [slot: string, name: string])[] = [...SLOTS, ...LIST_SLOTS]
  .filter((slot) => slot !== "task")
  .map((slot) => [slot, SLOT_NAMES[slot]]);

const IN_HEADER = (label: string) => `.choices label:has([aria-label="${label}"])`;

const PARTS: Readonly<Record<string, string>> = {
  task: `${IN_HEADER("Task")}, .choices > [aria-label="Level"], .choices label:has([aria-label="Level"])`,
  recipe: `${IN_HEADER("Recipe")}, .choices .difference, .choices [aria-label="Recipe"]`,
  policy: IN_HEADER("Policy"),
  seed: IN_HEADER("Seed"),
  knobs: ".body > .knobs",
  inspector: ".middle > .inspector",
  charts: ".body > .charts",
  timeline: ".app .timeline",
  compare: ".header > .compare-open",
  runs: ".header > .runs-open",
  share: ".header > .share",
};

/** True for a name that a link may hide; whether a recipe has such a knob is for the page to see. */
export const isHideable = (name: string) => Object.hasOwn(HIDEABLE, name) || /^[a-zA-Z]{1,40}(\.[a-zA-Z0-9-]{1,60}){0,2}$/.test(name);

/** The style that hides what is hidden: names are either the page's own or letters, digits and dots, so nothing else gets into it. */
export function hidingStyle(hidden: readonly string[]): string {
  return hidden
    .filter(isHideable)
    .map((name) => `${PARTS[name] ?? `.knobs [data-slot="${name}"], .knobs [data-knob="${name}"]`} { display: none; }`)
    .join("\n");
}
