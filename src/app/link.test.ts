import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_POLICY, DEFAULT_SEED, readLink } from "./link.ts";

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
