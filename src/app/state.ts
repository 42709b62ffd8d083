import { create } from "zustand";
import { evaluationMetrics } from "../loop/metrics.ts";
import { type EvaluationRecord, type Metrics, PHASES, type Phase, type StepRecord } from "../loop/record.ts";
import { type AnswersNow, type Edit, type RunSetup, setupAt } from "../loop/run.ts";
import { type Change, withFittingChanges } from "../recipes/changes.ts";
import type { ResolvedRecipe } from "../recipes/recipe.ts";
import type { Parent } from "../storage/run-store.ts";
import type { EngineStatus, Event, KeptRun, Memory } from "../worker/protocol.ts";
import type { Knobs } from "./undo.ts";

/** What the page knows, fed only by the worker's events; views read it, and commands go to the worker. */

/** The run on screen. */
export interface RunView {
  readonly id: string;
  /** As a person named it. */
  readonly name?: string;
  /** Where it branched off another run. */
  readonly parent?: Parent;
  readonly setup: RunSetup;
  readonly edits: readonly Edit[];
  /** The recipe and seed that the next step to begin will use. */
  readonly recipe: ResolvedRecipe;
  readonly seed: number;
}

/** A token that the inspector shows; the record is the newest one known of its step. */
export interface Selection {
  readonly record: StepRecord;
  readonly row: number;
  /** Counted from the completion's first token. */
  readonly index: number;
}

export interface Toast {
  readonly id: number;
  readonly kind: "notice" | "error";
  readonly text: string;
}

/** Looking back at an earlier step. `record` is undefined until it arrives, and null if it cannot be had. */
export interface LookBack {
  readonly step: number;
  readonly record?: StepRecord | null;
  /** While it is computed again: the step of the snapshot that it starts from, and how much is done. */
  readonly recomputing?: { readonly from: number; readonly fraction: number };
  /** It was computed again, and whether that repeated the original to the bit. */
  readonly recomputed?: "same" | "different";
  readonly problem?: string;
}

/** A policy that ships, as `policies/index.json` lists it. */
export interface ShippedPolicy {
  readonly id: string;
  readonly name: string;
  readonly parameters: number;
}

export interface PageState {
  readonly policies: readonly ShippedPolicy[];
  /** What the page waits for, how much of it is done, if that is known, and whether it can be given up. */
  readonly progress: { readonly what: string; readonly fraction: number | undefined; readonly cancel?: true } | undefined;
  readonly engine: EngineStatus | undefined;
  /** Runs that could be resumed, newest first. */
  readonly keptRuns: readonly KeptRun[];
  /** The run that an earlier visit left behind and that is offered now. */
  readonly offer: KeptRun | undefined;
  readonly run: RunView | undefined;
  /** Edits sent and not answered yet, by path; `recipe` and `policy` of a run that is to start: controls show them at once. */
  readonly drafts: Readonly<Record<string, number | boolean | string>>;
  /** Steps completed. */
  readonly step: number;
  readonly playing: boolean;
  readonly busy: boolean;
  /** A pause was asked for and the worker has not stopped yet. */
  readonly pausing: boolean;
  /** While several steps run that were asked for at once: the last of them. */
  readonly until: number | undefined;
  /** The newest record. */
  readonly latest: StepRecord | undefined;
  /** The record on the stage; while playing it may lag behind `latest`, so that the rows do not flicker. */
  readonly live: StepRecord | undefined;
  readonly history: readonly Metrics[];
  /** Of the policy before training. */
  readonly start: EvaluationRecord | undefined;
  /** The last measurement of pass@k, and after which step it was made. */
  readonly measured: { readonly step: number; readonly evaluation: EvaluationRecord } | undefined;
  /** Every measurement of this visit, by step: such, or those of the steps themselves, which have pass@1 only. */
  readonly measurements: readonly { readonly step: number; readonly evaluation: EvaluationRecord }[];
  /** Answers to one held-out problem, as last asked for. */
  readonly sampled: (AnswersNow & { readonly step: number; readonly updating: boolean }) | undefined;
  readonly lookBack: LookBack | undefined;
  /** Knobs turned while looking back: what a fork from there would change. */
  readonly forkChanges: readonly Change[];
  /** What the worker has at hand for looking back. */
  readonly memory: Memory;
  /** Slow motion: the pause after each phase while playing (milliseconds); 0 is full speed. */
  readonly pace: number;
  /** A phase of the shown record to look at instead of its last one. */
  readonly viewPhase: Phase | undefined;
  readonly selection: Selection | undefined;
  readonly toasts: readonly Toast[];
  /** How often its worker has said that something went wrong, which also stops a run. */
  readonly failures: number;
  /** Nothing can go on: one sentence. */
  readonly fatal: string | undefined;
}

const NO_MEMORY: Memory = { step: 0, records: [], snapshots: [], bytes: 0 };

