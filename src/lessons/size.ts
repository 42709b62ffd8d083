import type { RunSetup } from "../loop/run.ts";
import { type Change, withAllChanges } from "../recipes/changes.ts";
import { recipeById } from "../recipes/index.ts";
import { type ResolvedRecipe, resolveRecipe } from "../recipes/recipe.ts";
import { taskById } from "../tasks/index.ts";
import { type Lesson, type LessonSetup, type Settings, type Size, trainingSteps } from "./lesson.ts";

/** Lessons keep their minutes on a slow machine and on a fast one: the model and the batch follow the speed that was measured there. */

export interface Speed {
  /** Tokens generated over a whole step's time, learning included. */
  readonly tokensPerSecond: number;
  /** The policy with which it was measured, and its parameters. */
  readonly policy: string;
  readonly parameters: number;
}

/** The recipe of a lesson's run. @throws RecipeError for a recipe, task or knob that is not there or does not fit. */
export function recipeOf(setup: LessonSetup, size: Size, changes: { recipe?: string; settings?: Settings } = {}): ResolvedRecipe {
  const settings: Change[] = [
    ["task", setup.task],
    ["task.level", setup.level],
    ["sampler.promptsPerStep", size.prompts],
    ["sampler.groupSize", size.group],
    ...Object.entries(setup.settings),
    ...Object.entries(changes.settings ?? {}),
  ];
  return withAllChanges(resolveRecipe(recipeById(changes.recipe ?? setup.recipe)), settings);
}

export function setupOf(lesson: Lesson, size: Size, changes: { recipe?: string; settings?: Settings } = {}): RunSetup {
  return { recipe: recipeOf(lesson.setup, size, changes), policy: size.policy, seed: lesson.setup.seed };
}

/**
 * How long the lesson's training takes (seconds): every answer as long as the task allows, and the time of a token in proportion to the
 * policy's parameters. Both err to the slow side for larger policies and batches, which use a machine better.
 */
export function trainingTime(lesson: Lesson, size: Size, speed: Speed, parameters: number): number {
  const tokens = trainingSteps(lesson) * size.prompts * size.group * taskById(lesson.setup.task).maxNewTokens;
  return (tokens / speed.tokensPerSecond) * (parameters / speed.parameters);
}

/** The largest size that trains within the lesson's time; the smallest if none does. */
export function sizeFor(lesson: Lesson, speed: Speed, parametersOf: (policy: string) => number | undefined): Size {
  const fits = lesson.setup.sizes.filter((size) => {
    const parameters = parametersOf(size.policy);
    return parameters !== undefined && trainingTime(lesson, size, speed, parameters) <= lesson.trainingSeconds;
  });
  return fits.at(-1) ?? lesson.setup.sizes[0];
}

/** Minutes that the lesson takes on this machine: its own, and what its training takes beyond the time set aside for it. */
export function minutesAt(lesson: Lesson, speed: Speed, parametersOf: (policy: string) => number | undefined): number {
  const size = sizeFor(lesson, speed, parametersOf);
  const extra = trainingTime(lesson, size, speed, parametersOf(size.policy) ?? speed.parameters) - lesson.trainingSeconds;
  return Math.ceil(lesson.minutes + Math.max(0, extra) / 60);
}
