import { expect, it } from "vitest";
import { TASKS } from "../tasks/index.ts";
import { checkFits, misfit } from "./fits.ts";
import { RECIPES, recipeById } from "./index.ts";
import { needsOf, resolveRecipe, withChange } from "./recipe.ts";

it("a recipe that asks everything twice fits tasks with a second form of their questions, and no other", () => {
  const recipe = resolveRecipe(recipeById("co-reward"));
  for (const { id, rephrase } of TASKS) {
    const on = withChange(recipe, "task", id);
    if (rephrase) expect(() => checkFits(on)).not.toThrow();
    else expect(() => checkFits(on)).toThrow(/asks every question in two forms, and .* has one form only: choose Countdown, .* or Sort/);
  }
});

it("all others fit every task, and all fit the one that they ship with", () => {
  for (const shipped of RECIPES) {
    const recipe = resolveRecipe(shipped);
    expect(misfit(recipe), recipe.id).toBeUndefined();
    if (needsOf(recipe).has("twins")) continue;
    for (const { id } of TASKS) expect(misfit(withChange(recipe, "task", id)), `${recipe.id} on ${id}`).toBeUndefined();
  }
});
