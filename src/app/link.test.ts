import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { settingsOf } from "../recipes/recipe.ts";
import { anyRecipe } from "../recipes/testing.ts";
import { DEFAULT_POLICY, DEFAULT_SEED, readLink, writeLink } from "./link.ts";

const policies = ["nano", "tiny"];
const read = (query: string) => readLink(query, policies);

describe("the page's address", () => {
  it("chooses the start of a run", () => {
    const start = read(
      "?policy=nano&task=reverse&level=4&recipe=dapo&seed=11&engine=portable&set=sampler.groupSize=4&set=advantage.scale=none",
    );
    expect(start.problem).toBeUndefined();
    expect(start.engine).toBe("portable");
    expect(start.setup).toMatchObject({ policy: "nano", seed: 11, recipe: { id: "dapo" } });
    const { slots } = start.setup.recipe;
    expect(slots.task).toMatchObject({ plugin: "reverse", params: { level: "4" } });
    expect(slots.sampler.params.groupSize).toBe(4);
    expect(slots.advantage.params.scale).toBe("none");
    expect(slots.objective.params.clipHigh).toBe(0.28);
  });

  it("needs to say nothing", () => {
    expect(read("")).toMatchObject({
      problem: undefined,
      engine: "auto",
      setup: { policy: DEFAULT_POLICY, seed: DEFAULT_SEED, recipe: { id: "grpo" } },
    });
  });

  it.each([
    ["?policy=huge", "huge"],
    ["?task=chess", "chess"],
    ["?level=impossible", "impossible"],
    ["?recipe=magic", "magic"],
    ["?seed=1e99", "1e99"],
    ["?seed=-1", "-1"],
    ["?seed=", '""'],
    ["?engine=quantum", "quantum"],
    ["?set=sampler.groupSize", "sampler.groupSize"],
    ["?set=sampler.groupSize=many", "many"],
    ["?set=sampler.groupSize=100000", "100000"],
    ["?set=mood.good=1", "mood.good"],
    ["?colour=red", "colour"],
  ])("reports %s in a sentence and goes on with the default", (query, named) => {
    const start = read(query);
    expect(start.problem).toContain(named);
    expect({ ...start, problem: undefined }).toEqual(read(""));
  });

  it("reports all that is wrong at once", () => {
    const { problem } = read("?policy=huge&recipe=magic&task=chess&set=foo&seed=abc&engine=quantum&colour=red");
    for (const named of ["huge", "magic", "chess", "set=foo", "abc", "quantum", "colour"]) expect(problem).toContain(named);
  });

  it("survives any text", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("policy", "task", "level", "seed", "set", "x"), fc.string())), (pairs) => {
        const start = read(`?${new URLSearchParams(pairs as [string, string][])}`);
        expect(policies).toContain(start.setup.policy);
      }),
    );
  });
});

describe("a link to a run", () => {
  it("brings any recipe back: lists, schedules and formulas", () => {
    fc.assert(
      fc.property(anyRecipe, fc.constantFrom(...policies), fc.integer({ min: 0, max: 2 ** 32 - 1 }), (recipe, policy, seed) => {
        const { setup, problem } = read(writeLink({ recipe, policy, seed }));
        expect(problem).toBeUndefined();
        expect({ ...setup, recipe: settingsOf(setup.recipe) }).toEqual({ recipe: settingsOf(recipe), policy, seed });
        expect(setup.recipe.id).toBe(recipe.id);
      }),
      { numRuns: 150 },
    );
  });

  it("can be read by a person", () => {
    const { setup } = read("?policy=nano&task=reverse&level=4&recipe=gspo&seed=3&set=shapers=whiten&set=shapers.whiten.over=rollouts");
    expect(writeLink(setup)).toBe(
      "?policy=nano&recipe=gspo&task=reverse&level=4&seed=3&set=shapers=whiten&set=shapers.whiten.over=rollouts",
    );
  });

  it.each([
    ["set=shapers=whiten,whiten", /twice/],
    ["set=shapers=magic", /"magic"/],
    ["set=shapers.whiten.over=tokens", /does not hold "whiten"/],
    ["set=losses=entropy&set=losses.entropy.coefficient=NaN", /coefficient must be a number/],
    ["set=sampler.temperature=1 to 900 over 10", /temperature \(to\)/],
    ["set=sampler.temperature=1 to 0.5 over soon", /temperature must be a number/],
    ["set=sampler.temperature=<script>alert(1)</script>", /temperature must be a number/],
    ["set=objective=expression&set=objective.formula=-ratio *", /formula, line 1/],
    [`set=objective=expression&set=objective.formula=${"(".repeat(100_000)}`, /formula/],
    ["set=objective.__proto__=1", /__proto__/],
    ["set=__proto__.polluted=1", /__proto__/],
    ["set=shapers.constructor.name=1", /constructor/],
    ["set=task.level=constructor", /constructor/],
    ["recipe=tango", /Tango/],
    [Array.from({ length: 500 }, (_, i) => `set=x${i}=1`).join("&"), /and 492 more/],
  ])("that is hostile changes nothing and is refused in one sentence: %.60s", (query, told) => {
    const start = read(`?${query}`);
    expect(start.problem).toMatch(told);
    expect(start.problem!.length).toBeLessThan(2200);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const { formula: _, ...rest } = start.setup.recipe.slots.objective.params;
    expect(Object.values(rest).every((value) => typeof value !== "object")).toBe(true);
  });
});
