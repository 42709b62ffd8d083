import type { Phase } from "../loop/record.ts";
import type { RunSetup } from "../loop/run.ts";
import type { Change } from "../recipes/changes.ts";
import { recipeById } from "../recipes/index.ts";
import { resolveRecipe, withChange } from "../recipes/recipe.ts";
import { expectedKnobs, shownRecord, usePage } from "./state.ts";
import { forgetHistory, remember, travel } from "./undo.ts";
import { send } from "./worker-client.ts";

/** What a person can do. The state changes at once where the answer is certain; the worker has the last word. */

/** Leaving a run with more steps than this behind it is asked about first. */
export const LONG_RUN = 20;

const live = { lookBack: undefined, viewPhase: undefined };

export function play(): void {
  usePage.setState({ playing: true, busy: true, pausing: false, ...live });
  send({ type: "play" });
}

export function pause(): void {
  usePage.setState({ pausing: true });
  send({ type: "pause" });
}

export const togglePlay = () => (usePage.getState().playing ? pause() : play());

export function onePhase(): void {
  usePage.setState({ playing: false, busy: true, pausing: false, ...live });
  send({ type: "phase" });
}

export function steps(count = 1): void {
  usePage.setState({ playing: false, busy: true, pausing: false, ...live });
  send({ type: "step", count });
}

export function reset(): void {
  usePage.setState({ progress: { what: "Back to the beginning", fraction: undefined } });
  send({ type: "reset" });
}

export function start(setup: RunSetup): void {
  const { drafts } = usePage.getState();
  const progress = { what: "Starting a new run", fraction: undefined };
  forgetHistory();
  usePage.setState({ progress, drafts: { ...drafts, recipe: setup.recipe.id, policy: setup.policy } });
  send({ type: "start", setup });
}

/** Turns a knob. */
export const edit = (path: string, value: number | boolean | string) => turn([[path, value]]);

/** Turns several knobs in one gesture, which one undo takes back. */
export function turn(changes: readonly Change[]): void {
  const now = expectedKnobs(usePage.getState());
  if (now && changes.length > 0) remember(now);
  sendEdits(changes);
}

function sendEdits(changes: readonly Change[]): void {
  for (const [path, value] of changes) {
    usePage.setState(({ drafts: { [path]: _, ...others } }) => ({ drafts: { ...others, [path]: value } }));
    send({ type: "edit", path, value });
  }
}

/** Takes the last gesture back, or does it again. */
export function undo(direction: "back" | "forth"): void {
  const now = expectedKnobs(usePage.getState());
  if (now) sendEdits(travel(direction, now));
}

/** The setup with another recipe: the task and its level stay. */
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

/** Looks back at a step; beyond the newest complete one lies the live view. */
export function lookAt(step: number): void {
  const { step: newest, live: shown, lookBack, run } = usePage.getState();
  if (!run || step < 1 || lookBack?.step === step) return;
  if (step > newest || (step === newest && shown?.step === step)) {
    backToLive();
    return;
  }
  usePage.setState({ lookBack: { step }, viewPhase: undefined });
  send({ type: "record", step });
}

export const backToLive = () => usePage.setState(live);

export const viewPhase = (phase: Phase | undefined) => usePage.setState({ viewPhase: phase });

export function select(row: number, index: number): void {
  const record = shownRecord(usePage.getState());
  if (record) usePage.setState({ selection: { record, row, index } });
}
