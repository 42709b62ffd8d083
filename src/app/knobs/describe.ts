import type { Parameter } from "../../algorithm/plugin.ts";
import { RECIPES } from "../../recipes/index.ts";
import { differences, grpo, parameterAt as parameterInUse, type ResolvedRecipe, resolveRecipe } from "../../recipes/recipe.ts";
import { LIST_SLOTS, type ListSlot, PLUGINS, SLOT_NAMES, SLOTS, type Slot } from "../../recipes/slots.ts";
import { short } from "../format.ts";

/** Recipes, parameters and values in a person's words, all from the declarations. */

export type Value = number | boolean | string;

export const isList = (slot: string): slot is ListSlot => LIST_SLOTS.includes(slot as ListSlot);
const isSlot = (slot: string): slot is Slot => SLOTS.includes(slot as Slot);

export function nameOfTask(id: string): string {
  return PLUGINS.task.find((plugin) => plugin.id === id)?.name ?? id;
}

export function nameOfPlugin(slot: Slot | ListSlot, id: string): string {
  return PLUGINS[slot].find((plugin) => plugin.id === id)?.name ?? id;
}

/** The declaration behind `slot.param` or `list.plugin.param`, of the recipe's plug-in or, failing that, of any that the slot has. */
export function parameterAt(recipe: ResolvedRecipe, path: string): Parameter | undefined {
  const found = parameterInUse(recipe, path);
  if (found) return found;
  const [slot, ...names] = path.split(".");
  if (isList(slot) && names.length === 2) {
    const plugin = PLUGINS[slot].find((p) => p.id === names[0]);
    return plugin && Object.hasOwn(plugin.parameters, names[1]) ? plugin.parameters[names[1]] : undefined;
  }
  if (!isSlot(slot) || names.length !== 1) return undefined;
  return PLUGINS[slot].find((p) => Object.hasOwn(p.parameters, names[0]))?.parameters[names[0]];
}

/** "Objective: Clip high", "Advantage shaping, Whitening: Over", "Task", "Seed". */
export function labelOf(recipe: ResolvedRecipe, path: string): string {
  if (path === "seed") return "Seed";
  const [slot, plugin] = path.split(".");
  if (!isSlot(slot) && !isList(slot)) return path;
  const parameter = parameterAt(recipe, path);
  const name = SLOT_NAMES[slot];
  if (isList(slot)) return plugin ? `${name}, ${nameOfPlugin(slot, plugin)}${parameter ? `: ${parameter.label}` : ""}` : name;
  return parameter ? `${name}: ${parameter.label}` : name;
}

/** A value of a path, or the plug-ins of a slot, as it is shown. */
export function showValue(recipe: ResolvedRecipe, path: string, value: Value | undefined): string {
  const [slot, ...names] = path.split(".");
  if (isList(slot) && names.length === 0) {
    const ids = String(value ?? "")
      .split(",")
      .filter((id) => id !== "");
    return ids.length === 0 ? "none" : ids.map((id) => nameOfPlugin(slot, id)).join(", ");
  }
  if (value === undefined) return "—";
  if (isSlot(slot) && names.length === 0) return nameOfPlugin(slot, String(value));
  const parameter = parameterAt(recipe, path);
  if (parameter?.kind === "choice") return parameter.options.find((option) => option.value === value)?.label ?? String(value);
  if (typeof value === "boolean") return value ? "on" : "off";
  return typeof value === "number" ? short(value, 4) : value;
}

const ofTask = (path: string) => path === "task" || path.startsWith("task.");

/** The algorithm's differences between two recipes: the task is what it is applied to, not part of it. */
export function changes(from: ResolvedRecipe, to: ResolvedRecipe) {
  return differences(from, to).filter((d) => !ofTask(d.path));
}

/** A difference in words: what it is about, and the value on each side. */
export interface DifferenceInWords {
  readonly path: string;
  readonly label: string;
  readonly from: string;
  readonly to: string;
}

/**
 * The differences of a recipe from another that a person cares for. Where a plug-in was replaced, its parameters are new as a whole: those at
 * their defaults go without saying, and so do those of the plug-in that is gone.
 */
export function differencesInWords(from: ResolvedRecipe, to: ResolvedRecipe): DifferenceInWords[] {
  const all = changes(from, to);
  const replaced = new Set<string>(all.map(({ path }) => path).filter((path) => isSlot(path)));
  return all
    .filter(({ path, to: value }) => {
      const slot = path.split(".")[0];
      if (path === slot || !(isList(slot) || replaced.has(slot))) return true;
      return value !== undefined && value !== parameterInUse(to, path)?.default;
    })
    .map(({ path, from: old, to: value }) => {
      const slot = path.split(".")[0];
      const before = replaced.has(slot) && path !== slot ? undefined : old;
      return { path, label: labelOf(to, path), from: showValue(from, path, before), to: showValue(to, path, value) };
    });
}

export const changesFromGrpo = (recipe: ResolvedRecipe) => differencesInWords(grpo(), recipe);

/** The recipe as it ships, on the same task: what "changed" and "undo" refer to. One that does not ship is measured against GRPO. */
export function original(recipe: ResolvedRecipe): ResolvedRecipe {
  const written = RECIPES.find(({ id }) => id === recipe.id);
  const shipped = written ? resolveRecipe(written) : grpo();
  return { ...shipped, slots: { ...shipped.slots, task: recipe.slots.task } };
}
