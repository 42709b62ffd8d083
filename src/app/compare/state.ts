import { create } from "zustand";
import type { Metrics } from "../../loop/record.ts";
import { notify } from "../state.ts";
import type { TriedRun } from "./tried.ts";
import type { Course } from "./words.ts";

/** Runs to compare with the one on screen. */

/** A run that can be drawn. */
export interface Drawable extends Course {
  readonly id: string;
  readonly history: readonly Metrics[];
}

/** A run whose curves lie over those of the run on screen, in a colour and dash that stay its own: a place in `LOOKS`. */
export interface Pin extends Drawable {
  readonly look: number;
}

export type Tab = "runs" | "beside" | "seeds";

export interface CompareState {
  /** The panel takes the stage's place. */
  readonly open: boolean;
  readonly tab: Tab;
  readonly pins: readonly Pin[];
  /** All runs that are kept; undefined until they were read. */
  readonly tried: readonly TriedRun[] | undefined;
}

export const useCompare = create<CompareState>()(() => ({ open: false, tab: "runs", pins: [], tried: undefined }));

/** What is drawn before it can no longer be told apart. */
export const MOST_PINS = 4;

/** The first two looks belong to the run on screen. */
const PIN_LOOKS = Array.from({ length: MOST_PINS }, (_, i) => i + 2);

const withPin = (pins: readonly Pin[], { id, setup, edits, history }: Drawable): Pin[] => [
  ...pins,
  { id, setup, edits, history, look: PIN_LOOKS.find((look) => pins.every((pin) => pin.look !== look))! },
];

export const unpin = (runId: string) => useCompare.setState(({ pins }) => ({ pins: pins.filter(({ id }) => id !== runId) }));

/** Draws a run, or takes it away. */
export function togglePin(run: Drawable): void {
  const { pins } = useCompare.getState();
  if (pins.some(({ id }) => id === run.id)) unpin(run.id);
  else if (pins.length === MOST_PINS) notify("notice", `At most ${MOST_PINS} runs are drawn at a time: take one away first.`);
  else useCompare.setState({ pins: withPin(pins, run) });
}

/** Draws a run that trains on this page, in the place of one that does not if there is no other. */
export function pinLive(run: Drawable, isLive: (id: string) => boolean): void {
  const { pins } = useCompare.getState();
  if (pins.some(({ id }) => id === run.id)) {
    refreshPin(run);
    return;
  }
  const gone = pins.length === MOST_PINS ? pins.find(({ id }) => !isLive(id)) : undefined;
  if (gone) notify("notice", `At most ${MOST_PINS} runs are drawn at a time: the one that was pinned first made room.`);
  useCompare.setState({ pins: withPin(gone ? pins.filter((pin) => pin !== gone) : pins, run) });
}

/** Replaces a pin's curves by longer ones. */
export function refreshPin({ id, setup, edits, history }: Drawable): void {
  useCompare.setState(({ pins }) => ({ pins: pins.map((pin) => (pin.id === id ? { id, setup, edits, history, look: pin.look } : pin)) }));
}
