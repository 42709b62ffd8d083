import type { EvaluationRecord, Metrics, Phase, StepRecord } from "../loop/record.ts";
import type { AnswersNow, Edit, RunSetup } from "../loop/run.ts";
import type { Change } from "../recipes/changes.ts";
import type { ResolvedRecipe } from "../recipes/recipe.ts";
import type { Parent } from "../storage/run-store.ts";

/** Messages between the page and the worker that owns the engine and the run. The page sends commands; the worker sends events. */

/** The engine that a page asks for: by name, or what serves best. "webgpu-f16" is the GPU with weights of 16 bits. */
export const WANTED = ["auto", "portable", "webgpu", "webgpu-f16"] as const;
export type Wanted = (typeof WANTED)[number];

export type Command =
  /** First message. The URL is absolute, because a worker resolves relative ones elsewhere. `deviceMemory` is what the machine has, in gigabytes, where the browser tells. */
  | { type: "open"; policiesUrl: string; engine: Wanted; deviceMemory?: number }
  /** Starts a run from the policy's shipped weights; ends the run in progress. `edits` are knobs that turn by themselves at their steps. */
  | { type: "start"; setup: RunSetup; edits?: readonly Edit[] }
  /** Continues a run that was kept. */
  | { type: "resume"; runId: string }
  | { type: "forget"; runId: string }
  | { type: "rename"; runId: string; name: string }
  /**
   * A new run that shares the first `step` steps with the run at hand and goes on from there with changed knobs; the other stays kept. Knobs
   * that were set ahead of where the run stands turn in the fork, too.
   */
  | { type: "fork"; step: number; changes: readonly Change[]; name: string }
  /** Asks for a run as a file. `rollouts` and `recording` are of the steps at hand of the run on screen; `rolloutsAgain` are all answers of any kept run, computed again beside it. */
  | { type: "export"; runId: string; what: ExportKind }
  /** Puts the run of a file among the kept ones. */
  | { type: "import"; text: string }
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
  /** Slow motion: the pause after each phase and each update while the run goes on by itself, in milliseconds; 0 is full speed. */
  | { type: "pace"; pause: number }
  /** Asks for the record of an earlier step; one that is not kept any more is computed again. Takes the place of an earlier question. */
  | { type: "record"; step: number }
  /** Asks for answers to one held-out problem, before training and now; `problem` counts from 0. */
  | { type: "sample"; problem: number; samples: number }
  /** Gives up what is being computed again, or brought on screen. */
  | { type: "cancel" };

export type ExportKind = "run" | "metrics" | "rollouts" | "rolloutsAgain" | "recording";

export interface EngineStatus {
  readonly kind: "webgpu" | "portable";
  /** The GPU's name, or "portable" with its threads. */
  readonly label: string;
  /** Why the GPU is not used, or not as it should be, and what to do, in one sentence. */
  readonly note?: string;
  /** The GPU is emulated by the processor: a person may choose it, or leave the choice to the page again. */
  readonly emulated?: true;
  /** Whether the GPU stores weights in 16 bits. */
  readonly half?: true;
}

export interface KeptRun {
  readonly id: string;
  /** As a person named it. */
  readonly name?: string;
  readonly parent?: Parent;
  readonly policy: string;
  readonly task: string;
  readonly recipe: string;
  readonly seed: number;
  /** Steps completed. */
  readonly steps: number;
  /** The last that was measured. */
  readonly passAt1?: number;
  readonly savedAt: number;
  /** About what it takes in storage. */
  readonly bytes: number;
}

/** What the worker remembers of the run, for looking back. */
export interface Memory {
  /** Steps completed when this was so. */
  readonly step: number;
  /** Steps whose records are at hand. */
  readonly records: readonly number[];
  /** Steps after which a snapshot was taken. */
  readonly snapshots: readonly number[];
  readonly bytes: number;
  /** What was given up to stay within the budget, in one sentence. */
  readonly thinned?: string;
}

export type Event =
  /** What is being done; `cancel` says that it can be given up. */
  | { type: "progress"; what: string; fraction: number; cancel?: true }
  | { type: "ready"; engine: EngineStatus; keptRuns: KeptRun[] }
  /** The engine from now on: the first one, or another in place of one that failed. */
  | { type: "engine"; engine: EngineStatus }
  /** A run stands at its beginning, or where it was resumed; `history` are the metrics of the steps it has behind it. */
  | {
      type: "started";
      runId: string;
      name?: string;
      parent?: Parent;
      setup: RunSetup;
      edits: Edit[];
      step: number;
      history: Metrics[];
      records: number[];
      start?: EvaluationRecord;
    }
  /** How the policy does before training (or where it was asked for): pass@k on held-out problems. */
  | { type: "evaluated"; step: number; evaluation: EvaluationRecord }
  /** Answers to one held-out problem; `updating` says that the policy stood between two updates of the step after `step`. */
  | { type: "sampled"; step: number; updating: boolean; answers: AnswersNow }
  | { type: "state"; playing: boolean; busy: boolean }
  /** After every phase. Arrays are copies; the page may keep them. `record.tokens` streams in with `rollouts`. */
  | { type: "phase"; phase: Phase; record: StepRecord }
  /** A step is complete. */
  | { type: "step"; step: number; metrics: Metrics }
  | { type: "edited"; edit: Edit; settings: ResolvedRecipe }
  /** While a record is computed again: `from` is the step of the snapshot that it starts from. */
  | { type: "recomputing"; step: number; from: number; fraction: number }
  /** `record` is null if it cannot be had, and `problem` says why. `recomputed` says whether its metrics equal the original's to the bit. */
  | { type: "record"; step: number; record: StepRecord | null; recomputed?: "same" | "different"; problem?: string }
  | { type: "memory"; memory: Memory }
  | { type: "saved"; run: KeptRun }
  /** All runs that are kept, newest first, after one was deleted, renamed or imported. */
  | { type: "kept"; keptRuns: KeptRun[] }
  | { type: "imported"; run: KeptRun }
  | { type: "exported"; fileName: string; mime: string; content: string | Uint8Array<ArrayBuffer> }
  /** Something went wrong and the run stands still: one sentence, and what can be done. Nothing shown is lost. */
  | { type: "error"; message: string; fatal: boolean }
  /** Something went wrong and was mended (a lost device, a skipped update, storage that is full). */
  | { type: "notice"; message: string };
