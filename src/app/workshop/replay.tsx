import { create } from "zustand";
import { pause, steps, viewPhase } from "../actions.ts";
import { useCompare } from "../compare/state.ts";
import type { Place } from "../link.ts";
import { usePage } from "../state.ts";
import { useLayout } from "./layout.ts";

/** A link's way to its place: the run is run again, and can be stopped on the way. */

const useReplay = create<{ readonly to: number | undefined }>()(() => ({ to: undefined }));

/** Brings the page to the place that a link names, once the run has been asked for. */
export function arrive({ step, phase, hidden, presenting, comparing }: Place): void {
  useLayout.setState({ hidden, presenting });
  if (comparing) useCompare.setState({ open: true });
  if (step === 0) return;
  useReplay.setState({ to: step });
  let asked = false;
  const stop = usePage.subscribe((state) => {
    if (state.fatal === undefined) {
      if (state.run === undefined || state.busy) return;
      // The run rests once before, with its first answers; from then on rest means its place, or that somebody wanted something else.
      if (!asked && state.step === 0) {
        if (state.latest?.phase !== "verdicts") return;
        asked = true;
        steps(step);
        return;
      }
    }
    stop();
    useReplay.setState({ to: undefined });
    if (state.step >= step && phase) viewPhase(phase);
  });
}

export function Replay() {
  const to = useReplay((state) => state.to);
  const step = usePage((state) => state.step);
  const run = usePage((state) => state.run);
  if (to === undefined || !run) return null;
  return (
    <div className="replay" role="status" aria-live="off">
      <span>
        Running the link’s run again: step {step} of {to}
      </span>
      <progress value={step} max={to} aria-label="Running the link’s run again" />
      <button type="button" onClick={pause}>
        Stop here
      </button>
    </div>
  );
}
