import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CONVENTIONS } from "../../algorithm/conventions.ts";
import { withAllChanges } from "../../recipes/changes.ts";
import { settingsOf } from "../../recipes/recipe.ts";
import type { Command } from "../../worker/protocol.ts";
import { undo } from "../actions.ts";
import { afterEvent, EMPTY, usePage } from "../state.ts";
import { recordedRun, stubWorker } from "../testing.ts";
import { forgetHistory } from "../undo.ts";
import { Conventions, compareGroup } from "./conventions.tsx";

const run = await recordedRun({ "sampler.groupSize": 6 });
const withSignal = run.last.groups.findIndex((group) => group.statistics!.signal);

let sent: Command[] = [];
beforeEach(() => {
  sent = stubWorker();
  forgetHistory();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const show = (events: typeof run.events) => {
  usePage.setState(events.reduce(afterEvent, EMPTY), true);
  render(<Conventions />);
};
const rowOf = (name: string) => screen.getByRole("rowheader", { name: new RegExp(`^${name}`) }).closest("tr")!;

it("compares the run's own advantages with each framework's on the same rewards", () => {
  show(run.events);
  const { own, conventions, rewards } = compareGroup(run.last, withSignal)!;
  expect(new Set(rewards).size).toBeGreaterThan(1);
  expect(conventions.map((c) => c.id)).toEqual(CONVENTIONS.map((c) => c.id));
  // ROLL's default is GRPO as it is frozen here.
  const roll = conventions.find((c) => c.id === "roll")!;
  own!.forEach((a, i) => {
    expect(a).toBeCloseTo(roll.advantage[i], 5);
  });
  const cells = (name: string) => [...rowOf(name).querySelectorAll("td:not(.words)")].map((td) => td.textContent);
  expect(cells("This run")).toHaveLength(6);
  expect(cells("This run")).toEqual(cells("ROLL"));
  expect(cells("prime-rl")).not.toEqual(cells("ROLL"));
  for (const { name, differs } of CONVENTIONS) expect(rowOf(name).textContent).toContain(differs);
});

it("goes from group to group", () => {
  show(run.events);
  const text = () => screen.getByText(/^Group \d of 3/).textContent;
  while (!(screen.getByRole("button", { name: "Next group" }) as HTMLButtonElement).disabled)
    fireEvent.click(screen.getByRole("button", { name: "Next group" }));
  expect(text()).toContain("Group 3 of 3");
  fireEvent.click(screen.getByRole("button", { name: "Group before" }));
  expect(text()).toContain("Group 2 of 3");
});

it("turns all of a convention's switches at once, and one undo takes them back", () => {
  show(run.events);
  const before = usePage.getState().run!.recipe;
  fireEvent.click(within(rowOf("NeMo-RL")).getByRole("button"));
  const nemo = CONVENTIONS.find((c) => c.id === "nemo-rl")!;
  const wanted = withAllChanges(before, nemo.settings);
  const edits = sent.map((c) => (c.type === "edit" ? ([c.path, c.value] as const) : ([c.type, ""] as const)));
  expect(settingsOf(withAllChanges(before, edits))).toEqual(settingsOf(wanted));
  expect(within(rowOf("NeMo-RL")).getByText("in force")).toBeDefined();
  sent.length = 0;
  act(() => undo("back"));
  const back = sent.map((c) => (c.type === "edit" ? ([c.path, c.value] as const) : ([c.type, ""] as const)));
  expect(settingsOf(withAllChanges(wanted, back))).toEqual(settingsOf(before));
});

it("waits for the rewards", () => {
  show(run.events.slice(0, run.events.findIndex((e) => e.type === "phase" && e.phase === "verdicts") + 1));
  expect(screen.getByText(/not known yet/)).toBeDefined();
  expect(screen.queryByRole("table")).toBeNull();
});
