import { checkValue, type Parameters, RecipeError } from "../algorithm/plugin.ts";
import { isObject } from "../policy/llama-config.ts";
import { PLUGINS, SLOTS, type Slot } from "./slots.ts";

/** What a slot of a recipe holds: a plug-in and the parameters that differ from its defaults. */
export interface SlotChange {
  readonly plugin?: string;
  readonly params?: Parameters;
}

/** A recipe as it is written: its difference from GRPO (`grpo@1`). Plain JSON, small enough for a link. */
export interface Recipe {
  readonly id: string;
  readonly name: string;
  /** One sentence: what it changes and why. */
  readonly summary: string;
  readonly source?: { readonly title: string; readonly url: string };
  readonly base: "grpo@1";
  readonly changes: Readonly<Partial<Record<Slot, SlotChange>>>;
}

/** Every slot filled and every parameter present. */
export interface ResolvedRecipe {
  readonly id: string;
  readonly name: string;
  readonly slots: Readonly<Record<Slot, { readonly plugin: string; readonly params: Parameters }>>;
}

/**
 * The plug-in of that name in a slot.
 * @throws RecipeError if the slot has none of that name.
 */
export function pluginOf<S extends Slot>(slot: S, id: string): (typeof PLUGINS)[S][number] {
  const found = PLUGINS[slot].find((p) => p.id === id);
  if (!found) throw new RecipeError(`${slot} has no plug-in ${JSON.stringify(id)}; it has ${PLUGINS[slot].map((p) => p.id).join(", ")}`);
  return found;
}

function fill(slot: Slot, plugin: string, params: Parameters): { plugin: string; params: Parameters } {
  const declaration = pluginOf(slot, plugin);
  for (const name of Object.keys(params)) {
    if (!Object.hasOwn(declaration.parameters, name)) {
      const known = Object.keys(declaration.parameters).join(", ") || "none";
      throw new RecipeError(`${slot}.${name} is not a parameter of ${plugin}; it has ${known}`);
    }
  }
  const filled: Record<string, number | boolean | string> = {};
  for (const [name, parameter] of Object.entries(declaration.parameters)) {
    filled[name] = name in params ? checkValue(parameter, params[name], `${slot}.${name}`) : parameter.default;
  }
  return { plugin, params: filled };
}

/** @throws RecipeError unless a written slot exists and has the right form. */
function checkSlot(slot: string, change: unknown): void {
  if (!SLOTS.includes(slot as Slot)) throw new RecipeError(`a recipe has no slot ${JSON.stringify(slot)}; it has ${SLOTS.join(", ")}`);
  if (!isObject(change) || !isObject(change.params ?? {})) throw new RecipeError(`${slot} must be an object with plugin, params or both`);
}

/** GRPO, frozen: the first plug-in of each slot with its declared defaults. */
export function grpo(): ResolvedRecipe {
  const slots = Object.fromEntries(SLOTS.map((slot) => [slot, fill(slot, PLUGINS[slot][0].id, {})])) as ResolvedRecipe["slots"];
  return { id: "grpo", name: "GRPO", slots };
}

/**
 * Applies a recipe's changes to GRPO.
 * @throws RecipeError naming the slot or parameter that is unknown or out of range.
 */
export function resolveRecipe(recipe: Recipe): ResolvedRecipe {
  if (!isObject(recipe) || typeof recipe.id !== "string" || typeof recipe.name !== "string" || !isObject(recipe.changes)) {
    throw new RecipeError("a recipe must be an object with the texts id and name, a base and changes");
  }
  if (recipe.base !== "grpo@1") throw new RecipeError(`a recipe is a difference from grpo@1, got base ${JSON.stringify(recipe.base)}`);
  const slots: Record<string, { plugin: string; params: Parameters }> = { ...grpo().slots };
  for (const [slot, change] of Object.entries(recipe.changes) as [Slot, SlotChange][]) {
    checkSlot(slot, change);
    const plugin = change.plugin ?? slots[slot].plugin;
    slots[slot] = fill(slot, plugin, change.params ?? {});
  }
  return { id: recipe.id, name: recipe.name, slots: slots as ResolvedRecipe["slots"] };
}

/**
 * The recipe of a kept run, checked against the plug-ins of this program. What did not exist when it was kept has its frozen default.
 * @throws RecipeError naming the slot or parameter that is unknown or out of range.
 */
export function checkResolved(kept: unknown): ResolvedRecipe {
  if (!isObject(kept) || typeof kept.id !== "string" || typeof kept.name !== "string" || !isObject(kept.slots)) {
    throw new RecipeError("a run's recipe must be an object with the texts id and name, and slots");
  }
  const slots: Record<string, { plugin: string; params: Parameters }> = { ...grpo().slots };
  for (const [slot, held] of Object.entries(kept.slots) as [Slot, { plugin: string; params?: Parameters }][]) {
    checkSlot(slot, held);
    slots[slot] = fill(slot, held.plugin, held.params ?? {});
  }
  return { id: kept.id, name: kept.name, slots: slots as ResolvedRecipe["slots"] };
}

/**
 * One change by path, as a knob or `--set` makes it: `slot.param=value`, or `slot=plugin` to replace the plug-in.
 * @throws RecipeError if there is no such slot or parameter, or the value is out of range.
 */
export function withChange(recipe: ResolvedRecipe, path: string, value: number | boolean | string): ResolvedRecipe {
  const [slot, name, ...rest] = path.split(".");
  if (!SLOTS.includes(slot as Slot) || rest.length > 0) {
    throw new RecipeError(`there is no parameter ${JSON.stringify(path)}; write slot.param, where slot is one of ${SLOTS.join(", ")}`);
  }
  const old = recipe.slots[slot as Slot];
  const filled =
    name === undefined ? fill(slot as Slot, String(value), {}) : fill(slot as Slot, old.plugin, { ...old.params, [name]: value });
  return { ...recipe, slots: { ...recipe.slots, [slot]: filled } };
}

/** A value as text (from a command line or link) read as the parameter's type. Text that does not fit is left for `checkValue` to refuse. */
export function parseValue(recipe: ResolvedRecipe, path: string, text: string): number | boolean | string {
  const [slot, name] = path.split(".");
  if (!SLOTS.includes(slot as Slot) || name === undefined) return text;
  const parameter = pluginOf(slot as Slot, recipe.slots[slot as Slot].plugin).parameters[name];
  if (parameter?.kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (parameter?.kind === "number" || parameter?.kind === "integer")
    return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
  return text;
}

/** All parameters flat, `slot.param` → value, with the plug-in of each slot under the slot's own name. */
export function settingsOf(recipe: ResolvedRecipe): Record<string, number | boolean | string> {
  const flat: Record<string, number | boolean | string> = {};
  for (const slot of SLOTS) {
    flat[slot] = recipe.slots[slot].plugin;
    for (const [name, value] of Object.entries(recipe.slots[slot].params)) flat[`${slot}.${name}`] = value;
  }
  return flat;
}

/** What differs between two recipes, by path. */
export function differences(
  a: ResolvedRecipe,
  b: ResolvedRecipe,
): { path: string; from?: number | boolean | string; to?: number | boolean | string }[] {
  const left = settingsOf(a);
  const right = settingsOf(b);
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .filter((path) => left[path] !== right[path])
    .map((path) => ({ path, ...(path in left ? { from: left[path] } : {}), ...(path in right ? { to: right[path] } : {}) }));
}
