import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Command } from "../worker/protocol.ts";
import { App } from "./app.tsx";
import { useStage } from "./stage/views/store.ts";
import { afterEvent, EMPTY, usePage } from "./state.ts";
import { recordedRun, stubWorkers, type WorkerEnd } from "./testing.ts";
import { applyAll, openWorker, receive } from "./worker-client.ts";
import { useLayout } from "./workshop/layout.ts";

const run = await recordedRun({ "sampler.promptsPerStep": 8, "sampler.groupSize": 8 }, 2);

/** The worker's end, and what the page sends to it. */
let sent: Command[] = [];
let end: WorkerEnd;

beforeEach(() => {
  const ends = stubWorkers();
  usePage.setState(EMPTY, true);
  useStage.setState(useStage.getInitialState(), true);
  openWorker({ type: "open", policiesUrl: "", engine: "auto" });
  [end] = ends;
  sent = end.sent = [];
  render(<App />);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const show = (events: typeof run.events) => act(() => usePage.setState((state) => applyAll(state, events), true));
const button = (name: string | RegExp) => screen.getByRole("button", { name });
const key = (k: string) => fireEvent.keyDown(document.body, { key: k });

it("says what it waits for until there is something to show", () => {
  expect(screen.getByText("Starting…")).toBeDefined();
  expect((button(/Play/) as HTMLButtonElement).disabled).toBe(true);
  show([{ type: "progress", what: "Loading the policy tiny", fraction: 0.4 }]);
  expect((screen.getByRole("progressbar") as HTMLProgressElement).value).toBe(0.4);
  expect(screen.getByText("Loading the policy tiny…")).toBeDefined();
});

it("shows prompts, answers, verdicts, rewards and advantages as their phases come", () => {
  const upTo = (phase: string) => run.events.slice(0, run.events.findIndex((e) => e.type === "phase" && e.phase === phase) + 1);
  show(upTo("prompts"));
  expect(screen.queryAllByRole("row", { name: /^answer/ })).toHaveLength(0);
  expect(screen.getByText(run.last.groups.length ? run.records[0].groups[0].problem.prompt : "")).toBeDefined();
  fireEvent.click(screen.getByRole("tab", { name: "Rollouts" }));
  show(upTo("rollouts"));
  expect(screen.getAllByRole("row", { name: /^answer/ })[0].getAttribute("aria-label")).toBe(`answer ${run.records[1].rollouts[0].text}`);
  show(upTo("advantages"));
  const { reward, advantage, verdict } = run.records[4].rollouts[0];
  const label = screen.getAllByRole("row", { name: /^answer/ })[0].getAttribute("aria-label")!;
  expect(label).toContain(verdict!.score === 1 ? "right" : `wrong: ${verdict!.reason}`);
  expect(label).toContain(`reward ${reward!.toFixed(2)}`);
  expect(label).toContain(`advantage ${advantage! < 0 ? "−" : advantage! > 0 ? "+" : ""}${Math.abs(advantage!).toFixed(2)}`);
  const groups = run.records[4].groups.slice(0, 2);
  expect(screen.queryAllByText("no signal").length > 0).toBe(groups.some((g) => !g.statistics!.signal));
});

it("makes no more rows than can be seen, whatever the view", () => {
  show(run.events);
  expect(run.last.rollouts).toHaveLength(64);
  for (const name of ["Rollouts", "Rewards", "Advantages", "Weights", "Update"]) {
    fireEvent.click(screen.getByRole("tab", { name }));
    const rows = screen.getAllByRole("row").length;
    expect(rows).toBeGreaterThan(3);
    expect(rows).toBeLessThan(60);
  }
});

it("explains a token that is clicked, or reached by the keyboard", () => {
  show(run.events);
  fireEvent.click(screen.getByRole("tab", { name: "Rollouts" }));
  const inspector = within(screen.getByRole("region", { name: "Token inspector" }));
  const formula = /−A · ρ · w|0, because the clip holds/;
  expect(inspector.getByText(/Click a token/)).toBeDefined();
  const row = run.last.rollouts.findIndex((r) => r.advantage! > 0);
  fireEvent.click(document.getElementById(`token-${row}-1`)!);
  expect(inspector.getByText(/token 2 of/)).toBeDefined();
  expect(inspector.getByText(formula)).toBeDefined();
  expect(inspector.getByText("Alternatives")).toBeDefined();
  const grid = screen.getByRole("grid");
  fireEvent.keyDown(grid, { key: "ArrowRight" });
  expect(inspector.getByText(/token 3 of/)).toBeDefined();
  expect(grid.getAttribute("aria-activedescendant")).toBe(`token-${row}-2`);
  fireEvent.keyDown(grid, { key: "ArrowDown" });
  expect(usePage.getState().selection).toMatchObject({ row: row + 1 });
  fireEvent.keyDown(grid, { key: "." });
  expect(sent).toEqual([{ type: "phase" }]);
  // Going back to an earlier phase hides what was not known then.
  fireEvent.click(button("verdicts"));
  expect(inspector.queryByText(formula)).toBeNull();
  expect(inspector.getByText(/in the phases to come/)).toBeDefined();
});

it("shows a token on which the pointer rests, until one is clicked; a second click lets it go", () => {
  show(run.events);
  fireEvent.click(screen.getByRole("tab", { name: "Rollouts" }));
  vi.useFakeTimers();
  const rest = (index: number) => {
    fireEvent.pointerOver(document.getElementById(`token-0-${index}`)!, { pointerType: "mouse" });
    act(() => vi.advanceTimersByTime(400));
    return usePage.getState().selection?.index;
  };
  expect(rest(1)).toBe(1);
  expect(rest(2)).toBe(2);
  fireEvent.click(document.getElementById("token-0-0")!);
  expect(rest(2)).toBe(0);
  fireEvent.click(document.getElementById("token-0-0")!);
  expect(rest(2)).toBe(2);
  vi.useRealTimers();
});

it("has a view for every phase, which follows it; a chosen view stays until the phase rail is used", () => {
  const selected = () => screen.getByRole("tab", { selected: true }).textContent;
  const seen = run.events.flatMap((event) => {
    if (event.type === "started") show([event]);
    if (event.type !== "phase" || event.record.step !== 1) return [];
    show([event]);
    return [`${event.phase} ${selected()}`];
  });
  expect([...new Set(seen)]).toEqual([
    "prompts Prompts",
    "rollouts Rollouts",
    "verdicts Rewards",
    "rewards Rewards",
    "advantages Advantages",
    "update Update",
    "evaluation Evaluation",
  ]);
  fireEvent.click(screen.getByRole("tab", { name: "Objective" }));
  fireEvent.keyDown(screen.getByRole("tab", { name: "Objective" }), { key: "ArrowRight" });
  expect(selected()).toBe("Update");
  show(run.events.slice(run.events.findIndex((e) => e.type === "step") + 1));
  expect(selected()).toBe("Update");
  fireEvent.click(button("advantages"));
  expect(selected()).toBe("Advantages");
  // The same again brings it back, and so does the phase at which the run stands.
  fireEvent.click(screen.getByRole("tab", { name: "Objective" }));
  fireEvent.click(button("advantages"));
  expect(selected()).toBe("Advantages");
  fireEvent.click(button("evaluation"));
  fireEvent.click(screen.getByRole("tab", { name: "Objective" }));
  fireEvent.click(button("evaluation"));
  expect(selected()).toBe("Evaluation");
  fireEvent.click(button("advantages"));
  fireEvent.click(screen.getByRole("tab", { name: "Objective" }));
  expect(screen.getByText(/Here from “update” on/)).toBeDefined();
});

it("draws answers to a held-out problem on demand, and shows both sides", () => {
  show(run.events);
  fireEvent.click(screen.getByRole("tab", { name: "Evaluation" }));
  fireEvent.click(button("Next problem"));
  fireEvent.click(button("Draw 64 answers"));
  expect(sent).toEqual([{ type: "sample", problem: 1, samples: 64 }]);
  expect((button("Draw 64 answers") as HTMLButtonElement).disabled).toBe(true);
  const { problem } = run.last.groups[0];
  const answer = (text: string, count: number, right: boolean) => ({ text, count, right, reason: right ? "right" : "wrong" });
  const answers = {
    problem,
    at: 1,
    samples: 64,
    before: [answer("zz", 64, false)],
    after: [answer(problem.truth, 48, true), answer("zz", 16, false)],
  };
  show([{ type: "sampled", step: 2, updating: false, answers }]);
  const rows = within(screen.getByRole("region", { name: "Answers to one problem" }))
    .getAllByRole("row")
    .map((row) => row.textContent);
  expect(rows.slice(1)).toEqual(["✗ zz100%25%", `✓ ${problem.truth}0%75%`]);
  expect(screen.getByText("after step 2")).toBeDefined();
});

it("sends the transport's commands, by button and by key", () => {
  show(run.events);
  fireEvent.click(button(/Play/));
  expect(button(/Pause/)).toBeDefined();
  fireEvent.click(button(/Pause/));
  expect(button("Pausing…")).toBeDefined();
  show([{ type: "state", playing: false, busy: false }]);
  for (const name of ["Phase", "Step", "Ten steps", "Reset"]) fireEvent.click(button(name));
  for (const k of [" ", ".", "ArrowRight", "r"]) key(k);
  expect(sent.map((c) => (c.type === "step" ? `step ${c.count}` : c.type))).toEqual([
    "play",
    "pause",
    "phase",
    "step 1",
    "step 10",
    "reset",
    "play",
    "phase",
    "step 1",
    "reset",
  ]);
});

it("does nothing by key that belongs to a part which a link hides", () => {
  show(run.events);
  act(() => useLayout.setState({ hidden: ["timeline", "knobs"] }));
  for (const k of ["ArrowLeft", "Home", "End", "f"]) key(k);
  fireEvent.keyDown(document.body, { key: "z", ctrlKey: true });
  expect(sent).toEqual([]);
  expect(usePage.getState().lookBack).toBeUndefined();
  key("?");
  const keys = screen.getByRole("dialog", { name: "Keys", hidden: true });
  expect(within(keys).queryByText(/look back|fork|undo/)).toBeNull();
  expect(within(keys).getByText("one phase")).toBeDefined();
  fireEvent.click(within(keys).getByText("Close"));
  act(() => useLayout.setState({ hidden: [] }));
  key("Home");
  expect(sent).toEqual([{ type: "record", step: 1 }]);
});

it("stops many steps that were asked for at once", () => {
  show(run.events);
  fireEvent.click(button("Ten steps"));
  const stop = button(/^Stop, 10 steps are left/);
  show([{ type: "state", playing: false, busy: true }]);
  fireEvent.click(stop);
  expect(sent.map((c) => c.type)).toEqual(["step", "pause"]);
  show([{ type: "state", playing: false, busy: false }]);
  expect(button("Ten steps")).toBeDefined();
  expect(screen.queryByRole("button", { name: /^Stop/ })).toBeNull();
});

it("gives the inspector room from the first chosen token on, whatever phase comes, until it is closed", () => {
  show(run.events);
  fireEvent.click(screen.getByRole("tab", { name: "Rollouts" }));
  const inspector = screen.getByRole("region", { name: "Token inspector" });
  expect(inspector.className).toContain("closed");
  fireEvent.click(document.getElementById("token-0-0")!);
  expect(screen.getByRole("region", { name: "Token inspector" }).className).not.toContain("closed");
  fireEvent.click(button("prompts"));
  expect(screen.getByRole("region", { name: "Token inspector" }).className).not.toContain("closed");
  fireEvent.click(button("Close the inspector"));
  expect(screen.getByRole("region", { name: "Token inspector" }).className).toContain("closed");
  expect(usePage.getState().selection).toBeUndefined();
});

it("asks before a long run is left", () => {
  show(run.events);
  act(() => usePage.setState({ step: 34 }));
  key("r");
  expect(sent).toEqual([]);
  expect(screen.getByText(/34 steps behind it/)).toBeDefined();
  fireEvent.click(button("Stay with it"));
  expect(sent).toEqual([]);
  key("r");
  fireEvent.click(within(screen.getByRole("dialog", { hidden: true })).getByText("Reset"));
  expect(sent).toEqual([{ type: "reset" }]);
});

it("looks back at a step and comes back", () => {
  show(run.events);
  const [timeline] = screen.getAllByRole("slider", { name: "Look back at a step" });
  fireEvent.change(timeline, { target: { value: "1" } });
  expect(sent).toEqual([{ type: "record", step: 1 }]);
  show([{ type: "record", step: 1, record: run.records.findLast((r) => r.step === 1)! }]);
  expect(screen.getByText(/looking back at step 1/)).toBeDefined();
  key("End");
  expect(screen.queryByText(/looking back/)).toBeNull();
  fireEvent.change(timeline, { target: { value: "1" } });
  show([{ type: "record", step: 1, record: null }]);
  expect(screen.getByText(/Step 1 cannot be shown/)).toBeDefined();
});

it("turns knobs: a number, a choice, one click back; a bad number changes nothing", () => {
  show(run.events);
  const field = screen.getByRole("textbox", { name: "Group size" }) as HTMLInputElement;
  const enter = (text: string) => {
    fireEvent.change(field, { target: { value: text } });
    fireEvent.keyDown(field, { key: "Enter" });
  };
  enter("6");
  fireEvent.change(screen.getByRole("combobox", { name: "Divide by" }), { target: { value: "none" } });
  expect(sent).toEqual([
    { type: "edit", path: "sampler.groupSize", value: 6 },
    { type: "edit", path: "advantage.scale", value: "none" },
  ]);
  expect(field.value).toBe("6");
  show([{ type: "error", message: "refused", fatal: false }]);
  expect(field.value).toBe("8");
  for (const bad of ["0", "abc", "2.5", "1e9", ""]) {
    enter(bad);
    expect(screen.getAllByRole("alert")[0].textContent).toMatch(/^Group size must .*It stays at 8\.$/);
  }
  fireEvent.blur(field);
  expect(screen.queryByText(/It stays at/)).toBeNull();
  expect(field.value).toBe("8");
  expect(sent).toHaveLength(2);

  const { recipe } = usePage.getState().run!;
  const { slots } = recipe;
  const params = { ...slots.sampler.params, temperature: 0.5 };
  const settings = { ...recipe, slots: { ...slots, sampler: { ...slots.sampler, params } } };
  show([{ type: "edited", edit: { step: 3, path: "sampler.temperature", value: 0.5 }, settings }]);
  expect(screen.getByText("From step 3: Temperature 0.5")).toBeDefined();
  fireEvent.click(button("Undo Temperature"));
  expect(sent.at(-1)).toEqual({ type: "edit", path: "sampler.temperature", value: 1 });
});

it("changes task and seed as knobs, and recipe and policy by a new run", () => {
  act(() => usePage.setState({ policies: ["nano", "tiny"].map((id) => ({ id, name: id, parameters: 1 })) }));
  show(run.events);
  fireEvent.change(screen.getByRole("combobox", { name: "Task" }), { target: { value: "sort" } });
  const seed = screen.getByRole("textbox", { name: "Seed" });
  fireEvent.change(seed, { target: { value: "12" } });
  fireEvent.blur(seed);
  fireEvent.change(screen.getByRole("combobox", { name: "Recipe" }), { target: { value: "dapo" } });
  fireEvent.change(screen.getByRole("combobox", { name: "Policy" }), { target: { value: "tiny" } });
  expect(sent.slice(0, 2)).toEqual([
    { type: "edit", path: "task", value: "sort" },
    { type: "edit", path: "seed", value: 12 },
  ]);
  expect(sent[2]).toMatchObject({
    type: "start",
    setup: { policy: "nano", seed: 12, recipe: { id: "dapo", slots: { task: { plugin: "sort" } } } },
  });
  expect(sent[3]).toMatchObject({ type: "start", setup: { policy: "tiny", recipe: { id: "grpo" } } });
});

it("offers the run of an earlier visit until another begins", () => {
  const keptRun = { id: "old", policy: "tiny", task: "countdown", recipe: "GRPO", seed: 7, steps: 34, savedAt: 0, bytes: 1 };
  show([{ type: "ready", engine: { kind: "portable", label: "portable" }, keptRuns: [keptRun] }, run.events[0]]);
  expect(screen.getByText("tiny · Countdown · GRPO · 34 steps")).toBeDefined();
  fireEvent.click(button("Resume"));
  expect(sent).toEqual([{ type: "resume", runId: "old" }]);
  expect(screen.queryByRole("button", { name: "Resume" })).toBeNull();
});

it("says why the GPU is not used, and what stopped the page", () => {
  show([
    { type: "ready", engine: { kind: "portable", label: "portable (2 threads)", note: "The GPU is not used, because …" }, keptRuns: [] },
  ]);
  fireEvent.click(button("Engine: portable (2 threads)"));
  expect(screen.getByText("The GPU is not used, because …")).toBeDefined();
  vi.useFakeTimers();
  end.onerror!({ message: "out of memory", preventDefault: () => {} });
  act(() => vi.runAllTimers());
  vi.useRealTimers();
  expect(screen.getByRole("alertdialog").textContent).toContain("out of memory");
});

it("applies a frame's events together, also while the page is hidden", async () => {
  for (const event of run.events) receive(event);
  await act(() => vi.waitFor(() => expect(usePage.getState().step).toBe(2), { timeout: 30_000 }));
  expect(usePage.getState().history).toEqual(run.events.reduce(afterEvent, EMPTY).history);
});
