import { RecipeError } from "../algorithm/plugin.ts";
import { SOURCES } from "../algorithm/sources.ts";
import { ATLAS_RECIPES } from "./atlas/index.ts";
import { PLANNED } from "./planned.ts";
import type { Recipe } from "./recipe.ts";
import { STANDARD } from "./standard.ts";

/** The recipes that ship. */
export const RECIPES: readonly Recipe[] = [
  {
    id: "grpo",
    name: "GRPO",
    summary: "Sample a group of answers, compare each with its group's average, and make the better ones more probable.",
    source: SOURCES.grpo,
    base: "grpo@1",
    changes: {},
  },
  {
    id: "dr-grpo",
    name: "Dr. GRPO",
    summary: "GRPO without its two biases: advantages are not divided by the spread, and losses not by an answer's own length.",
    source: SOURCES.drGrpo,
    base: "grpo@1",
    changes: { advantage: { params: { scale: "none" } }, aggregation: { plugin: "constant-length" } },
  },
  {
    id: "dapo",
    name: "DAPO",
    summary:
      "GRPO with a higher upper clip bound, fresh prompts in place of groups without signal, and a soft penalty for overlong answers.",
    source: SOURCES.dapo,
    base: "grpo@1",
    changes: {
      objective: { params: { clipHigh: 0.28 } },
      groupFilter: { plugin: "mixed" },
      reward: { params: { overlongBuffer: 4 } },
    },
  },
  ...STANDARD,
  ...ATLAS_RECIPES,
];

/** @throws RecipeError if there is none of that name. One that the loop cannot run yet is found, and refused when it is resolved. */
export function recipeById(id: string): Recipe {
  const recipe = [...RECIPES, ...PLANNED].find((r) => r.id === id);
  if (!recipe) throw new RecipeError(`there is no recipe ${JSON.stringify(id)}; there are ${RECIPES.map((r) => r.id).join(", ")}`);
  return recipe;
}
