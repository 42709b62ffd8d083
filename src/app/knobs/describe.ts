import type { Parameter } from "../../algorithm/plugin.ts";
import { recipeById } from "../../recipes/index.ts";
import { differences, grpo, pluginOf, type ResolvedRecipe, resolveRecipe } from "../../recipes/recipe.ts";
import { PLUGINS, SLOT_NAMES, SLOTS, type Slot } from "../../recipes/slots.ts";
import { short } from "../format.ts";

/** Recipes, parameters and values in a person's words, all from the declarations. */

export type Value = number | boolean | string;

const split = (path: string) => path.split(".") as [Slot, string | undefined];

export function nameOfTask(id: string): string {
  return PLUGINS.task.find((plugin) => plugin.id === id)?.name ?? id;
}

/** The declaration behind `slot.param`, if the recipe's plug-in has it. */
export function parameterAt(recipe: ResolvedRecipe, path: string): Parameter | undefined {
  const [slot, name] = split(path);
  return SLOTS.includes(slot) && name ? pluginOf(slot, recipe.slots[slot].plugin).parameters[name] : undefined;
}

/** "Objective: Clip high", "Task", "Seed". */
export function labelOf(recipe: ResolvedRecipe, path: string): string {
  const [slot] = split(path);
  if (path === "seed") return "Seed";
  const parameter = parameterAt(recipe, path);
  return parameter ? `${SLOT_NAMES[slot]}: ${parameter.label}` : (SLOT_NAMES[slot] ?? path);
}

/** A value of `slot.param`, or the plug-in of a slot, as it is shown. */
export function showValue(recipe: ResolvedRecipe, path: string, value: Value | undefined): string {
  if (value === undefined) return "—";
  const [slot, name] = split(path);
  if (SLOTS.includes(slot) && !name) return PLUGINS[slot].find((plugin) => plugin.id === value)?.name ?? String(value);
  const parameter = parameterAt(recipe, path);
  if (parameter?.kind === "choice") return parameter.options.find((option) => option.value === value)?.label ?? String(value);
  if (typeof value === "boolean") return value ? "on" : "off";
  return typeof value === "number" ? short(value, 4) : String(value);
}

/** The algorithm's differences between two recipes: the task is what it is applied to, not part of it. */
export function changes(from: ResolvedRecipe, to: ResolvedRecipe) {
  return differences(from, to).filter((d) => !d.path.startsWith("task"));
}

export const changesFromGrpo = (recipe: ResolvedRecipe) => changes(grpo(), recipe);

/** The recipe as it ships, on the same task: what "changed" and "undo" refer to. */
export function original(recipe: ResolvedRecipe): ResolvedRecipe {
  const shipped = resolveRecipe(recipeById(recipe.id));
  return { ...shipped, slots: { ...shipped.slots, task: recipe.slots.task } };
}
