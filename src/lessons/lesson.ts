import type { Phase } from "../loop/record.ts";

/**
 * A lesson is data: a setup, and small steps that each say one thing, ask for a prediction, do something in the live app, and reveal what
 * happened there. `check.ts` reads one from a file, `quantity.ts` says what its texts and conditions may refer to.
 */

export const LESSON_FORMAT = "rlvr-lesson@1";

export type Value = number | boolean | string;
export type Settings = Readonly<Record<string, Value>>;

/** Policy and batch of one step. */
export interface Size {
  readonly policy: string;
  readonly prompts: number;
  /** Answers a prompt. */
  readonly group: number;
}

export interface LessonSetup {
  /** Id of a recipe that ships. */
  readonly recipe: string;
  readonly task: string;
  readonly level: string;
  readonly seed: number;
  /** Further knobs, `slot.param` → value. */
  readonly settings: Settings;
  /** Smallest first; the largest that the machine trains in `trainingSeconds` is used. */
  readonly sizes: readonly Size[];
}

/** One thing that happens in the app. */
export type Action =
  /** Whole steps; then the run stands still. */
  | { readonly train: number }
  /** The phases of the step in progress up to this one; of the next step, if the one in progress is already past it. */
  | { readonly toPhase: Phase }
  /** Turns knobs. */
  | { readonly set: Settings }
  /** A new run from the same weights and seed: the lesson's setup with these changes. */
  | { readonly restart: { readonly recipe?: string; readonly settings?: Settings } }
  /** Keeps the numbers of the run so far under a name, for a comparison. */
  | { readonly keep: string }
  /** Shows a phase that has run. */
  | { readonly view: Phase }
  /** Opens a view of the step on the stage; `view` goes back to the one that belongs to the phase. */
  | { readonly tab: Tab }
  /** Opens a token in the inspector. */
  | { readonly select: { readonly answer: AnswerKind; readonly token: "first" | "mostUncertain" } };

/** The stage's views. */
export const TABS = ["prompts", "rollouts", "rewards", "advantages", "weights", "objective", "update", "evaluation"] as const;
export type Tab = (typeof TABS)[number];

export const ANSWER_KINDS = ["right", "wrong", "pushedUp", "pushedDown"] as const;
export type AnswerKind = (typeof ANSWER_KINDS)[number];

/** Something that is true of the live app, or not. Quantities are written as `quantity.ts` says. */
export type Condition =
  /** So many steps of this run are complete. */
  | { readonly step: number }
  /** The newest step has come at least as far as this phase. */
  | { readonly phase: Phase }
  /** The stage shows this phase. */
  | { readonly shows: Phase }
  /** The quantity has a value. */
  | { readonly measured: string }
  /** The quantity has a value beyond the bound, a number or another quantity. */
  | { readonly value: string; readonly above: number | string }
  | { readonly value: string; readonly below: number | string }
  /** A token is open in the inspector. */
  | { readonly selected: true }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

/** A prediction. */
export type Question =
  | {
      readonly question: string;
      /** `holds`: when the option has come true; without any, the question is for thought. */
      readonly options: readonly { readonly label: string; readonly holds?: Condition }[];
    }
  | {
      readonly question: string;
      readonly number: {
        readonly min: number;
        readonly max: number;
        readonly step: number;
        /** With "%", a share is compared in percent. */
        readonly unit?: string;
        /** `slider` shows the range, `field` does not give it away. */
        readonly as?: "slider" | "field";
        /** The quantity that the prediction is compared with. */
        readonly truth: string;
        /** How near counts as right. */
        readonly near: number;
      };
    };

/** Places on the screen that a step can point at. */
export const ANCHORS = ["transport", "phases", "timeline", "stage", "rows", "facts", "inspector", "knobs", "charts", "header"] as const;
export type Anchor = (typeof ANCHORS)[number];

export interface LessonStep {
  readonly title: string;
  /** Paragraphs in Markdown-lite; see `markup.ts`. */
  readonly say: string;
  readonly highlight?: Anchor;
  /** A knob to point at, by path; its panel stays in view. */
  readonly knob?: string;
  /** Done on arrival. */
  readonly enter?: readonly Action[];
  readonly ask?: Question;
  /** Done when the button is pressed, after the prediction. */
  readonly do?: { readonly label: string; readonly actions: readonly Action[] };
  /** What must have come about before the reveal; without it, what `do` does. */
  readonly waitFor?: Condition;
  /** The first whose condition holds is shown; the last has none. */
  readonly reveal?: readonly { readonly if?: Condition; readonly say: string }[];
}

export interface Lesson {
  readonly format: typeof LESSON_FORMAT;
  readonly id: string;
  readonly title: string;
  /** What one knows afterwards, in one sentence. */
  readonly learn: string;
  readonly audience: string;
  /** From the first sentence to the last, training included. */
  readonly minutes: number;
  /** How much of that may be spent waiting for training. */
  readonly trainingSeconds: number;
  readonly setup: LessonSetup;
  readonly steps: readonly LessonStep[];
  /** For whoever leads the lesson: timing, what to ask, what people get wrong. Markdown-lite. */
  readonly notes: string;
  /** Questions for paper. */
  readonly worksheet: readonly string[];
}

/** Steps of training that the lesson's actions ask for, one after another. */
export function trainingSteps(lesson: Lesson): number {
  const actions = lesson.steps.flatMap((step) => [...(step.enter ?? []), ...(step.do?.actions ?? [])]);
  return actions.reduce((sum, action) => sum + ("train" in action ? action.train : "toPhase" in action ? 1 : 0), 0);
}
