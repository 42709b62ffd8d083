import { create } from "zustand";
import { type PageState, usePage } from "../state.ts";
import { send as sendMain } from "../worker-client.ts";
import { type Runner, spreadOf, standEven, stepsNow } from "./lockstep.ts";
import { change, type Rival, sendTo, useRivals } from "./rivals.ts";

/** The run on screen and those beside it train in step. The one on screen leads: whoever plays or pauses it by itself takes all out of step. */

/** All train, step by step, until told to pause; `ending` while they finish the step that they are in. */
export const useTogether = create<{ readonly mode: "apart" | "together" | "ending" }>()(() => ({ mode: "apart" }));

export const runnerOf = ({ run, step, busy }: PageState, problem?: string): Runner => ({ step, busy, fit: run !== undefined && !problem });

/** The one on screen first. */
const runners = (): Runner[] => [
  runnerOf(usePage.getState()),
  ...useRivals.getState().rivals.map(({ page, problem }) => runnerOf(page, problem)),
];

export function trainAll(): void {
  forgive();
  useTogether.setState({ mode: "together" });
  takeTurns();
}

/** All finish the step that they are in, so that they stand at the same one; asked again, or while some catch up, they stop at once. */
export function pauseAll(): void {
  if (useTogether.getState().mode === "ending" || spreadOf(runners()) > 1) standStill();
  else useTogether.setState({ mode: "ending" });
  takeTurns();
}

/** One step for each; if they do not stand at the same one, those behind catch up. */
export function stepAll(): void {
  forgive();
  tell(stepsNow(runners(), true));
}

/** Who stopped may try again. */
function forgive(): void {
  useRivals.setState(({ rivals }) => ({ rivals: rivals.map(({ problem: _, ...rival }): Rival => rival) }));
}

/** A paused run is also kept. */
function standStill(): void {
  useTogether.setState({ mode: "apart" });
  usePage.setState(({ busy }) => ({ pausing: busy }));
  sendMain({ type: "pause" });
  for (const { id, page } of useRivals.getState().rivals) if (page.run) sendTo(id, { type: "pause" });
}

/** Telling one changes what the stores say before the others are told: they are not to be asked anew in between. */
let telling = false;

function tell([main, ...others]: readonly number[]): void {
  telling = true;
  const { rivals } = useRivals.getState();
  if (main > 0) {
    usePage.setState({ busy: true, playing: false, lookBack: undefined, viewPhase: undefined });
    sendMain({ type: "step", count: main });
  }
  for (const [i, { id }] of rivals.entries()) {
    if (others[i] === 0) continue;
    change(id, (rival) => ({ ...rival, page: { ...rival.page, busy: true, lookBack: undefined } }));
    sendTo(id, { type: "step", count: others[i] });
  }
  telling = false;
}

function takeTurns(): void {
  const { mode } = useTogether.getState();
  if (telling || mode === "apart") return;
  const main = usePage.getState();
  const all = runners();
  if (main.playing || main.pausing || !all.some(({ fit }, i) => i > 0 && fit)) useTogether.setState({ mode: "apart" });
  else if (mode === "ending" && standEven(all)) standStill();
  else tell(stepsNow(all, mode === "together"));
}

usePage.subscribe(({ run, failures }, before) => {
  // A step that failed would fail again, and another run has its own time.
  if (failures > before.failures || run?.id !== before.run?.id) useTogether.setState({ mode: "apart" });
  takeTurns();
});
useRivals.subscribe(takeTurns);
