import { create } from "zustand";
import type { Metrics } from "../../loop/record.ts";
import { notify } from "../state.ts";
import type { TriedRun } from "./tried.ts";
import type { Course } from "./words.ts";

/** Runs to compare with the one on screen. */

/** A run whose curves lie over those of the run on screen. */
export interface Pin extends Course {
  readonly id: string;
  readonly history: readonly Metrics[];
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

export function togglePin(pin: Pin): void {
  const { pins } = useCompare.getState();
  if (pins.some(({ id }) => id === pin.id)) useCompare.setState({ pins: pins.filter(({ id }) => id !== pin.id) });
  else if (pins.length === MOST_PINS) notify("notice", `At most ${MOST_PINS} runs are drawn at a time: take one away first.`);
  else useCompare.setState({ pins: [...pins, pin] });
}

/** Replaces a pin's curves by longer ones. */
export function refreshPin(pin: Pin): void {
  useCompare.setState(({ pins }) => ({ pins: pins.map((old) => (old.id === pin.id ? pin : old)) }));
}
