import { RecipeError } from "../algorithm/plugin.ts";
import { SOURCES } from "../algorithm/sources.ts";
import { ATLAS_RECIPES } from "./atlas/index.ts";
import { PLANNED } from "./planned.ts";
import type { Recipe } from "./recipe.ts";
import { STANDARD } from "./standard.ts";
import { afterTraining, late, NO_LOSS, TOY, TOY_BUDGET } from "./toy.ts";

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
    claim: {
      sentence: "Wrong answers stay shorter than with GRPO's mean over each answer's tokens, at no loss of pass@1.",
      baseline: { recipe: "grpo", changes: { aggregation: "sequence-mean-token-mean" } },
      settings: TOY,
      budget: TOY_BUDGET,
      conditions: [
        {
          sentence: "Wrong answers are shorter in the last twenty steps.",
          measure: late("completions/mean_length_wrong"),
          direction: "lower",
          margin: 0,
        },
        NO_LOSS,
      ],
    },
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
    claim: {
      sentence: "Entropy stays higher and pass@8 ends higher than with GRPO, replaced groups paid for, at no loss of pass@1.",
      baseline: { recipe: "grpo" },
      settings: TOY,
      budget: TOY_BUDGET,
      conditions: [
        { sentence: "Entropy on held-out problems ends higher.", measure: afterTraining("eval/entropy"), direction: "higher", margin: 0 },
        { sentence: "pass@8 after training is higher.", measure: afterTraining("pass@8"), direction: "higher", margin: 0 },
        NO_LOSS,
      ],
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
