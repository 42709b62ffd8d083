import { evaluationMetrics } from "../loop/metrics.ts";
import type { Metrics } from "../loop/record.ts";
import { type Base, Run } from "../loop/run.ts";
import type { Engine } from "../policy/engine.ts";
import type { ResolvedRecipe } from "../recipes/recipe.ts";

/** The same recipe or recipes from several seeds, one run after another, beside the run on screen. */

export interface SweepRequest {
  /** One recipe, or two to compare. */
  readonly arms: readonly ResolvedRecipe[];
  readonly policy: string;
  readonly seeds: readonly number[];
  /** Of each run. */
  readonly steps: number;
}

export type SweepEvent =
  | { type: "step"; arm: number; seed: number; metrics: Metrics }
  /** A run is complete; `end` is the evaluation on held-out problems after its last step. */
  | { type: "run"; arm: number; seed: number; end: Metrics }
  | { type: "done" }
  /** One sentence; nothing comes after it. */
  | { type: "failed"; message: string };

/**
 * Runs every arm from every seed, seed by seed, so that a sweep that is stopped leaves whole pairs.
 * @throws RecipeError for a setup that cannot run; EngineError.
 */
export async function runSweep(engine: Engine, base: Base, request: SweepRequest, emit: (event: SweepEvent) => void): Promise<void> {
  for (const seed of request.seeds) {
    for (const [arm, recipe] of request.arms.entries()) {
      const run = await Run.open(engine, { recipe, policy: request.policy, seed }, base);
      try {
        while (run.step < request.steps) {
          const { metrics } = await run.complete(run.step + 1 < request.steps);
          emit({ type: "step", arm, seed, metrics: metrics! });
        }
        emit({ type: "run", arm, seed, end: evaluationMetrics(await run.evaluate("policy")) });
      } finally {
        run.dispose();
      }
    }
  }
  emit({ type: "done" });
}
