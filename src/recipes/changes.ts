import { RecipeError } from "../algorithm/plugin.ts";
import { pluginOf, type ResolvedRecipe, type Use, withChange } from "./recipe.ts";
import { LIST_SLOTS, type ListSlot, SLOTS, type Slot } from "./slots.ts";

/** A change by path, as a knob, a link or `--set` makes it. */
export type Change = readonly [path: string, value: number | boolean | string];

/** What differs, from the plug-in's parameters as they stand there. */
function parameterChanges(where: string, { params }: Use, from: Use["params"]): Change[] {
  return Object.entries(params)
    .filter(([name, value]) => from[name] !== value)
    .map(([name, value]) => [`${where}.${name}`, value] as const);
}

function defaultsOf(slot: Slot | ListSlot, plugin: string): Use["params"] {
  return Object.fromEntries(Object.entries(pluginOf(slot, plugin).parameters).map(([name, parameter]) => [name, parameter.default]));
}

/** The changes that, made in this order, turn one recipe into another; none where the two agree. */
export function changesBetween(from: ResolvedRecipe, to: ResolvedRecipe): Change[] {
  const changes: Change[] = [];
  for (const slot of SLOTS) {
    const [old, wanted] = [from.slots[slot], to.slots[slot]];
    const stays = old.plugin === wanted.plugin;
    if (!stays) changes.push([slot, wanted.plugin]);
    changes.push(...parameterChanges(slot, wanted, stays ? old.params : defaultsOf(slot, wanted.plugin)));
  }
  for (const list of LIST_SLOTS) {
    const [old, wanted] = [from.lists[list], to.lists[list]];
    const names = (uses: readonly Use[]) => uses.map((use) => use.plugin).join(",");
    if (names(old) !== names(wanted)) changes.push([list, names(wanted)]);
    for (const use of wanted) {
      const before = old.find((o) => o.plugin === use.plugin)?.params ?? defaultsOf(list, use.plugin);
      changes.push(...parameterChanges(`${list}.${use.plugin}`, use, before));
    }
  }
  return changes;
}

/** @throws RecipeError at the first change that names nothing or does not fit. */
export function withAllChanges(recipe: ResolvedRecipe, changes: readonly Change[]): ResolvedRecipe {
  return changes.reduce((r, [path, value]) => withChange(r, path, value), recipe);
}

/** The same, but a change that does not fit is left out. */
export function withFittingChanges(recipe: ResolvedRecipe, changes: readonly Change[]): ResolvedRecipe {
  return changes.reduce((r, [path, value]) => {
    try {
      return withChange(r, path, value);
    } catch (error) {
      if (error instanceof RecipeError) return r;
      throw error;
    }
  }, recipe);
}
