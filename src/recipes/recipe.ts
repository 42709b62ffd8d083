import {
  checkValue,
  type Need,
  type Parameter,
  type Parameters,
  type PluginDeclaration,
  parametersAt,
  RecipeError,
} from "../algorithm/plugin.ts";
import { isObject } from "../policy/llama-config.ts";
import type { Claim } from "./claim.ts";
import { LIST_SLOTS, type ListSlot, PLUGINS, SLOTS, type Slot } from "./slots.ts";

/** What a slot of a recipe holds: a plug-in and the parameters that differ from its defaults. */
export interface SlotChange {
  readonly plugin?: string;
  readonly params?: Parameters;
}

/** One plug-in of a list slot. */
export interface ListItem extends SlotChange {
  readonly plugin: string;
}

/** The changes of a recipe or of one of its learners or stages. */
export type RecipeChanges = Readonly<Partial<Record<Slot, SlotChange>> & Partial<Record<ListSlot, readonly ListItem[]>>>;

/**
 * A recipe as it is written: its difference from GRPO (`grpo@1`). Plain JSON, small enough for a link. What comes after `claim` is for
 * recipes with more than one learner or source of prompts; the loop runs one learner so far, and `resolveRecipe` refuses the others.
 */
export interface Recipe {
  readonly id: string;
  readonly name: string;
  /** One sentence: what it changes and why. */
  readonly summary: string;
  /** A few sentences for a person who wants to know more: the problem it sees, what it changes, what to look at. */
  readonly explanation?: string;
  readonly source?: { readonly title: string; readonly url: string };
  readonly base: "grpo@1";
  readonly changes: RecipeChanges;
  /** What it is said to do better than another recipe, as something that can be checked. */
  readonly claim?: Claim;
  /** Several tasks at once, each with its share of the prompts. */
  readonly mixture?: readonly { readonly task: SlotChange; readonly share: number }[];
  /** How prompts are chosen over time. */
  readonly curriculum?: ListItem;
  /** Policies beside the trained one, by name, and how each follows. */
  readonly references?: Readonly<Record<string, { readonly source: "base" | "learner" | "pool"; readonly update: ListItem }>>;
  /** Named buffers, part of every snapshot, through which learners exchange data. */
  readonly pools?: Readonly<Record<string, { readonly holds: "rows" | "text" | "weights"; readonly capacity: number }>>;
  /** Several learners, each with a policy and a recipe of its own. */
  readonly learners?: Readonly<
    Record<
      string,
      { readonly policy: string; readonly changes: RecipeChanges; readonly reads?: readonly string[]; readonly writes?: readonly string[] }
    >
  >;
  /** What is trained when: stages, one after another and round again. */
  readonly program?: readonly { readonly learner?: string; readonly steps: number; readonly changes?: RecipeChanges }[];
  /** What the policy is, where it is not a language model over tokens. */
  readonly medium?: "tokens" | "flow";
}

/** The parts of a recipe that the loop does not run yet. */
const STRUCTURE = ["mixture", "curriculum", "references", "pools", "learners", "program"] as const;

/** What the loop would need to run a recipe and does not have, in words; empty for one that runs. */
export function missingFor(recipe: Recipe): string[] {
  const missing: string[] = STRUCTURE.filter((part) => recipe[part] !== undefined);
  if (recipe.medium === "flow") missing.push("a flow model");
  for (const slot of [...SLOTS, ...LIST_SLOTS]) {
    const change = recipe.changes[slot];
    for (const { plugin } of Array.isArray(change) ? (change as ListItem[]) : change ? [change as SlotChange] : []) {
      if (plugin && !PLUGINS[slot].some((p) => p.id === plugin)) missing.push(`${slot} ${plugin}`);
    }
  }
  return missing;
}

/** A plug-in with all its parameters. */
export interface Use {
  readonly plugin: string;
  readonly params: Parameters;
}

/** Every slot filled and every parameter present. */
export interface ResolvedRecipe {
  readonly id: string;
  readonly name: string;
  readonly slots: Readonly<Record<Slot, Use>>;
  readonly lists: Readonly<Record<ListSlot, readonly Use[]>>;
}

