// @vitest-environment node
import fc from "fast-check";
import { expect, it } from "vitest";
import { recipeById } from "../../recipes/index.ts";
import { resolveRecipe, withChange } from "../../recipes/recipe.ts";
import { recordedRun } from "../testing.ts";
import { pointAt } from "./cursor.ts";
import { axisEnd, MAIN_CHART, MOST_POINTS, type Point, pointsOf, recipeCharts, SMALL_CHARTS, withOverlays } from "./series.ts";

const history = (steps: number) =>
  Array.from({ length: steps }, (_, i) => ({ step: i + 1, reward: i % 2, ...(i % 10 === 9 ? { "pass@1": i / steps } : {}) }));

it("draws every step of a short run, and the base policy at step 0", () => {
  const points = pointsOf(history(20), MAIN_CHART.lines, { "pass@1": 0.2, entropy: 1 });
  expect(points[0]).toEqual({ step: 0, "pass@1": 0.2 });
  expect(points.slice(1).map((p) => p.step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  expect(pointsOf([], MAIN_CHART.lines)).toEqual([]);
});

it("thins long runs by averaging, and never loses the newest step or measurement", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), (steps) => {
      const points = pointsOf(history(steps), MAIN_CHART.lines, { "pass@1": 0 });
      expect(points.length).toBeLessThanOrEqual(MOST_POINTS);
      expect(points.at(-1)!.step).toBe(steps);
      const measured = history(steps).findLast((m) => "pass@1" in m)?.["pass@1"] ?? 0;
      expect(pointAt(points, "pass@1", undefined)).toBe(measured);
      for (const { reward } of points.slice(1)) expect(reward >= 0 && reward <= 1).toBe(true);
    }),
  );
  expect(pointsOf(history(400), MAIN_CHART.lines)[3].reward).toBe(0.6);
});

it("reads the value at a step, or the last one before it", () => {
  const points: Point[] = [
    { step: 0, "pass@1": 0.1 },
    { step: 5, reward: 0.3 },
    { step: 10, reward: 0.6, "pass@1": 0.4 },
  ];
  expect(pointAt(points, "reward", 7)).toBe(0.6);
  expect(pointAt(points, "pass@1", 5)).toBe(0.1);
  expect(pointAt(points, "reward", 0)).toBeUndefined();
  expect(pointAt(points, "reward", 99)).toBe(0.6);
});

it("ends the axis at a round number", () => {
  expect([0, 10, 11, 42, 61, 99, 101, 1234].map(axisEnd)).toEqual([10, 10, 20, 50, 80, 100, 200, 2000]);
});

it("draws what a recipe measures beyond the others: its losses, its parts of the reward, its plug-ins' own numbers", async () => {
  const { last } = await recordedRun({ losses: "entropy", "reward.formatWeight": 0.2, objective: "cispo" });
  const recipe = withChange(withChange(resolveRecipe(recipeById("grpo")), "losses", "entropy"), "objective", "cispo");
  const charts = recipeCharts(recipe, last.metrics!);
  const metrics = charts.flatMap((chart) => chart.lines.map((line) => line.metric));
  for (const name of ["loss/entropy", "rewards/correct/mean", "rewards/form/mean", "cispo_clip_ratio", "entropy_coef"]) {
    expect(metrics).toContain(name);
  }
  expect(charts.find((chart) => chart.id === "loss entropy")!.title).toBe("Loss: Entropy bonus");
  expect(new Set([...SMALL_CHARTS, ...charts].map((chart) => chart.id)).size).toBe(SMALL_CHARTS.length + charts.length);
  // Nothing for a recipe that has nothing of its own, until an update is skipped or a group thrown away.
  const { last: plain } = await recordedRun();
  const grpo = resolveRecipe(recipeById("grpo"));
  expect(recipeCharts(grpo, plain.metrics!)).toEqual([]);
  expect(recipeCharts(grpo, { ...plain.metrics!, updates_skipped: 2 }).map((chart) => chart.title)).toEqual(["Updates skipped"]);
});

it("puts other runs' curves beside a chart's own, by step", () => {
  const own = pointsOf(history(3), MAIN_CHART.lines, { "pass@1": 0.2 });
  const other = { key: "b reward", metric: "reward", name: "reward", colour: "red", dash: "none", history: history(5) };
  const points = withOverlays(own, [other]);
  expect(points.map((p) => p.step)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(points[2]).toEqual({ step: 2, reward: 1, "b reward": 1 });
  expect(points[5]).toEqual({ step: 5, "b reward": 0 });
  expect(withOverlays(own, [])).toBe(own);
});
