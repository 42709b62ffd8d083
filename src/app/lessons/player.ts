import { create } from "zustand";
import { holds, outcomeOf } from "../../lessons/condition.ts";
import type { Action, Lesson, LessonStep, Size } from "../../lessons/lesson.ts";
import { type Speed, setupOf, sizeFor } from "../../lessons/size.ts";
import { start, steps as trainSteps } from "../actions.ts";
import { useStage } from "../stage/views/store.ts";
import { usePage } from "../state.ts";
import { Interrupted, perform, situationOf, until } from "./act.ts";
import { FRESH, type Progress, progressOf, type StepProgress, saveProgress, saveSpeed, speedOf } from "./shelf.ts";

/** A lesson that is being played: where it stands, and what it does in the live app. */

export interface PlayerState {
  readonly lesson: Lesson | undefined;
  readonly size: Size | undefined;
  readonly progress: Progress;
  /** What the lesson is doing just now, in a few words. */
  readonly doing: string | undefined;
  readonly training: { readonly from: number; readonly to: number } | undefined;
  /** What went wrong, in one sentence. */
  readonly problem: string | undefined;
  /** The run that the lesson began. */
  readonly runId: string | undefined;
}

export const NO_LESSON: PlayerState = {
  lesson: undefined,
  size: undefined,
  progress: FRESH,
  doing: undefined,
  training: undefined,
  problem: undefined,
  runId: undefined,
};

export const usePlayer = create<PlayerState>()(() => NO_LESSON);

let work = new AbortController();
/** Actions of the shown step's `do` that are done already, where it was interrupted. */
let actionsDone = 0;

const parametersOf = (policy: string) => usePage.getState().policies.find((p) => p.id === policy)?.parameters;

function setProgress(change: Partial<Progress>): void {
  usePlayer.setState(({ progress }) => ({ progress: { ...progress, ...change } }));
  const { lesson, progress } = usePlayer.getState();
  if (lesson) saveProgress(lesson.id, progress);
}

function setStep(at: number, change: StepProgress): void {
  const { steps } = usePlayer.getState().progress;
  setProgress({ steps: { ...steps, [at]: { ...steps[at], ...change } } });
}

