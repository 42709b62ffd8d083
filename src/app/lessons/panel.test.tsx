import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { TABS } from "../../lessons/lesson.ts";
import { recipeById } from "../../recipes/index.ts";
import { resolveRecipe } from "../../recipes/recipe.ts";
import { start } from "../actions.ts";
import { App } from "../app.tsx";
import { VIEWS } from "../stage/views/store.ts";
import { usePage } from "../state.ts";
import { useLearn } from "./open.ts";
import { leaveLesson, usePlayer } from "./player.ts";
import { saveSpeed } from "./shelf.ts";
import { liveApp } from "./testing.ts";

it("knows the stage's views", () => {
  expect(TABS).toEqual(VIEWS.map((view) => view.id));
});

/** The page with the real loop behind it, and a person's hand on the lesson. */

let app: Awaited<ReturnType<typeof liveApp>>;
beforeEach(async () => {
  localStorage.clear();
  app = await liveApp(vi.stubGlobal);
  saveSpeed("portable", { tokensPerSecond: 1, policy: "nano", parameters: 107_328 });
  start({ recipe: resolveRecipe(recipeById("grpo")), policy: "nano", seed: 7 });
});
afterEach(() => {
  leaveLesson();
  useLearn.setState({ page: undefined, entry: undefined, playing: false, first: false });
  cleanup();
  app.close();
  vi.unstubAllGlobals();
});

const PATIENT = { timeout: 60_000 };
const lesson = () => screen.getByRole("region", { name: /^Lesson: / });

it("begins from the offer to a newcomer, asks before it does, and reveals what happened", async () => {
  render(<App />);
  const offer = within(await screen.findByRole("region", { name: "First lesson" }, PATIENT));
  fireEvent.click(offer.getByRole("button", { name: "Begin" }));
  await waitFor(() => expect(within(lesson()).getByText(/The model does not see it/)).toBeDefined(), PATIENT);
  expect(screen.queryByRole("region", { name: "First lesson" })).toBeNull();
  const { groups } = usePage.getState().live!;
  expect(lesson().textContent).toContain(`you see ${groups.length} prompts`);
  expect(lesson().textContent).toContain(groups[0].problem.prompt);

  for (const title of ["The model answers, several times", "Which are right?"]) {
    fireEvent.click(within(lesson()).getByRole("button", { name: "Next" }));
    await within(lesson()).findByRole("heading", { name: title });
  }
  await waitFor(() => expect(within(lesson()).getByText(/how many are right/)).toBeDefined(), PATIENT);
  const show = () => within(lesson()).getByRole("button", { name: "Show the verdicts" }) as HTMLButtonElement;
  expect(show().disabled).toBe(true);
  expect(within(lesson()).getByRole("button", { name: "Skip" })).toBeDefined();
  fireEvent.change(within(lesson()).getByRole("slider"), { target: { value: "30" } });
  fireEvent.click(within(lesson()).getByRole("button", { name: "That is my guess" }));
  expect(show().disabled).toBe(false);
  await act(async () => fireEvent.click(show()));
  const rollouts = usePage.getState().live!.rollouts;
  const right = rollouts.filter((rollout) => rollout.verdict!.score === 1).length;
  await waitFor(() => expect(lesson().textContent).toContain(`${right} of ${rollouts.length} are right`), PATIENT);
  expect(within(lesson()).getByRole("slider").closest("fieldset")!.disabled).toBe(true);

  // Left, the run stays; another visit goes on from there.
  const run = usePage.getState().run!.id;
  fireEvent.click(within(lesson()).getByRole("button", { name: "Leave the lesson" }));
  expect(screen.queryByRole("region", { name: /^Lesson: / })).toBeNull();
  expect(usePage.getState().run!.id).toBe(run);
  fireEvent.click(screen.getByRole("button", { name: "Learn" }));
  fireEvent.click(screen.getByRole("button", { name: "Continue at 3 of 8", hidden: true }));
  await waitFor(() => expect(usePlayer.getState().doing).toBeUndefined(), PATIENT);
  expect(lesson().textContent).toContain(`${right} of ${rollouts.length} are right`);
});

it("says when the run on screen is another, and brings its own back", async () => {
  render(<App />);
  fireEvent.click(screen.getByRole("button", { name: "Learn" }));
  const [begin] = await screen.findAllByRole("button", { name: "Begin", hidden: true }, PATIENT);
  fireEvent.click(begin);
  await waitFor(() => expect(within(lesson()).getByText(/The model does not see it/)).toBeDefined(), PATIENT);
  const own = usePage.getState().run!.setup;
  act(() => start({ recipe: resolveRecipe(recipeById("dapo")), policy: "nano", seed: 1 }));
  const back = await screen.findByRole("button", { name: "Bring the lesson’s run back" }, PATIENT);
  fireEvent.click(back);
  await waitFor(() => expect(usePage.getState().run!.setup).toEqual(own), PATIENT);
  await waitFor(() => expect(screen.queryByRole("button", { name: "Bring the lesson’s run back" })).toBeNull(), PATIENT);
});
