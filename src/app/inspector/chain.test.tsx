import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "../app.tsx";
import { chooseView, useStage } from "../stage/views/store.ts";
import { afterEvent, EMPTY, usePage } from "../state.ts";
import { recordedRun } from "../testing.ts";
import { useLit } from "./lit.ts";

const RECIPES: readonly (readonly [name: string, changes: Record<string, number | string>])[] = [
  ["GRPO with a penalty", { "kl.coefficient": 0.1, "sampler.groupSize": 8 }],
  ["a shaped advantage, masked tokens and an entropy bonus", { shapers: "whiten", tokenWeights: "top-entropy", losses: "entropy" }],
  ["formulas of one's own", { advantage: "expression", objective: "expression" }],
  ["answers as wholes", { objective: "gspo", advantage: "pass-at-k", aggregation: "sequence-mean-token-mean", "sampler.groupSize": 8 }],
];
const runs = new Map(await Promise.all(RECIPES.map(async ([name, changes]) => [name, await recordedRun(changes)] as const)));

beforeEach(() => {
  vi.stubGlobal(
    "Worker",
    class {
      postMessage() {}
    },
  );
  usePage.setState(EMPTY, true);
  useStage.setState(useStage.getInitialState(), true);
  render(<App />);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** Shows a run's last step with one token in the inspector. */
function inspect(name: string): void {
  const { events, last } = runs.get(name)!;
  act(() => usePage.setState((state) => events.reduce(afterEvent, state), true));
  const row = last.rollouts.findIndex((r) => r.advantage !== 0);
  act(() => {
    useStage.setState({ view: "rollouts", inspecting: true, pinned: true });
    usePage.setState({ selection: { record: last, row, index: 0 } });
  });
}

const inspector = () => screen.getByRole("region", { name: "Token inspector" });
const terms = () => [...inspector().querySelectorAll<HTMLElement>("button[data-term]")];
const rules = () => inspector().querySelector("style")!.textContent;
/** What a rule of the page's lights selects outside of the formula. */
const marked = () =>
  [...rules().matchAll(/([^{}]+)\{[^}]*\}/g)]
    .map(([, selectors]) => selectors.trim())
    .filter((selectors) => !selectors.startsWith(".chain"))
    .flatMap((selectors) => [...document.querySelectorAll(selectors)]);

describe.each(RECIPES.map(([name]) => name))("the formula of %s", (name) => {
  it("says of every term where it comes from, and marks it there", () => {
    inspect(name);
    expect(terms().length).toBeGreaterThan(5);
    for (const key of new Set(terms().map((term) => term.dataset.term!))) {
      const term = () => terms().find((t) => t.dataset.term === key)!;
      expect(term().ariaDescription, key).toMatch(/\.$/);
      fireEvent.pointerOver(term());
      expect(useLit.getState()).toEqual({ keys: [key], from: "formula" });
      expect(rules()).toContain(`[data-term="${key}"]`);
      // Marks stand on what is in view; nothing was switched away.
      expect(screen.getByRole("tab", { selected: true }).textContent).toBe("Rollouts");
      marked();
    }
    fireEvent.pointerLeave(inspector().querySelector(".chain")!, { pointerType: "mouse" });
    expect(useLit.getState().keys).toEqual([]);
  });

  it("goes to a term's view on a click, and there its place lights the term", () => {
    inspect(name);
    const keys = [...new Set(terms().map((term) => term.dataset.term!))];
    let found = 0;
    for (const key of keys) {
      act(() => chooseView("prompts"));
      act(() =>
        terms()
          .find((t) => t.dataset.term === key)!
          .click(),
      );
      const view = useStage.getState().view;
      // The canvas of the objective has no size here; knobs stay where they are.
      if (view === "objective" || view === "prompts") continue;
      const [element] = marked().filter((m) => m.closest("#stage-view"));
      expect(element, key).toBeDefined();
      fireEvent.pointerLeave(inspector().querySelector(".chain")!, { pointerType: "mouse" });
      fireEvent.pointerOver(element);
      expect(useLit.getState().from).toBe("stage");
      expect(useLit.getState().keys.length, key).toBeGreaterThan(0);
      found++;
      fireEvent.pointerOver(document.body);
      expect(useLit.getState().keys).toEqual([]);
    }
    expect(found).toBeGreaterThan(3);
  });
});

it("lights the reward, and for other answers of the group what is made from all of them", () => {
  inspect(RECIPES[0][0]);
  const { row } = usePage.getState().selection!;
  const { members } = runs.get(RECIPES[0][0])!.last.groups[runs.get(RECIPES[0][0])!.last.rollouts[row].group];
  fireEvent.pointerOver(document.querySelector(`.row[data-row="${row}"] .reward`)!);
  expect(useLit.getState().keys).toEqual(["reward"]);
  const other = members.find((r) => r !== row)!;
  fireEvent.pointerOver(document.querySelector(`.row[data-row="${other}"] .reward`)!);
  expect([...useLit.getState().keys].sort()).toEqual(["advantage.group.baselines", "advantage.group.scales"]);
  // A group to which the token does not belong has no part in it.
  fireEvent.pointerOver(document.querySelector(".group .prompt")!);
  expect(useLit.getState().keys).toEqual([]);
  fireEvent.pointerOver(document.getElementById(`token-${row}-0`)!);
  expect(useLit.getState().keys).toContain("oldLogProb");
});

it("lights a term at a finger's first tap, and goes at the second", () => {
  inspect(RECIPES[0][0]);
  const tap = () => {
    const term = terms().find((t) => t.dataset.term === "advantage.group.scales")!;
    fireEvent.pointerOver(term, { pointerType: "touch" });
    fireEvent.pointerDown(term, { pointerType: "touch" });
    fireEvent.pointerLeave(inspector().querySelector(".chain")!, { pointerType: "touch" });
    fireEvent.click(term);
  };
  const go = () => within(inspector()).queryByRole("button", { name: "see Advantages" });
  tap();
  expect(useLit.getState().keys).toEqual(["advantage.group.scales"]);
  expect(useStage.getState().view).toBe("rollouts");
  expect(go()).not.toBeNull();
  tap();
  expect(useStage.getState().view).toBe("advantages");
  // What can be seen needs no way to it.
  expect(go()).toBeNull();
});

it("is one tab stop, whose terms the arrow keys reach and light", () => {
  inspect(RECIPES[0][0]);
  const stops = terms();
  expect(stops.filter((stop) => stop.tabIndex === 0)).toHaveLength(1);
  act(() => stops[0].focus());
  expect(useLit.getState().keys).toEqual([stops[0].dataset.term]);
  fireEvent.keyDown(stops[0], { key: "ArrowRight" });
  expect(document.activeElement).toBe(stops[1]);
  expect(stops[1].tabIndex).toBe(0);
  expect(useLit.getState().keys).toEqual([stops[1].dataset.term]);
  fireEvent.keyDown(stops[1], { key: "End" });
  expect(document.activeElement).toBe(stops.at(-1));
  const words = within(inspector()).getByRole("group", { name: /formula with this token/i });
  expect(words.contains(document.activeElement)).toBe(true);
  act(() => (document.activeElement as HTMLElement).blur());
  expect(useLit.getState().keys).toEqual([]);
});