/** Does something that takes time, one thing at a time; what goes wrong is said in the panel. */
async function busily(doing: string, task: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
  work.abort();
  work = new AbortController();
  const { signal } = work;
  usePlayer.setState({ doing, problem: undefined });
  try {
    await task(signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    if (!(error instanceof Interrupted)) usePlayer.setState({ problem: error instanceof Error ? error.message : String(error) });
    return false;
  } finally {
    if (work.signal === signal) {
      usePlayer.setState({ doing: undefined, training: undefined });
      look();
    }
  }
}

async function performAll(actions: readonly Action[], signal: AbortSignal, onDone: () => void = () => {}): Promise<void> {
  const { lesson, size } = usePlayer.getState();
  for (const action of actions) {
    await perform(action, {
      lesson: lesson!,
      size: size!,
      signal,
      keep: (name, numbers) => setProgress({ kept: { ...usePlayer.getState().progress.kept, [name]: numbers } }),
      onTraining: (from, to) => usePlayer.setState({ training: { from, to } }),
    });
    usePlayer.setState({ training: undefined, ...("restart" in action ? { runId: usePage.getState().run?.id } : {}) });
    onDone();
  }
}

/** The speed of this machine: of the run on screen, as remembered, or measured now by two steps of the lesson's smallest run. */
async function speedFor(lesson: Lesson, signal: AbortSignal): Promise<Speed> {
  const { history, run, engine } = usePage.getState();
  const label = engine?.label ?? "";
  const known = history.length >= 2 && run ? speedFrom(run.setup.policy) : speedOf(label);
  if (known) {
    saveSpeed(label, known);
    return known;
  }
  usePlayer.setState({ doing: "Measuring how fast this machine is" });
  const smallest = lesson.setup.sizes[0];
  const before = run?.id;
  start(setupOf(lesson, smallest));
  await until((state) => state.run?.id !== before && state.latest?.phase === "verdicts" && !state.busy, signal);
  trainSteps(2);
  await until((state) => !state.busy, signal);
  if (usePage.getState().step < 2) throw new Interrupted();
  const measured = speedFrom(smallest.policy);
  saveSpeed(label, measured);
  return measured;
}

function speedFrom(policy: string): Speed {
  const speeds = usePage
    .getState()
    .history.slice(-5)
    .map((m) => m.tokens_per_second);
  return { tokensPerSecond: Math.max(...speeds), policy, parameters: parametersOf(policy) ?? 1 };
}

/** Opens a lesson where it was left, or at a step; brings its run to where that step needs it. */
export async function openLesson(lesson: Lesson, at?: number): Promise<void> {
  const remembered = progressOf(lesson);
  const progress = at === undefined ? remembered : { ...remembered, at: Math.min(Math.max(0, at), lesson.steps.length - 1) };
  usePlayer.setState({ ...NO_LESSON, lesson, progress });
  await bringBack();
}

/** From the beginning, with nothing answered. */
export async function restartLesson(): Promise<void> {
  const { lesson } = usePlayer.getState();
  if (!lesson) return;
  saveProgress(lesson.id, FRESH);
  usePlayer.setState({ ...NO_LESSON, lesson });
  await bringBack();
}

const actionsOf = ({ enter = [], do: act }: LessonStep): readonly Action[] => [...enter, ...(act?.actions ?? [])];
const onlyShows = (action: Action) => "view" in action || "tab" in action || "select" in action;

/** What is to be done before a step begins: all since the last new run, or since the beginning if numbers that were kept are missing. */
export function actionsBefore(lesson: Lesson, at: number, kept: readonly string[]): readonly Action[] {
  const all = lesson.steps
    .slice(0, at)
    .flatMap(actionsOf)
    .filter((action) => !onlyShows(action));
  const from = all.findLastIndex((action) => "restart" in action);
  const lacks = all.slice(0, Math.max(0, from)).some((action) => "keep" in action && !kept.includes(action.keep));
  return lacks || from < 0 ? [{ restart: {} }, ...all] : all.slice(from);
}

/** Makes the run on screen the lesson's, at the step that is shown. */
export async function bringBack(): Promise<void> {
  const { lesson, progress } = usePlayer.getState();
  if (!lesson) return;
  const { at } = progress;
  const done = await busily("Preparing the run", async (signal) => {
    await until((state) => state.run !== undefined && state.engine !== undefined && state.latest !== undefined && !state.busy, signal);
    const speed = await speedFor(lesson, signal);
    usePlayer.setState({
      size: sizeFor(lesson, speed, parametersOf),
      doing: at === 0 ? "Preparing the run" : "Bringing the run to this step",
    });
    await performAll(actionsBefore(lesson, at, Object.keys(progress.kept)), signal);
    const step = lesson.steps[at];
    // What was done in this step is done again, so that its reveal has something to point at.
    const again = progress.steps[at]?.done ? (step.do?.actions ?? []) : [];
    await performAll([...(step.enter ?? []), ...again], signal);
  });
  if (done) actionsDone = 0;
}

export const currentStep = (state: PlayerState): LessonStep | undefined => state.lesson?.steps[state.progress.at];
const UNTOUCHED: StepProgress = {};
export const stepProgress = (state: PlayerState): StepProgress => state.progress.steps[state.progress.at] ?? UNTOUCHED;

/** Whether all that a step asks for has come about, so that it may reveal. */
export function complete(state: PlayerState): boolean {
  const step = currentStep(state);
  if (!step) return false;
  const { answer, done } = stepProgress(state);
  if (step.ask && answer === undefined) return false;
  if (step.do && !done) return false;
  return !step.waitFor || holds(step.waitFor, situationOf(state.progress.kept));
}

/** Fixes what came of the step as soon as it has come about; called on every change of the page. */
function look(): void {
  const state = usePlayer.getState();
  const step = currentStep(state);
  const { answer, outcome } = stepProgress(state);
  if (!step || outcome || state.doing || !complete(state)) return;
  setStep(state.progress.at, { outcome: outcomeOf(step, answer, situationOf(state.progress.kept)) });
}

usePage.subscribe(look);

export function predict(answer: number): void {
  const { progress } = usePlayer.getState();
  if (progress.steps[progress.at]?.outcome) return;
  setStep(progress.at, { answer });
  look();
}

/** Does what the step's button says; goes on where it was interrupted. */
export async function doIt(): Promise<void> {
  const state = usePlayer.getState();
  const step = currentStep(state);
  if (!step?.do || state.doing) return;
  const { actions, label } = step.do;
  const { at } = state.progress;
  const done = await busily(label, (signal) => performAll(actions.slice(actionsDone), signal, () => actionsDone++));
  if (!done || usePlayer.getState().lesson !== state.lesson) return;
  actionsDone = 0;
  setStep(at, { done: true });
  look();
}

/** Shows another step of the lesson. Going on past the end finishes it. */
export async function goTo(at: number): Promise<void> {
  const { lesson, progress } = usePlayer.getState();
  if (!lesson) return;
  if (at >= lesson.steps.length) {
    setProgress({ finished: true });
    return;
  }
  const forward = at > progress.at;
  useStage.setState({ view: undefined });
  work.abort();
  actionsDone = 0;
  setProgress({ at: Math.max(0, at), finished: false });
  const { enter = [] } = lesson.steps[Math.max(0, at)];
  // Going back shows what was; only going on does something new to the run.
  const actions = forward && !progress.steps[at]?.outcome ? enter : enter.filter(onlyShows);
  if (!actions.every(onlyShows)) {
    await busily("One moment", (signal) => performAll(actions, signal));
    return;
  }
  usePlayer.setState({ doing: undefined, training: undefined, problem: undefined });
  work = new AbortController();
  await performAll(actions, work.signal);
  look();
}

/** Leaves the lesson; the run stays as it is. */
export function leaveLesson(): void {
  work.abort();
  usePlayer.setState(NO_LESSON);
}