/**
 * The plug-in of that name in a slot.
 * @throws RecipeError if the slot has none of that name.
 */
export function pluginOf<S extends Slot | ListSlot>(slot: S, id: string): (typeof PLUGINS)[S][number] {
  const found = PLUGINS[slot].find((p) => p.id === id);
  if (!found) {
    const known = PLUGINS[slot].map((p) => p.id).join(", ") || "none";
    throw new RecipeError(`${slot} has no plug-in ${JSON.stringify(id)}; it has ${known}`);
  }
  return found;
}

function fill(slot: Slot | ListSlot, plugin: string, params: Parameters): Use {
  const declaration = pluginOf(slot, plugin);
  const where = isList(slot) ? `${slot}.${plugin}` : slot;
  for (const name of Object.keys(params)) {
    if (!Object.hasOwn(declaration.parameters, name)) {
      const known = Object.keys(declaration.parameters).join(", ") || "none";
      throw new RecipeError(`${where}.${name} is not a parameter of ${plugin}; it has ${known}`);
    }
  }
  const filled: Record<string, number | boolean | string> = {};
  for (const [name, parameter] of Object.entries(declaration.parameters)) {
    filled[name] = name in params ? checkValue(parameter, params[name], `${where}.${name}`) : parameter.default;
  }
  return { plugin, params: filled };
}

/** The items of a list slot, filled. @throws RecipeError for an item of the wrong form, unknown, or listed twice. */
function fillList(slot: ListSlot, items: unknown): Use[] {
  if (!Array.isArray(items) || !items.every((item) => isObject(item) && typeof item.plugin === "string" && isObject(item.params ?? {}))) {
    throw new RecipeError(`${slot} must be a list of objects with plugin and params`);
  }
  const uses = (items as ListItem[]).map(({ plugin, params }) => fill(slot, plugin, params ?? {}));
  const twice = uses.find((use, i) => uses.findIndex((u) => u.plugin === use.plugin) !== i);
  if (twice) throw new RecipeError(`${slot} lists ${twice.plugin} twice`);
  return uses;
}

const isList = (slot: string): slot is ListSlot => LIST_SLOTS.includes(slot as ListSlot);

/** @throws RecipeError unless a written slot exists and has the right form. */
function checkSlot(slot: string, change: unknown): void {
  if (!SLOTS.includes(slot as Slot)) {
    throw new RecipeError(`a recipe has no slot ${JSON.stringify(slot)}; it has ${[...SLOTS, ...LIST_SLOTS].join(", ")}`);
  }
  if (!isObject(change) || !isObject(change.params ?? {})) throw new RecipeError(`${slot} must be an object with plugin, params or both`);
}

/** GRPO, frozen: the first plug-in of each slot with its declared defaults, and nothing in the lists. */
export function grpo(): ResolvedRecipe {
  const slots = Object.fromEntries(SLOTS.map((slot) => [slot, fill(slot, PLUGINS[slot][0].id, {})])) as ResolvedRecipe["slots"];
  const lists = Object.fromEntries(LIST_SLOTS.map((slot) => [slot, []])) as unknown as ResolvedRecipe["lists"];
  return { id: "grpo", name: "GRPO", slots, lists };
}

/** `base` with the written changes of some slots. */
function withChanges(base: ResolvedRecipe, changes: Readonly<Record<string, unknown>>): ResolvedRecipe {
  const slots: Record<string, Use> = { ...base.slots };
  const lists: Record<string, readonly Use[]> = { ...base.lists };
  for (const [slot, change] of Object.entries(changes)) {
    if (isList(slot)) {
      lists[slot] = fillList(slot, change);
      continue;
    }
    checkSlot(slot, change);
    const { plugin, params } = change as SlotChange;
    slots[slot] = fill(slot as Slot, plugin ?? slots[slot].plugin, params ?? {});
  }
  return { ...base, slots: slots as ResolvedRecipe["slots"], lists: lists as ResolvedRecipe["lists"] };
}

/**
 * Applies a recipe's changes to GRPO.
 * @throws RecipeError naming the slot or parameter that is unknown or out of range, or the part that the loop does not run yet.
 */
