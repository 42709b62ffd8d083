import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { smallSetup } from "../../loop/testing.ts";
import { changesBetween } from "../../recipes/changes.ts";
import { RECIPES } from "../../recipes/index.ts";
import { PLANNED } from "../../recipes/planned.ts";
import { grpo, resolveRecipe } from "../../recipes/recipe.ts";
import type { Command } from "../../worker/protocol.ts";
import { differencesInWords } from "../knobs/describe.ts";
import { afterEvent, EMPTY, usePage } from "../state.ts";
import { startOf, stubWorker } from "../testing.ts";
import Recipes from "./chooser.tsx";
import { GROUPS } from "./groups.ts";
import { openRecipes, useRecipes } from "./open.ts";

let sent: Command[] = [];
beforeEach(() => {
  sent = stubWorker();
  usePage.setState(afterEvent(EMPTY, startOf(smallSetup({ "kl.coefficient": 0.02 }))), true);
  openRecipes();
  render(<Recipes />);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const page = () => within(screen.getByRole("dialog", { hidden: true }));
const article = () => within(page().getByRole("article", { hidden: true }));
const entries = () => within(page().getByRole("navigation", { hidden: true })).getAllByRole("button", { hidden: true });
const choose = (name: string) => fireEvent.click(entries().find((b) => b.querySelector("b")?.textContent === name)!);

it("lists every recipe once, with its sentence", () => {
  expect(
    GROUPS.flatMap((group) => group.recipes)
      .map((r) => r.id)
      .sort(),
  ).toEqual([...RECIPES, ...PLANNED].map((r) => r.id).sort());
  expect(entries()).toHaveLength(RECIPES.length + PLANNED.length + 2);
  for (const { summary } of RECIPES) expect(page().getAllByText(summary).length).toBeGreaterThan(0);
});

it("opens with the run on screen, its turned knobs among the differences", () => {
  expect(article().getByText("GRPO, as it runs")).toBeDefined();
  expect(article().getByText("KL to the base: KL coefficient β")).toBeDefined();
});

it("tells a recipe's difference from GRPO in words, its claim and its source, and starts it with the task kept", () => {
  choose("Dr. GRPO");
  expect(article().getByText("Advantage: Divide by").closest("tr")!.textContent).toBe("Advantage: Divide bystandard deviationnothing");
  expect(article().getByText(/Wrong answers stay shorter/)).toBeDefined();
  expect((article().getByRole("link", { hidden: true }) as HTMLAnchorElement).href).toMatch(/^https:/);
  fireEvent.click(article().getByRole("button", { name: "Start with it", hidden: true }));
  expect(useRecipes.getState().open).toBe(false);
  expect(sent).toMatchObject([{ type: "start", setup: { recipe: { id: "dr-grpo", slots: { task: { plugin: "reverse" } } } } }]);
});

it("says what a recipe waits for that cannot run yet", () => {
  choose("Tango");
  expect(article().getByText(/It waits for buffers that learners share, several learners/)).toBeDefined();
  expect((article().getByRole("button", { hidden: true }) as HTMLButtonElement).disabled).toBe(true);
});

it("says why a recipe cannot run on the task at hand, and does not start it", () => {
  choose("Co-Reward");
  expect(article().getByText(/asks every question in two forms, and Reverse has one form only: choose Countdown/)).toBeDefined();
  const start = article().getByRole("button", { name: "Not on this task", hidden: true }) as HTMLButtonElement;
  expect(start.disabled).toBe(true);
  act(() => usePage.setState(afterEvent(EMPTY, startOf(smallSetup({ task: "sort" }))), true));
  expect(article().getByRole("button", { name: "Start with it", hidden: true })).toBeDefined();
});

it("finds recipes by what they say", async () => {
  fireEvent.change(page().getByRole("searchbox", { hidden: true }), { target: { value: "whole answers clip" } });
  await waitFor(() => expect(entries().length).toBeLessThan(5));
  expect(entries().map((b) => b.querySelector("b")!.textContent)).toContain("GSPO");
  fireEvent.change(page().getByRole("searchbox", { hidden: true }), { target: { value: "qwertz" } });
  await waitFor(() => expect(page().getByText("No recipe mentions that.")).toBeDefined());
});

it("leaves nothing to code names: every difference of every recipe has words", () => {
  for (const recipe of RECIPES) {
    for (const { label, from, to } of differencesInWords(grpo(), resolveRecipe(recipe))) {
      expect(label).toMatch(/^[A-Z]/);
      expect(label).not.toMatch(/\w\.\w/);
      expect(`${from}${to}`).not.toContain("undefined");
    }
    const count = changesBetween(grpo(), resolveRecipe(recipe)).filter(([path]) => !path.startsWith("task")).length;
    expect(differencesInWords(grpo(), resolveRecipe(recipe)).length).toBe(count);
  }
  act(() => usePage.setState(EMPTY, true));
});
