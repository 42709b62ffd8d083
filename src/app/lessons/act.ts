import type { Situation } from "../../lessons/condition.ts";
import type { Action, AnswerKind, Lesson, Size } from "../../lessons/lesson.ts";
import { factsNow, type KeptNumbers } from "../../lessons/quantity.ts";
import { setupOf } from "../../lessons/size.ts";
import type { Phase, StepRecord } from "../../loop/record.ts";
import { backToLive, onePhase, pause, start, steps, turn, viewPhase } from "../actions.ts";
import { pin, useStage } from "../stage/views/store.ts";
import { type PageState, phaseIndex, shownPhase, shownRecord, usePage } from "../state.ts";

/** Carries a lesson's actions out in the live app, as a person would by hand. */

/** The lesson was left, or something else was done meanwhile: nothing to report. */
export class Interrupted extends Error {}

/** Resolves when the page's state is as wanted. @throws Interrupted when aborted; Error with a sentence if the page reports an error. */
export function until(wanted: (state: PageState) => boolean, signal: AbortSignal): Promise<void> {
  const before = usePage.getState().toasts.at(-1)?.id ?? 0;
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      unsubscribe();
      signal.removeEventListener("abort", onAbort);
      end();
    };
    const onAbort = () => settle(() => reject(new Interrupted()));
    const look = (state: PageState) => {
      const trouble = state.fatal ?? state.toasts.find((toast) => toast.kind === "error" && toast.id > before)?.text;
      if (trouble !== undefined) settle(() => reject(new Error(trouble)));
      else if (wanted(state)) settle(resolve);
    };
    const unsubscribe = usePage.subscribe(look);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    else look(usePage.getState());
  });
}

/** What a lesson's actions need to know of it, and where they keep numbers. */
export interface Stagehand {
  readonly lesson: Lesson;
  readonly size: Size;
  keep(name: string, numbers: KeptNumbers): void;
  /** Told while steps are trained. */
  onTraining(from: number, to: number): void;
  readonly signal: AbortSignal;
}

/** @throws Interrupted if the run was stopped by hand or the lesson left. */
export async function perform(action: Action, hand: Stagehand): Promise<void> {
  const { signal } = hand;
  if ("train" in action) return train(action.train, hand);
  if ("toPhase" in action) return toPhase(action.toPhase, signal);
  if ("restart" in action) {
    const { run } = usePage.getState();
    start(setupOf(hand.lesson, hand.size, action.restart));
    return until((state) => state.run?.id !== run?.id && state.latest?.phase === "verdicts" && !state.busy, signal);
  }
  if ("set" in action) {
    const paths = Object.keys(action.set);
    turn(Object.entries(action.set));
    return until((state) => !state.busy && paths.every((path) => !(path in state.drafts)), signal);
  }
  if ("keep" in action) {
    const { history, start: atStart } = usePage.getState();
    const record = shownRecord(usePage.getState());
    hand.keep(action.keep, { history, ...(atStart ? { start: atStart } : {}), ...(record ? { facts: factsNow(record) } : {}) });
    return;
  }
  if ("view" in action) {
    const { lookBack, latest } = usePage.getState();
    useStage.setState({ view: undefined });
    if (lookBack) backToLive();
    if (latest && phaseIndex(action.view) <= phaseIndex(latest.phase)) viewPhase(action.view === latest.phase ? undefined : action.view);
    return;
  }
  if ("tab" in action) {
    useStage.setState({ view: action.tab });
    return;
  }
  const record = shownRecord(usePage.getState());
  const token = record && tokenOf(record, action.select.answer, action.select.token);
  if (token) pin(token.row, token.index);
}

async function train(count: number, { signal, onTraining }: Stagehand): Promise<void> {
  const from = usePage.getState().step;
  onTraining(from, from + count);
  steps(count);
  // The stage stays with the answers: views that follow each phase would flash by.
  const { view } = useStage.getState();
  useStage.setState({ view: "rollouts" });
  try {
    await until((state) => !state.busy, signal);
  } finally {
    // Who leaves in the middle does not want the rest trained behind their back.
    if (signal.aborted) pause();
    useStage.setState({ view });
  }
  if (usePage.getState().step < from + count) throw new Interrupted();
}

async function toPhase(phase: Phase, signal: AbortSignal): Promise<void> {
  const at = () => usePage.getState().latest;
  const reached = (record: StepRecord | undefined) => record?.phase === phase;
  while (!reached(at())) {
    const before = at();
    onePhase();
    await until((state) => !state.busy, signal);
    if (at() === before) throw new Interrupted();
  }
  viewPhase(undefined);
}

/** A token that a lesson can talk about: of the first answer of its kind, where there is a choice in a group that has both kinds. */
export function tokenOf(
  record: StepRecord,
  kind: AnswerKind,
  which: "first" | "mostUncertain",
): { row: number; index: number } | undefined {
  const { tokens, rollouts } = record;
  if (!tokens) return undefined;
  const is = (row: number) => {
    const { verdict, advantage = 0 } = rollouts[row];
    if (kind === "right" || kind === "wrong") return verdict && (verdict.score === 1) === (kind === "right");
    return kind === "pushedUp" ? advantage > 0 : advantage < 0;
  };
  const rows = rollouts.map((_, row) => row).filter(is);
  const row = rows.find((r) => record.groups[rollouts[r].group].members.some((other) => !is(other))) ?? rows[0];
  if (row === undefined) return undefined;
  const [from, to] = [tokens.offsets[row], tokens.offsets[row + 1]];
  let index = 0;
  if (which === "mostUncertain") for (let t = from; t < to; t++) if (tokens.entropy[t] > tokens.entropy[from + index]) index = t - from;
  return { row, index };
}

/** The live app as conditions and texts see it. */
export function situationOf(kept: Readonly<Record<string, KeptNumbers>>): Situation {
  const state = usePage.getState();
  return {
    step: state.step,
    shownPhase: shownPhase(state),
    record: shownRecord(state),
    selection: state.selection,
    history: state.history,
    ...(state.start ? { start: state.start } : {}),
    kept,
    answer: undefined,
  };
}
