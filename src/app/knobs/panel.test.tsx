import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { smallSetup } from "../../loop/testing.ts";
import { withChange } from "../../recipes/recipe.ts";
import type { Command } from "../../worker/protocol.ts";
import { Shortcuts } from "../shortcuts.tsx";
import { afterEvent, EMPTY, usePage } from "../state.ts";
import { startOf } from "../testing.ts";
import { forgetHistory } from "../undo.ts";
import { openWorker } from "../worker-client.ts";
import { KnobPanel } from "./panel.tsx";

/** Stands in for the worker's end: keeps what is sent; `answer` says yes to it, as a run at its beginning does. */
let sent: Command[] = [];
let answered = 0;

const receive = (event: Parameters<typeof afterEvent>[1]) => act(() => usePage.setState((state) => afterEvent(state, event), true));

function answer(): void {
  for (const command of sent.slice(answered)) {
    if (command.type !== "edit") continue;
    const { recipe } = usePage.getState().run!;
    const settings = command.path === "seed" ? recipe : withChange(recipe, command.path, command.value);
    receive({ type: "edited", edit: { step: 1, path: command.path, value: command.value }, settings });
  }
  answered = sent.length;
}

beforeEach(() => {
  vi.stubGlobal(
    "Worker",
    class {
      postMessage = (command: Command) => void sent.push(command);
    },
  );
  usePage.setState(EMPTY, true);
  forgetHistory();
  openWorker({ type: "open", policiesUrl: "", engine: "auto" });
  sent = [];
  answered = 0;
  render(
    <>
      <KnobPanel />
      <Shortcuts />
    </>,
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const begin = (changes: Record<string, number | boolean | string> = {}, recipe = "grpo") => receive(startOf(smallSetup(changes, recipe)));
const button = (name: string | RegExp) => screen.getByRole("button", { name });
const field = (name: string) => screen.getByRole("textbox", { name }) as HTMLInputElement;
const enter = (name: string, text: string) => {
  fireEvent.change(field(name), { target: { value: text } });
  fireEvent.keyDown(field(name), { key: "Enter" });
};
const edits = () => sent.map((command) => (command.type === "edit" ? [command.path, command.value] : [command.type]));

it("adds to a list, turns what was added, applies it earlier, and takes it out", () => {
  begin();
  fireEvent.click(button("Add to Advantage shaping"));
  const menu = within(screen.getByRole("region", { name: "What can be added to Advantage shaping" }));
  fireEvent.change(menu.getByRole("searchbox"), { target: { value: "mean 0" } });
  expect(menu.getAllByRole("button")).toHaveLength(1);
  fireEvent.click(menu.getByRole("button", { name: /^Whitening/ }));
  answer();
  expect(screen.queryByRole("region", { name: /What can be added/ })).toBeNull();
  expect(screen.getByText(/All advantages of the batch are moved/)).toBeDefined();
  fireEvent.change(screen.getByRole("combobox", { name: "Over" }), { target: { value: "rollouts" } });
  answer();
  fireEvent.click(button("Add to Advantage shaping"));
  fireEvent.click(button(/^Confidence of the answer/));
  answer();
  fireEvent.click(button("Apply Confidence of the answer earlier"));
  answer();
  expect((screen.getByRole("combobox", { name: "Over" }) as HTMLSelectElement).value).toBe("rollouts");
  fireEvent.click(button("Remove Confidence of the answer"));
  answer();
  expect(edits()).toEqual([
    ["shapers", "whiten"],
    ["shapers.whiten.over", "rollouts"],
    ["shapers", "whiten,confidence"],
    ["shapers", "confidence,whiten"],
    ["shapers", "whiten"],
  ]);
  fireEvent.click(button("Undo Advantage shaping"));
  answer();
  expect(edits().at(-1)).toEqual(["shapers", ""]);
  expect(screen.queryByRole("button", { name: "Undo Advantage shaping" })).toBeNull();
});

it("marks what differs from the recipe, in lists too", () => {
  begin({}, "laser");
  const before = usePage.getState().run!.recipe;
  expect(screen.queryByRole("button", { name: "Undo Further losses" })).toBeNull();
  fireEvent.click(screen.getAllByRole("button", { name: "Remove Self-reward error" })[0]);
  answer();
  fireEvent.click(button("Undo Further losses"));
  answer();
  expect(edits().slice(0, 2)).toEqual([
    ["losses", ""],
    ["losses", "self-reward"],
  ]);
  expect(usePage.getState().run!.recipe).toEqual(before);
});

it("takes a schedule for a number, says where it stands, and refuses what is neither", () => {
  begin();
  enter("Temperature", "1 to 0.5 over 100");
  answer();
  expect(edits()).toEqual([["sampler.temperature", "1 to 0.5 over 100"]]);
  expect(field("Temperature").value).toBe("1 to 0.5 over 100");
  expect(screen.getByText("1 at step 1")).toBeDefined();
  expect(screen.queryByRole("slider", { name: "Temperature slider" })).toBeNull();
  act(() => usePage.setState({ step: 51 }));
  expect(screen.getByText("0.75 at step 51")).toBeDefined();
  for (const [bad, why] of [
    ["from 1 to 2", /must be a number, or a schedule such as “\d.* over 100”, got “from 1 to 2”\. It stays at 1 to 0\.5/],
    ["1 to 900 over 10", /\(to\) must lie between/],
    ["", /must be a number/],
  ] as const) {
    enter("Temperature", bad);
    expect(screen.getByRole("alert").textContent).toMatch(why);
  }
  enter("Temperature", "0,8");
  answer();
  expect(edits().at(-1)).toEqual(["sampler.temperature", 0.8]);
  expect(screen.getByRole("slider", { name: "Temperature slider" })).toBeDefined();
});

it("shows small numbers whole, in as few characters as they take", () => {
  begin({ "objective.clipLow": 0.0003, "objective.clipHigh": 0.00035 });
  expect([field("Clip low").value, field("Clip high").value]).toEqual(["0.0003", "3.5e-4"]);
  enter("Clip high", "4.5e-4");
  answer();
  expect(edits()).toEqual([["objective.clipHigh", 0.00045]]);
  expect(field("Clip high").value).toBe("4.5e-4");
});

it("finds knobs and methods by any of their words", async () => {
  begin();
  const search = (text: string) =>
    fireEvent.change(screen.getByRole("searchbox", { name: "Find a knob or method" }), { target: { value: text } });
  search("dual clip");
  expect(await screen.findByRole("textbox", { name: "Dual clip" })).toBeDefined();
  expect(screen.queryByRole("textbox", { name: "Group size" })).toBeNull();
  search("ReMax");
  fireEvent.click(await screen.findByRole("button", { name: "Use ReMax" }));
  search("moved to mean 0");
  fireEvent.click(await screen.findByRole("button", { name: "Add Whitening" }));
  expect(edits()).toEqual([
    ["advantage", "remax"],
    ["shapers", "whiten"],
  ]);
  search("qwertz");
  expect(screen.getByText("No knob or method is called that.")).toBeDefined();
});

it("hides slots without knobs until all are asked for", () => {
  begin();
  expect(screen.queryByText("Guidance")).toBeNull();
  fireEvent.click(button(/^Show all/));
  expect(screen.getByText("Guidance")).toBeDefined();
});

it("takes gestures back and does them again, each as one", () => {
  begin();
  const press = (shiftKey = false) => fireEvent.keyDown(document.body, { key: "z", ctrlKey: true, shiftKey });
  const steps = usePage.getState().run!.recipe;
  enter("Group size", "6");
  answer();
  fireEvent.click(button("More of Objective"));
  fireEvent.change(screen.getByRole("combobox", { name: "Method" }), { target: { value: "gspo" } });
  answer();
  enter("Clip high", "0.01");
  answer();
  press();
  answer();
  expect(usePage.getState().run!.recipe.slots.objective).toMatchObject({ plugin: "gspo", params: { clipHigh: 4e-4 } });
  press();
  press();
  answer();
  expect(usePage.getState().run!.recipe).toEqual(steps);
  press();
  expect(sent).toHaveLength(answered);
  press(true);
  press(true);
  press(true);
  answer();
  expect(usePage.getState().run!.recipe.slots).toMatchObject({
    sampler: { params: { groupSize: 6 } },
    objective: { plugin: "gspo", params: { clipHigh: 0.01 } },
  });
  // A new turn ends what could be done again.
  fireEvent.click(button("Undo the last turn of a knob"));
  answer();
  enter("Group size", "4");
  answer();
  expect((button("Redo") as HTMLButtonElement).disabled).toBe(true);
});
