import { create } from "zustand";
import type { Point } from "./series.ts";

/** The step that all charts mark: under the pointer, or looked back at. */
export const useCursor = create<{ pointed: number | undefined; lookedAt: number | undefined }>()(() => ({
  pointed: undefined,
  lookedAt: undefined,
}));

/** A metric at a step, or its last value before; of all points if no step is given. */
export function pointAt(points: readonly Point[], metric: string, step: number | undefined): number | undefined {
  if (step === undefined) return points.findLast((p) => metric in p)?.[metric];
  // A point stands for the steps since the one before it.
  const end = points.findIndex((p) => p.step >= step);
  return points.slice(0, end < 0 ? undefined : end + 1).findLast((p) => metric in p)?.[metric];
}