export const EMPTY: PageState = {
  policies: [],
  progress: { what: "Starting", fraction: 0 },
  engine: undefined,
  keptRuns: [],
  offer: undefined,
  run: undefined,
  drafts: {},
  step: 0,
  playing: false,
  busy: false,
  pausing: false,
  until: undefined,
  latest: undefined,
  live: undefined,
  history: [],
  start: undefined,
  measured: undefined,
  measurements: [],
  sampled: undefined,
  lookBack: undefined,
  forkChanges: [],
  memory: NO_MEMORY,
  pace: 0,
  viewPhase: undefined,
  selection: undefined,
  toasts: [],
  failures: 0,
  fatal: undefined,
};

export const usePage = create<PageState>()(() => EMPTY);

/** Place of a phase in the step, from 0. */
export const phaseIndex = (phase: Phase) => PHASES.indexOf(phase);

/** A step faster than this (seconds) is shown only once its advantages are known. */
const FAST_STEP = 1.5;
const TOASTS_SHOWN = 3;
let toasts = 0;

/** The state after an event. */
export function afterEvent(state: PageState, event: Event): PageState {
  switch (event.type) {
    case "progress":
      return { ...state, progress: { what: event.what, fraction: event.fraction, ...(event.cancel ? { cancel: true } : {}) } };
    case "engine":
      return { ...state, engine: event.engine };
    case "ready":
      return { ...state, engine: event.engine, keptRuns: event.keptRuns, offer: event.keptRuns[0], progress: undefined };
    case "started": {
      const now = setupAt(event.setup, event.edits, event.step + 1);
      return {
        ...state,
        run: {
          id: event.runId,
          setup: event.setup,
          edits: event.edits,
          recipe: now.recipe,
          seed: now.seed,
          ...(event.name === undefined ? {} : { name: event.name }),
          ...(event.parent ? { parent: event.parent } : {}),
        },
        step: event.step,
        history: event.history,
        start: event.start,
        measured: undefined,
        measurements: [],
        sampled: undefined,
        drafts: {},
        latest: undefined,
        live: undefined,
        lookBack: undefined,
        forkChanges: [],
        memory: { ...NO_MEMORY, step: event.step },
        viewPhase: undefined,
        selection: undefined,
        until: undefined,
        progress: undefined,
        offer: state.offer?.id === event.runId ? undefined : state.offer,
      };
    }
    case "evaluated":
      if (event.step === 0) return { ...state, start: event.evaluation };
      return {
        ...state,
        measured: { step: event.step, evaluation: event.evaluation },
        measurements: withMeasurement(state.measurements, event),
        history: withEvaluation(state.history, event),
      };
    case "sampled":
      return { ...state, progress: undefined, sampled: { step: event.step, updating: event.updating, ...event.answers } };
    case "state": {
      const stopped = !event.playing && state.latest !== state.live;
      const pausing = state.pausing && event.busy && !event.playing;
      const until = event.busy && state.step < (state.until ?? 0) ? state.until : undefined;
      return { ...state, playing: event.playing, busy: event.busy, pausing, until, ...(stopped ? { live: state.latest } : {}) };
    }
    case "phase":
      return afterPhase(state, event.record);
    case "step":
      return {
        ...state,
        step: event.step,
        history: withMetrics(state.history, event.metrics),
        run: withDueEdits(state.run, event.step + 1),
      };
    case "edited": {
      if (!state.run) return state;
      const { edit, settings } = event;
      const edits = [...state.run.edits.filter((e) => e.step !== edit.step || e.path !== edit.path), edit];
      const seed = edit.path === "seed" ? Number(edit.value) : state.run.seed;
      // A knob may have been turned once more since; that is answered, too.
      const { [edit.path]: draft, ...others } = state.drafts;
      const drafts = draft === edit.value ? others : state.drafts;
      return { ...state, drafts, run: { ...state.run, edits, recipe: settings, seed } };
    }
    case "record": {
      const { step, record, recomputed, problem } = event;
      if (state.lookBack?.step !== step) return state;
      return { ...state, lookBack: { step, record, ...(recomputed ? { recomputed } : {}), ...(problem ? { problem } : {}) } };
    }
    case "recomputing": {
      const { step, from, fraction } = event;
      if (state.lookBack?.step !== step || state.lookBack.record !== undefined) return state;
      return { ...state, lookBack: { step, recomputing: { from, fraction } } };
    }
    case "memory":
      return { ...state, memory: event.memory };
    case "saved":
      return { ...state, keptRuns: [event.run, ...state.keptRuns.filter((run) => run.id !== event.run.id)] };
    case "kept": {
      const mine = event.keptRuns.find((run) => run.id === state.run?.id);
      const run = state.run && mine?.name !== undefined ? { ...state.run, name: mine.name } : state.run;
      return { ...state, run, keptRuns: event.keptRuns };
    }
    case "imported":
      return withToast(state, "notice", `The run of the file is kept here now, with ${event.run.steps} steps: “Open” goes on with it.`);
    case "exported":
      // Handed to the person as it arrives, before it comes here.
      return { ...state, progress: undefined };
    case "error": {
      const failures = state.failures + 1;
      if (event.fatal) return { ...state, failures, fatal: event.message, progress: undefined, playing: false, busy: false };
      return withToast({ ...state, failures, progress: undefined, drafts: {} }, "error", event.message);
    }
    case "notice":
      return withToast({ ...state, progress: undefined }, "notice", event.message);
  }
}

