import type { EvaluationRecord, Metrics, Phase, StepRecord } from "../loop/record.ts";
import type { Edit, RunSetup } from "../loop/run.ts";
import type { ResolvedRecipe } from "../recipes/recipe.ts";

/** Messages between the page and the worker that owns the engine and the run. The page sends commands; the worker sends events. */

export type Command =
  /** First message. URLs are absolute, because a worker resolves relative ones elsewhere. */
  | { type: "open"; policiesUrl: string; wasmPaths?: { wasm: string; mjs: string }; engine: "auto" | "portable" | "webgpu" }
  /** Starts a run from the policy's shipped weights; ends the run in progress. */
  | { type: "start"; setup: RunSetup }
  /** Continues a run kept by an earlier visit. */
  | { type: "resume"; runId: string }
  | { type: "forget"; runId: string }
  | { type: "play" }
  | { type: "pause" }
  /** Runs one phase, then pauses. */
  | { type: "phase" }
  /** Runs to the end of the step (or `count` steps), then pauses. */
  | { type: "step"; count?: number }
  /** Back to the beginning: same weights, same seed; the knobs stay as they are turned. */
  | { type: "reset" }
  /** Turns a knob: felt from the next step on. */
  | { type: "edit"; path: string; value: number | boolean | string }
  /** Asks for the record of an earlier step, if still kept. */
  | { type: "record"; step: number };

export interface EngineStatus {
  readonly kind: "webgpu" | "portable";
  /** The GPU's name, or "portable" with its threads. */
  readonly label: string;
  /** Why the GPU is not used and what to do, in one sentence. */
  readonly note?: string;
}

export interface KeptRun {
  readonly id: string;
  readonly policy: string;
  readonly task: string;
  readonly recipe: string;
  readonly seed: number;
  /** Steps completed. */
  readonly steps: number;
  readonly savedAt: number;
}

export type Event =
  | { type: "progress"; what: string; fraction: number }
  | { type: "ready"; engine: EngineStatus; keptRuns: KeptRun[] }
  /** The engine from now on: the first one, or another in place of one that failed. */
  | { type: "engine"; engine: EngineStatus }
  /** A run stands at its beginning, or where it was resumed; `history` are the metrics of the steps it has behind it. */
  | {
      type: "started";
      runId: string;
      setup: RunSetup;
      edits: Edit[];
      step: number;
      history: Metrics[];
      records: number[];
      start?: EvaluationRecord;
    }
  /** How the policy does before training (or where it was asked for): pass@k on held-out problems. */
  | { type: "evaluated"; step: number; evaluation: EvaluationRecord }
  | { type: "state"; playing: boolean; busy: boolean }
  /** After every phase. Arrays are copies; the page may keep them. `record.tokens` streams in with `rollouts`. */
  | { type: "phase"; phase: Phase; record: StepRecord }
  /** A step is complete. */
  | { type: "step"; step: number; metrics: Metrics }
  | { type: "edited"; edit: Edit; settings: ResolvedRecipe }
  | { type: "record"; step: number; record: StepRecord | null }
  | { type: "saved"; run: KeptRun }
  /** Something went wrong and the run stands still: one sentence, and what can be done. Nothing shown is lost. */
  | { type: "error"; message: string; fatal: boolean }
  /** Something went wrong and was mended (a lost device, a skipped update, storage that is full). */
  | { type: "notice"; message: string };
