import type { Phase } from "../loop/record.ts";
import type { Edit, RunSetup } from "../loop/run.ts";
import { type Change, withFittingChanges } from "../recipes/changes.ts";
import { misfit } from "../recipes/fits.ts";
import { recipeById } from "../recipes/index.ts";
import { type ResolvedRecipe, resolveRecipe, withChange } from "../recipes/recipe.ts";
import type { ExportKind } from "../worker/protocol.ts";
import { expectedKnobs, notify, shownRecord, usePage } from "./state.ts";
import { forgetHistory, remember, travel } from "./undo.ts";
import { send } from "./worker-client.ts";

/** What a person can do. The state changes at once where the answer is certain; the worker has the last word. */

/** Leaving a run with more steps than this behind it is asked about first. */
export const LONG_RUN = 20;

const live = { lookBack: undefined, forkChanges: [], viewPhase: undefined };

export function play(): void {
  usePage.setState({ playing: true, busy: true, pausing: false, until: undefined, ...live });
  send({ type: "play" });
}

export function pause(): void {
  usePage.setState({ pausing: true, until: undefined });
  send({ type: "pause" });
}

export const togglePlay = () => (usePage.getState().playing ? pause() : play());

export function onePhase(): void {
  usePage.setState({ playing: false, busy: true, pausing: false, until: undefined, ...live });
  send({ type: "phase" });
}

export function steps(count = 1): void {
  const { step } = usePage.getState();
  usePage.setState({ playing: false, busy: true, pausing: false, ...live, until: count > 1 ? step + count : undefined });
  send({ type: "step", count });
}

export function reset(): void {
  usePage.setState({ progress: { what: "Back to the beginning", fraction: undefined } });
  send({ type: "reset" });
}

/** `edits` are knobs that turn by themselves at their steps. */
export function start(setup: RunSetup, edits: readonly Edit[] = []): void {
  const { drafts } = usePage.getState();
  const progress = { what: "Starting a new run", fraction: undefined };
  forgetHistory();
  usePage.setState({ progress, drafts: { ...drafts, recipe: setup.recipe.id, policy: setup.policy } });
  send({ type: "start", setup, ...(edits.length > 0 ? { edits } : {}) });
}

/** Slow motion: the pause after each phase and each update, in milliseconds; 0 is full speed. */
export function setPace(pause: number): void {
  usePage.setState({ pace: pause });
  send({ type: "pace", pause });
}

/** Turns a knob. While looking back the run itself stays as it was: the turn becomes part of a fork from there. */
export const edit = (path: string, value: number | boolean | string) => turn([[path, value]]);

/** Turns several knobs in one gesture, which one undo takes back. */
export function turn(changes: readonly Change[]): void {
  const now = expectedKnobs(usePage.getState());
  const problem = now && misfitAfter(now.recipe, changes);
  if (problem !== undefined) {
    notify("error", `${problem}.`);
    return;
  }
  if (usePage.getState().lookBack) {
    usePage.setState((state) => ({ forkChanges: changes.reduce(withForkChange, state.forkChanges) }));
    return;
  }
  if (now && changes.length > 0) remember(now);
  sendEdits(changes);
}

/** Why a recipe that fits its task would not fit it any more after changes. */
function misfitAfter(recipe: ResolvedRecipe, changes: readonly Change[]): string | undefined {
  const knobs = changes.filter(([path]) => path !== "seed");
  return misfit(recipe) === undefined ? misfit(withFittingChanges(recipe, knobs)) : undefined;
}

/** A plug-in put into a slot does away with what was turned on the one before it. */
function withForkChange(all: readonly Change[], change: Change): readonly Change[] {
  const [path] = change;
  return [...all.filter(([other]) => other !== path && !other.startsWith(`${path}.`)), change];
}