export function resolveRecipe(recipe: Recipe): ResolvedRecipe {
  if (!isObject(recipe) || typeof recipe.id !== "string" || typeof recipe.name !== "string" || !isObject(recipe.changes)) {
    throw new RecipeError("a recipe must be an object with the texts id and name, a base and changes");
  }
  if (recipe.base !== "grpo@1") throw new RecipeError(`a recipe is a difference from grpo@1, got base ${JSON.stringify(recipe.base)}`);
  const structure = STRUCTURE.find((part) => recipe[part] !== undefined) ?? (recipe.medium === "flow" ? "a flow model" : undefined);
  if (structure) throw new RecipeError(`${recipe.name} needs ${structure}, which the loop does not run yet`);
  return { ...withChanges(grpo(), recipe.changes), id: recipe.id, name: recipe.name };
}

/**
 * The recipe of a kept run, checked against the plug-ins of this program. What did not exist when it was kept has its frozen default.
 * @throws RecipeError naming the slot or parameter that is unknown or out of range.
 */
export function checkResolved(kept: unknown): ResolvedRecipe {
  if (!isObject(kept) || typeof kept.id !== "string" || typeof kept.name !== "string" || !isObject(kept.slots)) {
    throw new RecipeError("a run's recipe must be an object with the texts id and name, and slots");
  }
  const lists = kept.lists ?? {};
  if (!isObject(lists)) throw new RecipeError("a run's recipe must have an object of lists");
  for (const [slot, use] of Object.entries(kept.slots)) {
    if (SLOTS.includes(slot as Slot) && isObject(use)) pluginOf(slot as Slot, String(use.plugin));
  }
  return { ...withChanges(grpo(), { ...kept.slots, ...lists }), id: kept.id, name: kept.name };
}

/**
 * One change by path, as a knob or `--set` makes it: `slot.param=value`, or `slot=plugin` to replace the plug-in. A list slot's members are
 * written `shapers=a,b` (nothing empties it; those that stay keep their parameters), and their parameters `shapers.a.param=value`.
 * @throws RecipeError if there is no such slot or parameter, or the value is out of range.
 */
export function withChange(recipe: ResolvedRecipe, path: string, value: number | boolean | string): ResolvedRecipe {
  const [slot, ...names] = path.split(".");
  const list = isList(slot);
  if (!(list ? names.length === 0 || names.length === 2 : SLOTS.includes(slot as Slot) && names.length < 2)) {
    const known = [...SLOTS, ...LIST_SLOTS].join(", ");
    throw new RecipeError(
      `there is no parameter ${JSON.stringify(path)}; write slot.param (or list.plugin.param), where slot is one of ${known}`,
    );
  }
  if (list) {
    const old = recipe.lists[slot];
    if (names.length === 0) {
      const ids = String(value)
        .split(",")
        .map((id) => id.trim())
        .filter((id) => id !== "");
      const items = ids.map((plugin) => old.find((use) => use.plugin === plugin) ?? { plugin });
      return { ...recipe, lists: { ...recipe.lists, [slot]: fillList(slot, items) } };
    }
    const [plugin, name] = names;
    if (!old.some((use) => use.plugin === plugin)) {
      throw new RecipeError(`${slot} does not hold ${JSON.stringify(plugin)}; add it with ${slot}=${plugin}`);
    }
    const items = old.map((use) => (use.plugin === plugin ? fill(slot, plugin, { ...use.params, [name]: value }) : use));
    return { ...recipe, lists: { ...recipe.lists, [slot]: items } };
  }
  const old = recipe.slots[slot as Slot];
  const filled =
    names.length === 0 ? fill(slot as Slot, String(value), {}) : fill(slot as Slot, old.plugin, { ...old.params, [names[0]]: value });
  return { ...recipe, slots: { ...recipe.slots, [slot]: filled } };
}

