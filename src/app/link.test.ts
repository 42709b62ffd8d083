import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PHASES } from "../loop/record.ts";
import { misfit } from "../recipes/fits.ts";
import { recipeById } from "../recipes/index.ts";
import { resolveRecipe, settingsOf } from "../recipes/recipe.ts";
import { anyRecipe } from "../recipes/testing.ts";
import { BEGINNING, DEFAULT_POLICY, DEFAULT_SEED, type Place, readLink, writeLink } from "./link.ts";

const policies = ["nano", "tiny"];
const anyFitting = anyRecipe.filter((recipe) => misfit(recipe) === undefined);
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

  it("asks for a GPU with weights of 16 bits, which the portable engine has not", () => {
    expect(read("?weights=f16")).toMatchObject({ engine: "webgpu-f16", problem: undefined });
    expect(read("?weights=f16&engine=webgpu").engine).toBe("webgpu-f16");
    expect(read("?weights=f16&engine=portable").engine).toBe("portable");
    expect(read("?weights=f32").engine).toBe("auto");
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
    ["?weights=f8", "f8"],
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

  it("takes the recipe's own task where the one asked for does not fit it, and says so", () => {
    const { setup, problem } = read("?recipe=co-reward&task=reverse&seed=3");
    expect(problem).toMatch(/two forms, and Reverse has one form only/);
    expect(setup).toEqual(read("?recipe=co-reward&seed=3").setup);
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
      fc.property(anyFitting, fc.constantFrom(...policies), fc.integer({ min: 0, max: 2 ** 32 - 1 }), (recipe, policy, seed) => {
        const { setup, problem } = read(writeLink({ recipe, policy, seed }));
        expect(problem).toBeUndefined();
        expect({ ...setup, recipe: settingsOf(setup.recipe) }).toEqual({ recipe: settingsOf(recipe), policy, seed });
        expect(setup.recipe.id).toBe(recipe.id);
      }),
      { numRuns: 150 },
    );
  });

  it("brings the whole place back: edits, step, phase, what is hidden, layout and lesson", () => {
    const anyEdit = fc.oneof(
      fc.record({ path: fc.constant("sampler.groupSize"), value: fc.integer({ min: 2, max: 64 }) }),
      fc.record({ path: fc.constant("advantage.scale"), value: fc.constantFrom("none", "std") }),
      fc.record({ path: fc.constant("seed"), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
    );
    const anyPlace: fc.Arbitrary<Place> = fc.record({
      edits: fc.array(
        fc.tuple(fc.integer({ min: 1, max: 2000 }), anyEdit).map(([step, edit]) => ({ step, ...edit })),
        { maxLength: 8 },
      ),
      step: fc.integer({ min: 0, max: 2000 }),
      phase: fc.option(fc.constantFrom(...PHASES), { nil: undefined }),
      hidden: fc.uniqueArray(fc.constantFrom("knobs", "seed", "sampler", "sampler.groupSize", "shapers.whiten.over")),
      presenting: fc.boolean(),
      comparing: fc.boolean(),
      lesson: fc.option(fc.constantFrom("why-a-group", "entropy-3"), { nil: undefined }),
    });
    fc.assert(
      fc.property(anyPlace, (place) => {
        const recipe = resolveRecipe(recipeById("grpo"));
        const { problem, place: read_ } = read(writeLink({ recipe, policy: "nano", seed: 7 }, place));
        expect(problem).toBeUndefined();
        expect(read_).toEqual(place);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ["v=2&step=3&recipe=dapo", /version "2"/],
    ["v=<b>", /version/],
    ["step=1e9", /step must be a whole number from 0 to 2000/],
    ["step=-4", /step must/],
    ["edit=3", /edit=3 must read/],
    ["edit=0:sampler.groupSize=4", /step of an edit/],
    ["edit=2:sampler.groupSize=100000", /100000/],
    ["edit=2:__proto__.x=1", /__proto__/],
    ["edit=2:seed=abc", /seed/],
    [Array.from({ length: 300 }, () => "edit=2:sampler.groupSize=4").join("&"), /300 entries/],
    ["phase=lunch", /phase must be one of prompts/],
    ["hide=knobs%22%5D%7Bcolor:red%7D", /nothing to hide/],
    ["hide=a b", /nothing to hide/],
    ["present=yes", /present must be 1/],
    ["view=moon", /view must be one of compare/],
    ["lesson=../../etc", /no lesson/],
    ["lesson=<script>", /no lesson/],
  ])("whose place is hostile starts at the beginning and says so: %.50s", (query, told) => {
    const { place, problem } = read(`?${query}`);
    expect(problem).toMatch(told);
    expect(problem!.length).toBeLessThan(2200);
    expect(place).toEqual(BEGINNING);
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