function sendEdits(changes: readonly Change[]): void {
  for (const [path, value] of changes) {
    usePage.setState(({ drafts: { [path]: _, ...others } }) => ({ drafts: { ...others, [path]: value } }));
    send({ type: "edit", path, value });
  }
}

/** Takes the last gesture back, or does it again. */
export function undo(direction: "back" | "forth"): void {
  if (usePage.getState().lookBack) {
    if (direction === "back") usePage.setState(({ forkChanges }) => ({ forkChanges: forkChanges.slice(0, -1) }));
    return;
  }
  const now = expectedKnobs(usePage.getState());
  if (now) sendEdits(travel(direction, now));
}

/** The setup with another recipe: the task and its level stay, whether it fits them or not. */
export function withRecipe(setup: RunSetup, id: string): RunSetup {
  const { task } = setup.recipe.slots;
  let recipe = withChange(resolveRecipe(recipeById(id)), "task", task.plugin);
  for (const [name, value] of Object.entries(task.params)) recipe = withChange(recipe, `task.${name}`, value);
  return { ...setup, recipe };
}

/** What a new run started from here would be: the knobs as they are turned now. */
export function setupNow(): RunSetup | undefined {
  const state = usePage.getState();
  const now = expectedKnobs(state);
  return now && { ...now, policy: state.run!.setup.policy };
}

/** A new run that goes on from the step looked at, or the newest, with what was turned there; the run on screen stays kept. */
export function fork(name: string): void {
  const { lookBack, step, forkChanges } = usePage.getState();
  forgetHistory();
  usePage.setState({ progress: { what: "Forking the run", fraction: undefined } });
  send({ type: "fork", step: lookBack?.step ?? step, changes: forkChanges, name });
}

/** Gives up what is being computed again. */
export function giveUp(): void {
  send({ type: "cancel" });
  if (usePage.getState().lookBack?.record === undefined) usePage.setState(live);
}

export function resume(runId: string): void {
  forgetHistory();
  usePage.setState({ offer: undefined, progress: { what: "Bringing the run back", fraction: undefined } });
  send({ type: "resume", runId });
}

/** Leaves the offered run among the kept ones. */
export const declineOffer = () => usePage.setState({ offer: undefined });

export function forget(runId: string): void {
  usePage.setState((state) => ({
    keptRuns: state.keptRuns.filter((run) => run.id !== runId),
    offer: state.offer?.id === runId ? undefined : state.offer,
  }));
  send({ type: "forget", runId });
}

export const rename = (runId: string, name: string) => send({ type: "rename", runId, name });

export const exportRun = (runId: string, what: ExportKind) => send({ type: "export", runId, what });

/** Puts the run of a file among the kept ones; what is wrong with the file comes back as an error. */
export const importRun = (text: string) => send({ type: "import", text });

/** Looks back at a step; beyond the newest complete one lies the live view. */
export function lookAt(step: number): void {
  const { step: newest, live: shown, lookBack, run, playing } = usePage.getState();
  if (!run || newest < 1 || lookBack?.step === step) return;
  const at = Math.max(1, step);
  if (at > newest || (at === newest && shown?.step === at && !playing)) {
    backToLive();
    return;
  }
  usePage.setState({ lookBack: { step: at }, viewPhase: undefined });
  send({ type: "record", step: at });
}

export function backToLive(): void {
  const { lookBack } = usePage.getState();
  if (lookBack && lookBack.record === undefined) send({ type: "cancel" });
  usePage.setState(live);
}

export const viewPhase = (phase: Phase | undefined) => usePage.setState({ viewPhase: phase });

export function select(row: number, index: number): void {
  const record = shownRecord(usePage.getState());
  if (record) usePage.setState({ selection: { record, row, index } });
}

/** Asks for answers to one held-out problem, before training and now. */
export function sampleAnswers(problem: number, samples: number): void {
  usePage.setState({ progress: { what: `Drawing ${samples} answers before and now`, fraction: 0 } });
  send({ type: "sample", problem, samples });
}
