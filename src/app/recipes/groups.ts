import { ATLAS_RECIPES } from "../../recipes/atlas/index.ts";
import { misfit } from "../../recipes/fits.ts";
import { RECIPES } from "../../recipes/index.ts";
import { PLANNED } from "../../recipes/planned.ts";
import { missingFor, type Recipe, resolveRecipe, withChange } from "../../recipes/recipe.ts";
import { SLOT_NAMES, type Slot } from "../../recipes/slots.ts";

/** The recipes by what they change. */
export interface RecipeGroup {
  readonly title: string;
  readonly recipes: readonly Recipe[];
}

export const runnable = (recipe: Recipe) => missingFor(recipe).length === 0;

function kindOf(recipe: Recipe): string {
  if (!runnable(recipe)) return WAITING;
  if (ATLAS_RECIPES.includes(recipe)) return "From single papers";
  if (recipe.changes.advantage?.plugin) return "Other advantages";
  if (recipe.changes.objective?.plugin) return "Other objectives";
  return "GRPO and close kin";
}

const WAITING = "Not runnable yet";
const TITLES = ["GRPO and close kin", "Other advantages", "Other objectives", "From single papers", WAITING];

/** Every shipped and planned recipe, in groups. */
export const GROUPS: readonly RecipeGroup[] = TITLES.map((title) => ({
  title,
  recipes: [...RECIPES, ...PLANNED].filter((recipe) => kindOf(recipe) === title),
})).filter(({ recipes }) => recipes.length > 0);

/** Those that can run, as the header's list has them. */
export const RUNNABLE_GROUPS = GROUPS.filter(({ title }) => title !== WAITING);

const misfits = new Map<string, ReadonlyMap<string, string>>();

/** The recipes that can run, but not on this task, each with why and what to do. */
export function misfitsOn(task: string): ReadonlyMap<string, string> {
  let found = misfits.get(task);
  if (!found) {
    const all = RECIPES.filter(runnable).map((recipe) => [recipe.id, misfit(withChange(resolveRecipe(recipe), "task", task))] as const);
    found = new Map(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
    misfits.set(task, found);
  }
  return found;
}

const PARTS: Readonly<Record<string, string>> = {
  mixture: "several tasks at once",
  curriculum: "an order of prompts over time",
  references: "reference policies of its own",
  pools: "buffers that learners share",
  learners: "several learners",
  program: "stages that follow one another",
};

/** What a recipe waits for, in words. */
export function waitsFor(recipe: Recipe): string[] {
  return missingFor(recipe).map((missing) => {
    const [slot, plugin] = missing.split(" ");
    return PARTS[missing] ?? (slot in SLOT_NAMES ? `${SLOT_NAMES[slot as Slot].toLowerCase()} “${plugin}”` : missing);
  });
}

/** Whether all words occur in what a recipe says of itself. */
export function mentions(recipe: Recipe, words: readonly string[]): boolean {
  const text = [recipe.name, recipe.id, recipe.summary, recipe.explanation, recipe.source?.title, recipe.claim?.sentence]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}
