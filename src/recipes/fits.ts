import { RecipeError } from "../algorithm/plugin.ts";
import { TASKS, taskById } from "../tasks/index.ts";
import { needsOf, type ResolvedRecipe } from "./recipe.ts";

/** Whether a recipe's parts fit each other, beyond what each declares of itself. */

/** Why the recipe cannot run on its task and what to do, in one sentence without its full stop; undefined if it can. */
export function misfit(recipe: ResolvedRecipe): string | undefined {
  const task = taskById(recipe.slots.task.plugin);
  if (task.rephrase || !needsOf(recipe).has("twins")) return undefined;
  const others = TASKS.filter((other) => other.rephrase).map(({ name }) => name);
  return `${recipe.name} asks every question in two forms, and ${task.name} has one form only: choose ${new Intl.ListFormat("en", { type: "disjunction" }).format(others)} as the task`;
}

/** @throws RecipeError if the recipe cannot run on its task. */
export function checkFits(recipe: ResolvedRecipe): void {
  const problem = misfit(recipe);
  if (problem !== undefined) throw new RecipeError(problem);
}
