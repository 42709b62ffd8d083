import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changesBetween, withAllChanges, withFittingChanges } from "./changes.ts";
import { grpo, settingsOf, withChange } from "./recipe.ts";
import { anyRecipe } from "./testing.ts";

describe("changes between recipes", () => {
  it("turn any recipe into any other", () => {
    fc.assert(
      fc.property(anyRecipe, anyRecipe, (from, to) => {
        expect(settingsOf(withAllChanges(from, changesBetween(from, to)))).toEqual(settingsOf(to));
      }),
      { numRuns: 60 },
    );
  });

  it("are none where nothing differs, and as few as can be", () => {
    expect(changesBetween(grpo(), grpo())).toEqual([]);
    const turned = withChange(withChange(grpo(), "shapers", "whiten"), "shapers.whiten.over", "rollouts");
    expect(changesBetween(grpo(), turned)).toEqual([
      ["shapers", "whiten"],
      ["shapers.whiten.over", "rollouts"],
    ]);
    expect(changesBetween(turned, withChange(turned, "shapers", "whiten,confidence"))).toEqual([["shapers", "whiten,confidence"]]);
    expect(changesBetween(turned, grpo())).toEqual([["shapers", ""]]);
  });

  it("that do not fit are left out where that is asked for", () => {
    const changes = [
      ["objective", "gspo"],
      ["objective.dualClip", 3],
      ["sampler.groupSize", 5],
    ] as const;
    const fitting = withFittingChanges(grpo(), changes);
    expect(changesBetween(grpo(), fitting)).toEqual([
      ["sampler.groupSize", 5],
      ["objective", "gspo"],
    ]);
    expect(() => withAllChanges(grpo(), changes)).toThrow(/dualClip/);
  });
});
