import fc from "fast-check";
import { LANGUAGES } from "../algorithm/expression/language.ts";
import type { Parameter } from "../algorithm/plugin.ts";
import { RECIPES } from "./index.ts";
import { pluginOf, type ResolvedRecipe, resolveRecipe, withChange } from "./recipe.ts";
import { LIST_SLOTS, PLUGINS, SLOTS } from "./slots.ts";

/** Any recipe that a person could turn to, for property tests. */

/** Formulas of every slot; each parameter takes those that it can read. */
const FORMULAS = Object.values(LANGUAGES).flatMap(({ examples }) => examples.map(({ formula }) => formula));

function anyValue(parameter: Parameter): fc.Arbitrary<number | boolean | string> {
  switch (parameter.kind) {
    case "boolean":
      return fc.boolean();
    case "choice":
      return fc.constantFrom(...parameter.options.map((option) => option.value));
    case "text":
      return fc.constantFrom(parameter.default, ...FORMULAS).filter((text) => {
        try {
          parameter.check(text);
          return true;
        } catch {
          return false;
        }
      });
    case "integer":
      return fc.oneof(
        fc.integer({ min: parameter.min, max: parameter.max }),
        fc.constant(`${parameter.min} to ${parameter.max} over 100 cosine`),
      );
    case "number":
      return fc.oneof(
        fc.double({ min: parameter.min, max: parameter.max, noNaN: true }).map((x) => (x === 0 ? 0 : x)),
        fc.constant(`${parameter.min} to ${parameter.max} over 20`),
      );
  }
}

const anyChange = (recipe: ResolvedRecipe): fc.Arbitrary<readonly [string, number | boolean | string]> => {
  const inForce = [
    ...SLOTS.map((slot) => [slot, pluginOf(slot, recipe.slots[slot].plugin)] as const),
    ...LIST_SLOTS.flatMap((list) => recipe.lists[list].map((use) => [`${list}.${use.plugin}`, pluginOf(list, use.plugin)] as const)),
  ];
  const turns = inForce.flatMap(([where, plugin]) =>
    Object.entries(plugin.parameters).map(([name, parameter]) => anyValue(parameter).map((value) => [`${where}.${name}`, value] as const)),
  );
  const choices = SLOTS.map((slot) => fc.constantFrom(...PLUGINS[slot].map((p) => p.id)).map((id) => [slot, id] as const));
  const members = LIST_SLOTS.map((list) =>
    fc.shuffledSubarray(PLUGINS[list].map((p) => p.id)).map((ids) => [list, ids.join(",")] as const),
  );
  return fc.oneof(...turns, fc.oneof(...choices), fc.oneof(...members));
};

/** A shipped recipe with some knobs turned. */
export const anyRecipe: fc.Arbitrary<ResolvedRecipe> = fc
  .tuple(fc.constantFrom(...RECIPES), fc.integer({ min: 0, max: 12 }))
  .chain(([recipe, turns]) => {
    let arbitrary = fc.constant(resolveRecipe(recipe));
    for (let i = 0; i < turns; i++) {
      arbitrary = arbitrary.chain((r) => anyChange(r).map(([path, value]) => withChange(r, path, value)));
    }
    return arbitrary;
  });
