import { describe, expect, it } from "vitest";
import { metricName } from "../loop/metric-names.ts";
import { RECIPES } from "../recipes/index.ts";
import { OUTCOMES } from "../recipes/outcomes.ts";
import { differences } from "../recipes/recipe.ts";
import { metricsIn } from "./measure.ts";
import { armsOf, claimHash, claimOf } from "./run-claim.ts";
import { combine } from "./statistics.ts";

const claimed = RECIPES.filter(({ claim }) => claim);

describe("the claims that ship", () => {
  it.each(claimed.map((recipe) => [recipe.id, recipe] as const))(
    "%s resolves, compares two things, and measures what there is",
    (_, recipe) => {
      for (const { method, baseline } of armsOf(recipe)) {
        if (typeof baseline !== "number") expect(differences(method, baseline).length).toBeGreaterThan(0);
      }
      for (const { measure } of claimOf(recipe).conditions) {
        for (const metric of metricsIn(measure)) {
          // Metrics that belong to one plug-in are not in the table.
          if (!metric.startsWith("self_reward/")) expect(metricName(metric), metric).toBeDefined();
        }
      }
    },
  );
});

describe("recorded outcomes", () => {
  it("are about the recipes and claims as they are now", () => {
    for (const [id, recorded] of Object.entries(OUTCOMES)) {
      const recipe = claimed.find((r) => r.id === id);
      expect(recipe, `${id} has a recorded outcome and no claim`).toBeDefined();
      expect(recorded.hash, `${id} has changed: check its claim again with rlvr claim ${id} --record`).toBe(claimHash(recipe!));
      expect(recorded.outcome).toBe(combine(recorded.conditions.map((condition) => condition.outcome)));
    }
  });
});
