import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { LESSONS } from "../../lessons/library/index.ts";
import { recipeById } from "../../recipes/index.ts";
import { resolveRecipe } from "../../recipes/recipe.ts";
import { select, start } from "../actions.ts";
import { DEFAULT_SEED } from "../link.ts";
import { usePage } from "../state.ts";
import { until } from "./act.ts";
import { doIt, goTo, leaveLesson, openLesson, predict, usePlayer } from "./player.ts";
import { saveSpeed } from "./shelf.ts";
import { liveApp } from "./testing.ts";

/** Every lesson, from the first step to the last, in the live app with the real loop at the smallest size. */

let app: Awaited<ReturnType<typeof liveApp>>;
beforeAll(async () => {
  app = await liveApp(vi.stubGlobal);
});
afterAll(() => {
  leaveLesson();
  app.close();
  vi.unstubAllGlobals();
});

const never = new AbortController().signal;

it.each(LESSONS.map((lesson) => [lesson.id, lesson] as const))(
  "%s comes to its end, and says what happened",
  async (_, lesson) => {
    // A machine so slow that only the smallest run will do, and no run behind it that says otherwise.
    saveSpeed("portable", { tokensPerSecond: 1, policy: "nano", parameters: 107_328 });
    start({ recipe: resolveRecipe(recipeById("grpo")), policy: "nano", seed: DEFAULT_SEED });
    await until((state) => state.step === 0 && state.history.length === 0 && state.latest?.phase === "verdicts" && !state.busy, never);
    await openLesson(lesson);
    expect(usePlayer.getState().problem).toBeUndefined();
    expect(usePlayer.getState().size).toEqual(lesson.setup.sizes[0]);
    for (const [i, step] of lesson.steps.entries()) {
      expect(usePlayer.getState().progress.at).toBe(i);
      if (step.ask) predict("number" in step.ask ? step.ask.number.min : 0);
      if (step.do) await doIt();
      if (step.waitFor && "selected" in step.waitFor && !usePage.getState().selection) select(0, 0);
      const { outcome } = usePlayer.getState().progress.steps[i] ?? {};
      if (!outcome) await until(() => usePlayer.getState().progress.steps[i]?.outcome !== undefined, never);
      const after = usePlayer.getState();
      expect(after.problem).toBeUndefined();
      const { text, right, truth } = after.progress.steps[i].outcome!;
      expect(text ?? "").not.toContain("not measured");
      if (step.ask && "number" in step.ask) expect(truth).toBeTypeOf("number");
      if (step.ask && "options" in step.ask) expect(right === undefined).toBe(step.ask.options[0].holds === undefined);
      if (process.env.SHOW_LESSONS) console.log(`${lesson.id} ${i + 1} [${step.title}] ${right} ${truth ?? ""}\n${text ?? ""}\n`);
      await goTo(i + 1);
    }
    expect(usePlayer.getState().progress.finished).toBe(true);
    expect(usePage.getState().toasts.filter((toast) => toast.kind === "error")).toEqual([]);
  },
  // Half a minute on a quiet machine at the most.
  600_000,
);
