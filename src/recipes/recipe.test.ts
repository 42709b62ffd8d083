import { describe, expect, it } from "vitest";
import { RecipeError } from "../algorithm/plugin.ts";
import { RECIPES, recipeById } from "./index.ts";
import { PLANNED } from "./planned.ts";
import {
  checkResolved,
  differences,
  grpo,
  missingFor,
  parseValue,
  type Recipe,
  recipeAt,
  resolveRecipe,
  settingsOf,
  withChange,
} from "./recipe.ts";
import { PLUGINS, SLOTS } from "./slots.ts";

describe("recipes", () => {
  it("keeps grpo@1 as it was frozen: other recipes are differences from it", () => {
    expect(settingsOf(grpo())).toMatchObject({
      task: "countdown",
      "task.problems": 0,
      sampler: "temperature",
      "sampler.promptsPerStep": 16,
      "sampler.groupSize": 8,
      "sampler.temperature": 1,
      "sampler.topK": 0,
      "sampler.topP": 1,
      "sampler.minP": 0,
      groupFilter: "none",
      reward: "verdict",
      "reward.formatWeight": 0,
      "reward.overlongBuffer": 0,
      advantage: "group",
      "advantage.baseline": "mean",
      "advantage.scale": "std",
      "advantage.scope": "group",
      "advantage.ddof": 1,
      "advantage.eps": 1e-6,
      objective: "clipped",
      "objective.clipLow": 0.2,
      "objective.clipHigh": 0.2,
      "objective.dualClip": 0,
      aggregation: "token-mean",
      "aggregation.maskTruncated": false,
      kl: "k3",
      "kl.coefficient": 0,
      optimizer: "adamw",
      "optimizer.miniBatches": 2,
      "optimizer.epochs": 2,
      "optimizer.schedule": "constant",
    });
  });

  it("resolves every recipe that ships, and its differences are what it says", () => {
    for (const recipe of RECIPES) expect(() => resolveRecipe(recipe), recipe.id).not.toThrow();
    expect(differences(grpo(), resolveRecipe(recipeById("grpo")))).toEqual([]);
    expect(differences(grpo(), resolveRecipe(recipeById("dr-grpo"))).map((d) => d.path)).toEqual([
      "advantage.scale",
      "aggregation",
      "aggregation.maxLength",
    ]);
    expect(differences(grpo(), resolveRecipe(recipeById("dapo")))).toContainEqual({ path: "objective.clipHigh", from: 0.2, to: 0.28 });
  });

  it("survives JSON", () => {
    for (const recipe of RECIPES) expect(resolveRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(resolveRecipe(recipe));
  });

  it("declares parameters whose defaults and sliders lie in their ranges", () => {
    for (const slot of SLOTS) {
      for (const plugin of PLUGINS[slot]) {
        for (const [name, parameter] of Object.entries(plugin.parameters)) {
          const where = `${slot}=${plugin.id}.${name}`;
          if (parameter.kind === "number" || parameter.kind === "integer") {
            for (const value of [parameter.default, parameter.slider[0], parameter.slider[1]]) {
              expect(value >= parameter.min && value <= parameter.max, where).toBe(true);
            }
          }
          if (parameter.kind === "choice")
            expect(
              parameter.options.map((o) => o.value),
              where,
            ).toContain(parameter.default);
        }
      }
    }
  });

  it.each<[string, unknown]>([
    ["an unknown slot", { base: "grpo@1", changes: { mood: {} } }],
    ["an unknown plug-in", { base: "grpo@1", changes: { advantage: { plugin: "magic" } } }],
    ["an unknown parameter", { base: "grpo@1", changes: { advantage: { params: { magic: 1 } } } }],
    ["a value out of range", { base: "grpo@1", changes: { objective: { params: { clipLow: 2 } } } }],
    ["a value of the wrong type", { base: "grpo@1", changes: { objective: { params: { clipLow: "0.2" } } } }],
    ["another base", { base: "grpo@2", changes: {} }],
    ["no changes", { base: "grpo@1" }],
    ["changes that are no object", { base: "grpo@1", changes: "none" }],
    ["a slot that is no object", { base: "grpo@1", changes: { advantage: null } }],
    ["parameters that are no object", { base: "grpo@1", changes: { advantage: { params: 3 } } }],
    ["a parameter that only objects have", { base: "grpo@1", changes: { advantage: { params: { constructor: 1 } } } }],
    ["a name that is no text", { base: "grpo@1", changes: {}, name: 3 }],
  ])("refuses %s", (_, recipe) => {
    expect(() => resolveRecipe({ id: "x", name: "x", summary: "", ...(recipe as object) } as Recipe)).toThrow(RecipeError);
  });

  it("checks the recipe of a kept run; what is new since then has its default", () => {
    const kept = JSON.parse(JSON.stringify(resolveRecipe(recipeById("dapo"))));
    expect(checkResolved(kept)).toEqual(resolveRecipe(recipeById("dapo")));
    delete kept.slots.kl;
    delete kept.slots.objective.params.dualClip;
    expect(checkResolved(kept)).toEqual(resolveRecipe(recipeById("dapo")));
    const broken: [unknown, RegExp][] = [
      [null, /must be an object/],
      [{ ...kept, slots: undefined }, /must be an object/],
      [{ ...kept, slots: { ...kept.slots, mood: { plugin: "good", params: {} } } }, /no slot "mood"/],
      [{ ...kept, slots: { ...kept.slots, kl: { plugin: "magic", params: {} } } }, /kl has no plug-in "magic"/],
      [{ ...kept, slots: { ...kept.slots, kl: {} } }, /kl has no plug-in/],
      [{ ...kept, slots: { ...kept.slots, kl: { plugin: "k3", params: { coefficient: -1 } } } }, /kl.coefficient/],
    ];
    for (const [recipe, message] of broken) {
      expect(() => checkResolved(recipe)).toThrow(RecipeError);
      expect(() => checkResolved(recipe)).toThrow(message);
    }
  });

  it("changes one thing by path, and reads values from text", () => {
    const changed = withChange(grpo(), "advantage.scale", "none");
    expect(differences(grpo(), changed)).toEqual([{ path: "advantage.scale", from: "std", to: "none" }]);
    expect(differences(withChange(changed, "advantage.scale", "std"), grpo())).toEqual([]);
    expect(settingsOf(withChange(grpo(), "aggregation", "constant-length"))["aggregation.maxLength"]).toBe(0);
    expect(parseValue(grpo(), "sampler.groupSize", "12")).toBe(12);
    expect(parseValue(grpo(), "aggregation.maskTruncated", "true")).toBe(true);
    expect(parseValue(grpo(), "advantage.scale", "none")).toBe("none");
    for (const [path, text] of [
      ["sampler.groupSize", "twelve"],
      ["aggregation.maskTruncated", "1"],
      ["sampler.groupSize", ""],
    ] as const) {
      expect(() => withChange(grpo(), path, parseValue(grpo(), path, text))).toThrow(RecipeError);
    }
  });
});

describe("list slots and schedules", () => {
  const weights = PLUGINS.tokenWeights.map((p) => p.id);

  it("start empty in GRPO, and refuse what is unknown", () => {
    expect(settingsOf(grpo())).not.toHaveProperty("shapers");
    expect(() => withChange(grpo(), "shapers", "magic")).toThrow(/shapers has no plug-in "magic"/);
    expect(() => withChange(grpo(), "tokenWeights.none.x", 1)).toThrow(/does not hold "none"; add it with tokenWeights=none/);
    expect(() => withChange(grpo(), "shapers.a", 1)).toThrow(RecipeError);
    const changes = { losses: { plugin: "x" } } as unknown as Recipe["changes"];
    expect(() => resolveRecipe({ id: "x", name: "x", summary: "", base: "grpo@1", changes })).toThrow(/losses must be a list/);
  });

  it("are set by a list of ids; members keep their parameters", () => {
    const both = withChange(grpo(), "tokenWeights", `${weights[0]}, ${weights[1]}`);
    expect(settingsOf(both).tokenWeights).toBe(`${weights[0]},${weights[1]}`);
    expect(differences(grpo(), withChange(both, "tokenWeights", ""))).toEqual([]);
    expect(() => withChange(grpo(), "tokenWeights", `${weights[0]},${weights[0]}`)).toThrow(/twice/);
    expect(checkResolved(JSON.parse(JSON.stringify(both)))).toEqual(both);
  });

  it("resolves schedules at a step and refuses bad ones", () => {
    const scheduled = withChange(grpo(), "objective.clipHigh", parseValue(grpo(), "objective.clipHigh", "0.4 to 0.2 over 10"));
    expect(recipeAt(scheduled, 1).slots.objective.params.clipHigh).toBe(0.4);
    expect(recipeAt(scheduled, 11).slots.objective.params.clipHigh).toBe(0.2);
    expect(() => withChange(grpo(), "objective.clipHigh", "0.4 to 99 over 10")).toThrow(RecipeError);
  });

  it("refuses recipes whose parts the loop does not run, in words", () => {
    const recipe: Recipe = {
      id: "x",
      name: "Two learners",
      summary: "",
      base: "grpo@1",
      changes: {},
      learners: { a: { policy: "nano", changes: {} } },
    };
    expect(() => resolveRecipe(recipe)).toThrow("Two learners needs learners, which the loop does not run yet");
    expect(missingFor({ ...recipe, changes: { shapers: [{ plugin: "magic" }] } })).toEqual(["learners", "shapers magic"]);
  });
});

describe("recipes that the loop cannot run yet", () => {
  it("say what they wait for, and are refused when resolved", () => {
    const waiting = Object.fromEntries(PLANNED.map((recipe) => [recipe.id, missingFor(recipe)]));
    expect(waiting.tango).toEqual(expect.arrayContaining(["learners", "program", "pools"]));
    expect(waiting.awm).toContain("a flow model");
    for (const recipe of PLANNED) {
      expect(waiting[recipe.id].length, recipe.id).toBeGreaterThan(0);
      expect(() => resolveRecipe(recipeById(recipe.id)), recipe.id).toThrow(RecipeError);
      expect(JSON.parse(JSON.stringify(recipe))).toEqual(recipe);
    }
  });
});