/** The declaration behind `slot.param` or `list.plugin.param`, if the recipe has such a parameter. */
export function parameterAt(recipe: ResolvedRecipe, path: string): Parameter | undefined {
  const [slot, ...names] = path.split(".");
  if (isList(slot)) {
    const [plugin, name] = names;
    return name !== undefined && recipe.lists[slot].some((use) => use.plugin === plugin)
      ? pluginOf(slot, plugin).parameters[name]
      : undefined;
  }
  if (!SLOTS.includes(slot as Slot) || names.length !== 1) return undefined;
  return pluginOf(slot as Slot, recipe.slots[slot as Slot].plugin).parameters[names[0]];
}

/** A value as text (from a command line or link) read as the parameter's type. Text that does not fit is left for `checkValue` to refuse. */
export function parseValue(recipe: ResolvedRecipe, path: string, text: string): number | boolean | string {
  const parameter = parameterAt(recipe, path);
  if (parameter?.kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (parameter?.kind === "number" || parameter?.kind === "integer")
    return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
  return text;
}

/**
 * All parameters flat, `slot.param` → value, with the plug-in of each slot under the slot's own name; a list slot's members under its name,
 * joined by commas, and their parameters as `list.plugin.param`. Empty lists are absent.
 */
export function settingsOf(recipe: ResolvedRecipe): Record<string, number | boolean | string> {
  const flat: Record<string, number | boolean | string> = {};
  for (const slot of SLOTS) {
    flat[slot] = recipe.slots[slot].plugin;
    for (const [name, value] of Object.entries(recipe.slots[slot].params)) flat[`${slot}.${name}`] = value;
  }
  for (const list of LIST_SLOTS) {
    if (recipe.lists[list].length > 0) flat[list] = recipe.lists[list].map((use) => use.plugin).join(",");
    for (const { plugin, params } of recipe.lists[list]) {
      for (const [name, value] of Object.entries(params)) flat[`${list}.${plugin}.${name}`] = value;
    }
  }
  return flat;
}

/** The recipe in force at a step (from 1): every schedule replaced by its value there. */
export function recipeAt(recipe: ResolvedRecipe, step: number): ResolvedRecipe {
  const at = (slot: Slot | ListSlot, { plugin, params }: Use): Use => ({
    plugin,
    params: parametersAt(pluginOf(slot, plugin).parameters, params, step),
  });
  return {
    ...recipe,
    slots: Object.fromEntries(SLOTS.map((slot) => [slot, at(slot, recipe.slots[slot])])) as ResolvedRecipe["slots"],
    lists: Object.fromEntries(
      LIST_SLOTS.map((list) => [list, recipe.lists[list].map((use) => at(list, use))]),
    ) as unknown as ResolvedRecipe["lists"],
  };
}

/** What a recipe's plug-ins need measured. */
export function needsOf(recipe: ResolvedRecipe, besides?: Slot): ReadonlySet<Need> {
  const needs = (plugin: PluginDeclaration, params: Parameters) => [...(plugin.needs ?? []), ...(plugin.needsOf?.(params) ?? [])];
  return new Set([
    ...SLOTS.filter((slot) => slot !== besides).flatMap((slot) =>
      needs(pluginOf(slot, recipe.slots[slot].plugin), recipe.slots[slot].params),
    ),
    ...LIST_SLOTS.flatMap((list) => recipe.lists[list].flatMap((use) => needs(pluginOf(list, use.plugin), use.params))),
  ]);
}

/** The formula of a plug-in in use, with its parameters (LaTeX). */
export function formulaOf(slot: Slot | ListSlot, { plugin, params }: Use): string {
  const declaration: PluginDeclaration = pluginOf(slot, plugin);
  return declaration.latexOf?.(params) ?? declaration.explanation.latex;
}

/** The terms of a plug-in in use, with the symbols that its parameters give them. */
export function termsOf(slot: Slot | ListSlot, { plugin, params }: Use): PluginDeclaration["terms"] {
  const declaration: PluginDeclaration = pluginOf(slot, plugin);
  const renamed = declaration.symbolsOf?.(params) ?? {};
  return Object.fromEntries(
    Object.entries(declaration.terms).map(([name, term]) => [name, { ...term, symbol: renamed[name] ?? term.symbol }] as const),
  );
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
