import { create } from "zustand";
import type { Metrics } from "../../loop/record.ts";
import type { SweepEvent, SweepRequest } from "../../worker/sweep.ts";
import type { SweptRun } from "./sweep-result.ts";

/** The sweep that runs in the background, or the last one. */
export interface SweepState {
  readonly request: SweepRequest | undefined;
  /** Of the arms, by what tells them apart. */
  readonly names: readonly string[];
  readonly running: boolean;
  readonly runs: readonly SweptRun[];
  /** Of the run in progress. */
  readonly steps: readonly Metrics[];
  readonly problem: string | undefined;
}

export const useSweep = create<SweepState>()(() => ({
  request: undefined,
  names: [],
  running: false,
  runs: [],
  steps: [],
  problem: undefined,
}));

let worker: Worker | undefined;

export function startSweep(request: SweepRequest, names: readonly string[]): void {
  worker?.terminate();
  useSweep.setState({ request, names, running: true, runs: [], steps: [], problem: undefined });
  worker = new Worker(new URL("../../worker/sweep-worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<SweepEvent>) => useSweep.setState((state) => afterSweepEvent(state, data));
  worker.onerror = (event) => {
    event.preventDefault();
    useSweep.setState((state) => afterSweepEvent(state, { type: "failed", message: event.message || "the worker stopped working" }));
  };
  worker.postMessage({ policiesUrl: new URL("policies/", document.baseURI).href, request });
}

/** Stops it; complete runs stay. */
export function cancelSweep(): void {
  worker?.terminate();
  worker = undefined;
  useSweep.setState({ running: false, steps: [] });
}

export function afterSweepEvent(state: SweepState, event: SweepEvent): SweepState {
  switch (event.type) {
    case "step":
      return { ...state, steps: [...state.steps, event.metrics] };
    case "run":
      return { ...state, steps: [], runs: [...state.runs, { arm: event.arm, seed: event.seed, steps: state.steps, end: event.end }] };
    case "done":
      return { ...state, running: false };
    case "failed":
      return { ...state, running: false, steps: [], problem: event.message };
  }
}

/** The share that is done, in [0, 1]; a run's last measurement counts as a step. */
export function sweepProgress({ request, runs, steps }: SweepState): number {
  if (!request) return 0;
  const each = request.steps + 1;
  return (runs.length * each + steps.length) / (request.arms.length * request.seeds.length * each);
}
