import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Command, Event } from "../../worker/protocol.ts";
import { readLink } from "../link.ts";
import { EMPTY, usePage } from "../state.ts";
import { recordedRun, stubWorker } from "../testing.ts";
import { applyAll } from "../worker-client.ts";
import { arrive, Replay } from "./replay.tsx";

const run = await recordedRun({}, 2);
const [started, ...events] = run.events;
const upTo = (phase: string) => events.slice(0, events.findIndex((event) => event.type === "phase" && event.phase === phase) + 1);
const firstAnswers = upTo("verdicts");
const busy: Event = { type: "state", playing: false, busy: true };
const rest: Event = { type: "state", playing: false, busy: false };

let sent: Command[] = [];
beforeEach(() => {
  sent = stubWorker();
  usePage.setState(EMPTY, true);
  render(<Replay />);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** One event a frame, as where the page is quick and the worker slow. */
const tell = (all: readonly Event[]) => {
  for (const event of all) act(() => usePage.setState((state) => applyAll(state, [event]), true));
};
const { place } = readLink("?step=2&phase=rewards", ["nano"]);
const told = () => screen.queryByRole("status")?.textContent;

it("runs a link's steps once the first answers are shown, tells how far it is, and looks at the link's phase", () => {
  act(() => arrive(place));
  tell([started, busy, ...firstAnswers]);
  expect(sent).toEqual([]);
  tell([rest]);
  expect(sent).toEqual([{ type: "step", count: 2 }]);
  expect(told()).toContain("step 0 of 2");
  tell([busy, ...events.slice(firstAnswers.length)]);
  expect(told()).toContain("step 2 of 2");
  tell([rest]);
  expect(told()).toBeUndefined();
  expect(usePage.getState().viewPhase).toBe("rewards");
});

it("comes to the same where all events arrive at once", () => {
  act(() => arrive(place));
  act(() => usePage.setState((state) => applyAll(state, [started, busy, ...firstAnswers, rest]), true));
  act(() => usePage.setState((state) => applyAll(state, [busy, ...events.slice(firstAnswers.length), rest]), true));
  expect(told()).toBeUndefined();
  expect(usePage.getState().viewPhase).toBe("rewards");
});

it("ends where somebody stops it on the way, and leaves the phase alone", () => {
  act(() => arrive(place));
  tell([started, busy, ...firstAnswers, rest, busy, ...upTo("advantages").slice(firstAnswers.length)]);
  act(() => screen.getByRole("button", { name: "Stop here" }).click());
  expect(sent.at(-1)).toEqual({ type: "pause" });
  tell([rest]);
  expect(told()).toBeUndefined();
  expect(usePage.getState().viewPhase).toBeUndefined();
});
