import { beforeEach, expect, it } from "vitest";
import type { Metrics } from "../../loop/record.ts";
import { smallSetup } from "../../loop/testing.ts";
import type { Event } from "../../worker/protocol.ts";
import { play } from "../actions.ts";
import { EMPTY, usePage } from "../state.ts";
import { stubWorkers, type WorkerEnd } from "../testing.ts";
import { applyAll, openWorker } from "../worker-client.ts";
import { branch, putBeside } from "./branch.ts";
import { endAllRivals, endRival, MOST_LIVE, useRivals, WHY_NO_MORE } from "./rivals.ts";
import { MOST_PINS, togglePin, useCompare } from "./state.ts";
import { pauseAll, stepAll, trainAll, useTogether } from "./together.ts";

let ends: WorkerEnd[] = [];

const setup = smallSetup();
const rates = [0.001, 0.002, 0.003, 0.004];

beforeEach(() => {
  endAllRivals();
  useCompare.setState(useCompare.getInitialState(), true);
  usePage.setState(EMPTY, true);
  useTogether.setState({ mode: "apart" });
  ends = stubWorkers();
  openWorker({ type: "open", policiesUrl: "", engine: "auto" });
  ends[0].sent = [];
});

/** Of the run on screen (0), or of those beside it in the order in which they came. */
function say(run: number, ...events: Event[]): void {
  if (run === 0) usePage.setState((state) => applyAll(state, events), true);
  else for (const data of events) ends[run].onmessage!({ data });
}

const idle: Event = { type: "state", playing: false, busy: false };

function start(run: number, step: number): void {
  const edits = run === 0 ? [] : [{ step: 1, path: "optimizer.learningRate", value: rates[run] }];
  say(run, { type: "started", runId: `run-${run}`, setup, edits, step, history: [], records: [] }, idle);
}

/** It has come through its steps up to this one, and stands still. */
const finish = (run: number, step: number) => say(run, { type: "step", step, metrics: { step, seconds: 1 } as Metrics }, idle);

/** What a run was told since this was asked last: numbers of steps, and whatever else. */
function told(run: number): (number | string)[] {
  const commands = ends[run].sent.splice(0).filter(({ type }) => type !== "open");
  return commands.map((command) => (command.type === "step" ? (command.count ?? 1) : command.type));
}
const allTold = () => ends.map((_, run) => told(run));

/** The run on screen with others beside it, each after so many steps. */
function runs(...steps: number[]): void {
  start(0, steps[0]);
  for (let run = 1; run < steps.length; run++) {
    putBeside(`run-${run}`);
    start(run, steps[run]);
  }
  allTold();
}

const page = (run: number) => (run === 0 ? usePage.getState() : useRivals.getState().rivals[run - 1].page);
const toasts = () => usePage.getState().toasts.map(({ text }) => text);
const mode = () => useTogether.getState().mode;

it("has all take one step at a time, whoever is quicker, and stand still at the same one when paused", () => {
  runs(2, 2, 2);
  trainAll();
  expect(allTold()).toEqual([[1], [1], [1]]);
  finish(1, 3);
  finish(0, 3);
  expect(allTold()).toEqual([[], [], []]);
  finish(2, 3);
  expect(allTold()).toEqual([[1], [1], [1]]);

  finish(0, 4);
  pauseAll();
  expect(mode()).toBe("ending");
  finish(2, 4);
  expect(allTold()).toEqual([[], [], []]);
  finish(1, 4);
  expect(allTold()).toEqual([["pause"], ["pause"], ["pause"]]);
  expect(mode()).toBe("apart");
  expect([0, 1, 2].map((run) => page(run).step)).toEqual([4, 4, 4]);
});

it("lets whoever is behind catch up first, and stops at once if that is given up", () => {
  runs(2, 9, 5);
  stepAll();
  expect(allTold()).toEqual([[7], [], [4]]);
  finish(2, 9);
  finish(0, 9);
  expect(allTold()).toEqual([[], [], []]);
  stepAll();
  expect(allTold()).toEqual([[1], [1], [1]]);
  for (const run of [0, 1, 2]) finish(run, 10);

  putBeside("run-3");
  start(3, 1);
  trainAll();
  expect(allTold()).toEqual([[], [], [], ["resume", 9]]);
  pauseAll();
  expect(mode()).toBe("apart");
  expect(allTold()).toEqual([["pause"], ["pause"], ["pause"], ["pause"]]);
});

