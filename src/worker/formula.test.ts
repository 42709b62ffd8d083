import { expect, it } from "vitest";
import { withChange } from "../recipes/recipe.ts";
import { memoryRunStore } from "../storage/run-store.ts";
import { open, openSession, small } from "./testing.ts";

it("pauses before a step that a formula cannot take, says where, and goes on once it is mended", async () => {
  const formula = (recipe: typeof small.recipe, text: string) =>
    withChange(withChange(recipe, "objective", "expression"), "objective.formula", text);
  const s = openSession(memoryRunStore());
  await s.send(open);
  await s.send({ type: "start", setup: { ...small, recipe: formula(small.recipe, "-ratio * advantage / (3 - step)") } });
  await s.send({ type: "play" });
  await s.until(() => s.of("error").length === 1 && s.idle());
  expect(s.of("step")).toHaveLength(2);
  expect(s.of("error")[0]).toMatchObject({ fatal: false });
  expect(s.of("error")[0].message).toMatch(/^formula, line 1, column 1: -?\S+ \/ 0 is (NaN|-?Infinity) for rollout \d+, token \d+$/);
  await s.send({ type: "edit", path: "objective.formula", value: "-ratio * advantage / step" });
  await s.send({ type: "step", count: 2 });
  await s.until(() => s.of("step").length === 4 && s.idle());
  expect(s.of("step").map((e) => e.step)).toEqual([1, 2, 3, 4]);
  expect(s.of("error")).toHaveLength(1);
});
