import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { decode } from "../../policy/tokenizer.ts";
import type { Event } from "../../worker/protocol.ts";
import { EMPTY, usePage } from "../state.ts";
import { recordedRun, stubWorkers, type WorkerEnd } from "../testing.ts";
import { applyAll, openWorker } from "../worker-client.ts";
import { Beside } from "./beside.tsx";
import { putBeside } from "./branch.ts";
import { tokensOf } from "./groups.ts";
import { endAllRivals, useRivals, WHY_NO_MORE } from "./rivals.ts";
import { useCompare } from "./state.ts";
import { useTogether } from "./together.ts";

const rates = [0.001, 0.003, 0.01, 0.03];
const runs = await Promise.all(rates.map((rate) => recordedRun({ "optimizer.learningRate": rate }, 2)));
const recordAt = (run: number, step: number) => runs[run].records.findLast((record) => record.step === step)!;

let ends: WorkerEnd[] = [];

beforeEach(() => {
  endAllRivals();
  useCompare.setState(useCompare.getInitialState(), true);
  usePage.setState(EMPTY, true);
  useTogether.setState({ mode: "apart" });
  ends = stubWorkers();
  openWorker({ type: "open", policiesUrl: "", engine: "auto" });
  render(<Beside />);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** Of the run on screen (0), or of those beside it. */
const say = (run: number, events: readonly Event[]) =>
  act(() => {
    if (run === 0) usePage.setState((state) => applyAll(state, events), true);
    else for (const data of events) ends[run].onmessage!({ data });
  });

/** What a run's worker says up to a step. */
const eventsOf = (run: number, step: number) => {
  const { events } = runs[run];
  const end = events.findIndex((event) => event.type === "step" && event.step === step);
  return [...events.slice(0, end + 1).map((event) => (event.type === "started" ? { ...event, runId: `run-${run}` } : event))];
};

const putRun = (run: number, step: number) => {
  act(() => putBeside(`run-${run}`));
  say(run, eventsOf(run, step));
};

const heads = () => screen.getAllByRole("columnheader").map((head) => head.textContent!.trim());
const names = () =>
  within(screen.getByRole("list", { name: "Runs side by side" }))
    .getAllByRole("listitem")
    .map((item) => item.textContent);

it("offers to branch off before there is another run, and goes on offering it until there is no more room", () => {
  say(0, eventsOf(0, 1));
  expect(screen.getByRole("heading", { name: "A/B from here" })).toBeDefined();
  putRun(1, 1);
  expect(screen.queryByRole("heading", { name: "A/B from here" })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Add a run" }));
  expect(screen.getByRole("heading", { name: "A/B from here" })).toBeDefined();
  putRun(2, 1);
  expect(screen.queryByText(WHY_NO_MORE)).toBeNull();
  putRun(3, 1);
  expect(screen.getByText(WHY_NO_MORE)).toBeDefined();
  expect(screen.queryByRole("button", { name: "Add a run" })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "End: Learning rate 0.01" }));
  expect(screen.getByRole("button", { name: "Add a run" })).toBeDefined();
});

it("says both of two and all of more, names each by what differs, and ends each by itself", () => {
  say(0, eventsOf(0, 1));
  act(() => putBeside("run-1"));
  expect((screen.getByRole("button", { name: "Train both" }) as HTMLButtonElement).disabled).toBe(true);
  say(1, eventsOf(1, 1));
  expect((screen.getByRole("button", { name: "Train both" }) as HTMLButtonElement).disabled).toBe(false);
  expect(names()).toEqual(["on screen step 1", "Learning rate 0.003 step 1End"]);
  putRun(2, 2);
  expect(screen.getByRole("button", { name: "Step all" })).toBeDefined();
  expect(names()[2]).toBe("Learning rate 0.01 step 2End");
  say(1, [{ type: "error", message: "The memory is full.", fatal: false }]);
  expect(names()[1]).toBe("Learning rate 0.003 step 1EndIt stopped: The memory is full.");
  const end = screen.getByRole("button", { name: "End: Learning rate 0.003" });
  end.focus();
  fireEvent.click(end);
  expect(document.activeElement).toBe(screen.getByRole("list", { name: "Runs side by side" }));
  expect(names()).toEqual(["on screen step 1", "Learning rate 0.01 step 2End"]);
  expect(screen.getByRole("button", { name: "Train both" })).toBeDefined();
});

it("puts the same group of four runs in a column each, pale as far as an answer is the one on screen", () => {
  say(0, eventsOf(0, 2));
  for (const run of [1, 2, 3]) putRun(run, 2);
  expect(heads()).toEqual([
    expect.stringMatching(/^on screen \d of 4 right$/),
    expect.stringMatching(/^Learning rate 0\.003 \d of 4 right$/),
    expect.stringMatching(/^Learning rate 0\.01 \d of 4 right$/),
    expect.stringMatching(/^Learning rate 0\.03 \d of 4 right$/),
  ]);
  const rows = screen.getAllByRole("row").slice(1);
  expect(rows).toHaveLength(4);
  rows.forEach((row, r) => {
    const cells = within(row).getAllByRole("cell");
    expect(cells).toHaveLength(4);
    const first = tokensOf(recordAt(0, 2), recordAt(0, 2).groups[0].members[r]);
    cells.forEach((cell, run) => {
      const record = recordAt(run, 2);
      const at = record.groups[0].members[r];
      const tokens = tokensOf(record, at);
      const { verdict } = record.rollouts[at];
      expect(cell.textContent).toContain(verdict!.score === 1 ? "✓ right" : `✗ ${verdict!.reason}`);
      if (run === 0) return;
      const pale = cell.querySelectorAll(".shared").length;
      expect(decode(tokens.slice(0, pale))).toBe(decode(first.slice(0, pale)));
      if (pale < Math.min(tokens.length, first.length)) expect(tokens[pale]).not.toBe(first[pale]);
    });
  });
  // What does not fit is reached by keyboard.
  expect(screen.getByRole("region", { name: "The same group of answers in each run" }).tabIndex).toBe(0);
  fireEvent.click(screen.getByRole("button", { name: "Next group" }));
  expect(screen.getByText(/^Step 2, group 2 of 3/)).toBeDefined();
});

it("keeps what all have judged while they train, and says which run has nothing to show once they stand", () => {
  say(0, eventsOf(0, 1));
  for (const run of [1, 2]) putRun(run, 1);
  act(() => useTogether.setState({ mode: "together" }));
  const step = (run: number) => eventsOf(run, 2).slice(eventsOf(run, 1).length);
  say(0, step(0));
  say(1, step(1));
  expect(screen.getByText(/^Step 1, group 1/)).toBeDefined();
  say(2, step(2).slice(0, 3));
  expect(screen.getByText(/^Step 1, group 1/)).toBeDefined();
  act(() => useTogether.setState({ mode: "apart" }));
  expect(screen.getByText(/^Step 2, group 1/)).toBeDefined();
  expect(heads()[2]).toBe("Learning rate 0.01 not at step 2 yet");
  say(2, step(2).slice(3));
  expect(heads()[2]).toMatch(/^Learning rate 0\.01 \d of 4 right$/);

  // Looking back asks each for its answers then.
  act(() => usePage.setState({ lookBack: { step: 1, record: recordAt(0, 1) } }));
  for (const run of [1, 2]) expect(ends[run].sent.at(-1)).toEqual({ type: "record", step: 1 });
  expect(screen.getByText(/^Fetching step 1/)).toBeDefined();
  say(1, [{ type: "record", step: 1, record: recordAt(1, 1) }]);
  expect(heads()[2]).toBe("Learning rate 0.01 fetching…");
  say(2, [{ type: "record", step: 1, record: null, problem: "gone" }]);
  expect(heads()[2]).toBe("Learning rate 0.01 no longer keeps this step");
  expect(useRivals.getState().rivals).toHaveLength(2);
});