function afterPhase(state: PageState, record: StepRecord): PageState {
  const { step, evaluation } = record;
  const measurements = evaluation ? withMeasurement(state.measurements, { step, evaluation }) : state.measurements;
  const next: PageState = { ...state, latest: record, measurements, progress: undefined, selection: refreshed(state.selection, record) };
  if (state.playing && state.live && state.pace === 0) {
    const fast = (state.history.at(-1)?.seconds ?? 0) < FAST_STEP && state.history.length > 0;
    const early = fast ? phaseIndex(record.phase) < phaseIndex("advantages") : !record.tokens;
    if (early) return next;
  }
  // One phase on is something new to look at; while playing, a chosen phase stays chosen.
  return { ...next, live: record, viewPhase: state.playing ? state.viewPhase : undefined };
}

/** The selection with a newer record of the same step; dropped if dynamic sampling put another rollout in its row. */
function refreshed(selection: Selection | undefined, record: StepRecord): Selection | undefined {
  if (!selection || selection.record.step !== record.step) return selection;
  const rollout = record.rollouts[selection.row];
  if (rollout?.text === selection.record.rollouts[selection.row]?.text) return { ...selection, record };
  return undefined;
}

/** Edits that were made ahead, as by a link, turn their knobs when their step comes. */
function withDueEdits(run: RunView | undefined, step: number): RunView | undefined {
  if (!run?.edits.some((edit) => edit.step === step)) return run;
  const { recipe, seed } = setupAt(run.setup, run.edits, step);
  return { ...run, recipe, seed };
}

/** Steps come once each, in order; after a recovery one may come again. */
function withMetrics(history: readonly Metrics[], metrics: Metrics): Metrics[] {
  const kept = (history.at(-1)?.step ?? 0) >= metrics.step ? history.filter((m) => m.step < metrics.step) : history;
  return [...kept, metrics];
}

/** Measurements by step, each step's once. */
function withMeasurement(all: PageState["measurements"], { step, evaluation }: PageState["measurements"][number]) {
  return [...all.filter((m) => m.step < step), { step, evaluation }, ...all.filter((m) => m.step > step)];
}

/** A measurement belongs to the metrics of its step. */
function withEvaluation(history: readonly Metrics[], { step, evaluation }: Extract<Event, { type: "evaluated" }>): readonly Metrics[] {
  return history.map((metrics) => (metrics.step === step ? { ...metrics, ...evaluationMetrics(evaluation) } : metrics));
}

function withToast(state: PageState, kind: Toast["kind"], text: string): PageState {
  const others = state.toasts.filter((toast) => toast.text !== text);
  return { ...state, toasts: [...others, { id: ++toasts, kind, text }].slice(-TOASTS_SHOWN) };
}

/** The record that the stage shows: of the step looked back at, or the live one. */
export function shownRecord(state: PageState): StepRecord | undefined {
  return state.lookBack ? (state.lookBack.record ?? undefined) : state.live;
}

/** The phase that the stage shows. */
export function shownPhase(state: PageState): Phase | undefined {
  const record = shownRecord(state);
  if (!record) return undefined;
  return state.viewPhase && phaseIndex(state.viewPhase) <= phaseIndex(record.phase) ? state.viewPhase : record.phase;
}

const NOT_KNOBS = ["recipe", "policy", "seed"];
let expected: { from: readonly unknown[]; knobs: Knobs } | undefined;

/**
 * The knobs as they will be once the worker has answered: what the page shows. While looking back they are those in force at that step, with
 * what a fork from there would change.
 */
export function expectedKnobs({ run, drafts, lookBack, forkChanges }: PageState): Knobs | undefined {
  if (!run) return undefined;
  const from = [run, drafts, lookBack?.step, forkChanges];
  if (!expected || from.some((part, i) => part !== expected!.from[i])) {
    const now = lookBack ? setupAt(run.setup, run.edits, lookBack.step) : run;
    const turned = lookBack ? forkChanges : Object.entries(drafts);
    const sent = turned.filter(([path]) => !NOT_KNOBS.includes(path));
    const seed = turned.find(([path]) => path === "seed")?.[1];
    const recipe = sent.length === 0 ? now.recipe : withFittingChanges(now.recipe, sent);
    expected = { from, knobs: { recipe, seed: typeof seed === "number" && Number.isInteger(seed) && seed >= 0 ? seed : now.seed } };
  }
  return expected.knobs;
}

export const expectedRecipe = (state: PageState): ResolvedRecipe | undefined => expectedKnobs(state)?.recipe;

export function notify(kind: Toast["kind"], text: string): void {
  usePage.setState((state) => withToast(state, kind, text));
}

export function dismiss(id: number): void {
  usePage.setState((state) => ({ toasts: state.toasts.filter((toast) => toast.id !== id) }));
}