it("goes on without a run that fails or is ended, and has the failed one try again when it is told to", () => {
  runs(2, 2, 2, 2);
  trainAll();
  allTold();
  say(1, { type: "error", message: "The memory is full.", fatal: false }, idle);
  for (const run of [0, 2, 3]) finish(run, 3);
  expect(allTold()).toEqual([[1], [], [1], [1]]);
  expect(toasts()).toEqual([expect.stringMatching(/^The run beside \(Learning rate .*\) stopped: The memory is full\.$/)]);
  expect(mode()).toBe("together");

  endRival(useRivals.getState().rivals[2].id);
  expect(ends[3].terminated).toBe(true);
  expect(useCompare.getState().pins.map(({ id }) => id)).toEqual(["run-1", "run-2"]);
  finish(0, 4);
  finish(2, 4);
  expect([told(0), told(1), told(2)]).toEqual([[1], [], [1]]);

  pauseAll();
  finish(2, 5);
  finish(0, 5);
  expect(mode()).toBe("apart");
  allTold();
  trainAll();
  expect([told(0), told(1), told(2)]).toEqual([[], [3], []]);
  // It fails again, and with the last of the others gone there is nobody left to train with.
  say(1, { type: "error", message: "The memory is full.", fatal: true });
  expect(ends[1].terminated).toBe(true);
  expect([told(0), told(2)]).toEqual([[1], [1]]);
  endRival(useRivals.getState().rivals[0].id);
  expect(mode()).toBe("apart");
  expect(useCompare.getState().pins).toEqual([]);
});

it("falls apart when the run on screen is played or paused by itself, fails, or gives way to another", () => {
  runs(2, 2);
  trainAll();
  play();
  expect(mode()).toBe("apart");
  say(0, idle);
  trainAll();
  usePage.setState({ pausing: true });
  expect(mode()).toBe("apart");
  say(0, idle);
  trainAll();
  expect(mode()).toBe("together");
  say(0, { type: "error", message: "Group size must lie between 1 and 256.", fatal: false }, idle);
  expect(mode()).toBe("apart");
  trainAll();
  start(0, 0);
  expect(mode()).toBe("together");
  say(0, { type: "started", runId: "another", setup, edits: [], step: 0, history: [], records: [] });
  expect(mode()).toBe("apart");
});

it("takes a run from beside once it comes on screen, and puts none there twice", () => {
  runs(2, 5);
  putBeside("run-1");
  expect(ends).toHaveLength(2);
  say(0, { type: "started", runId: "run-1", setup, edits: [], step: 5, history: [], records: [] });
  expect(ends[1].terminated).toBe(true);
  expect(useRivals.getState().rivals).toEqual([]);
});

it("has room for so many runs, and says why for no more", () => {
  runs(...Array(MOST_LIVE).fill(1));
  putBeside("one-more");
  expect(useRivals.getState().rivals).toHaveLength(MOST_LIVE - 1);
  expect(ends).toHaveLength(MOST_LIVE);
  expect(toasts()).toEqual([WHY_NO_MORE]);
});

it("draws each live run in a look that stays its own, in the place of what was pinned by hand", () => {
  start(0, 1);
  for (let i = 0; i < MOST_PINS; i++) togglePin({ id: `kept-${i}`, setup, edits: [], history: [] });
  const looks = () => Object.fromEntries(useCompare.getState().pins.map(({ id, look }) => [id, look]));
  const before = looks();
  expect(new Set(Object.values(before)).size).toBe(MOST_PINS);
  putBeside("run-1");
  start(1, 1);
  putBeside("run-2");
  start(2, 1);
  expect(looks()).toEqual({
    "kept-2": before["kept-2"],
    "kept-3": before["kept-3"],
    "run-1": before["kept-0"],
    "run-2": before["kept-1"],
  });
  finish(2, 2);
  expect(useCompare.getState().pins.find(({ id }) => id === "run-2")!.history).toHaveLength(1);
  endRival(useRivals.getState().rivals[0].id);
  expect(looks()["run-2"]).toBe(before["kept-1"]);

  // Taken away by hand, a run stays away though it goes on.
  togglePin({ id: "run-2", setup, edits: [], history: [] });
  finish(2, 3);
  expect(looks()["run-2"]).toBeUndefined();
});

it("branches off at the beginning with the knobs that differ, once the run on screen stands still", async () => {
  start(0, 0);
  usePage.setState({ busy: true });
  const ready = branch([["optimizer.learningRate", 0.003]]);
  expect(told(0)).toEqual(["pause"]);
  expect(ends).toHaveLength(1);
  say(0, idle);
  await ready;
  expect(ends[1].sent.slice(1)).toEqual([
    { type: "start", setup },
    { type: "edit", path: "optimizer.learningRate", value: 0.003 },
  ]);
  // Ended while it is on its way, it never comes.
  usePage.setState({ busy: true });
  const second = branch([]);
  endRival(useRivals.getState().rivals[1].id);
  say(0, idle);
  await second;
  expect(ends).toHaveLength(2);
  expect(useRivals.getState().rivals).toHaveLength(1);
});

it("brings runs that train in step to rest at the same one before another branches off", async () => {
  runs(2, 2);
  trainAll();
  allTold();
  finish(1, 3);
  const ready = branch([]);
  expect(mode()).toBe("ending");
  expect(allTold()).toEqual([[], []]);
  finish(0, 3);
  expect(mode()).toBe("apart");
  expect(allTold()).toEqual([["pause"], ["pause"]]);
  endRival(useRivals.getState().rivals[1].id);
  await ready;
  expect(page(1).step).toBe(3);
  expect(ends).toHaveLength(2);
});
