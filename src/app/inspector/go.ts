import { LIST_SLOTS, SLOT_NAMES, SLOTS } from "../../recipes/slots.ts";
import { chooseView } from "../stage/views/store.ts";
import { PLACES, type Place } from "./places.ts";
import type { Lamp } from "./provenance.ts";

const knobOf = (path: string) => document.querySelector<HTMLElement>(`[data-knob="${CSS.escape(path)}"]`);

/** Goes to where a term comes from: to the view that shows it best, or to its knob. */
export function goTo({ place, at }: Lamp): void {
  const { view }: Place = PLACES[place];
  if (view) {
    chooseView(view);
    return;
  }
  if (at.path === undefined) return;
  if (!knobOf(at.path)) unfold(at.path);
  // What was folded away is there with the next frame.
  requestAnimationFrame(() => {
    const knob = knobOf(at.path!);
    knob?.scrollIntoView({ block: "nearest" });
    knob?.querySelector<HTMLElement>("input, select")?.focus();
  });
}

/** Opens the section that keeps a knob out of sight. */
function unfold(path: string): void {
  const slot = [...SLOTS, ...LIST_SLOTS].find((name) => path.startsWith(`${name}.`));
  if (!slot) return;
  for (const button of document.querySelectorAll<HTMLElement>(".knobs button.more"))
    if (button.ariaExpanded !== "true" && button.ariaLabel?.endsWith(`ore of ${SLOT_NAMES[slot]}`)) button.click();
}
