// @vitest-environment node
import { expect, it } from "vitest";
import { smallSetup } from "../../loop/testing.ts";
import type { KeptRun } from "../../worker/protocol.ts";
import { marksOf, measuredSteps, placeOf, stretches, timelineEnd } from "./marks.ts";

const setup = smallSetup();
const run = { id: "a", setup, edits: [], recipe: setup.recipe, seed: 7 };
const kept = (id: string, parent?: KeptRun["parent"], name?: string): KeptRun => ({
  id,
  policy: "nano",
  task: "reverse",
  recipe: "GRPO",
  seed: 7,
  steps: 9,
  savedAt: 0,
  bytes: 1,
  ...(parent ? { parent } : {}),
  ...(name ? { name } : {}),
});

it("marks edits by their step, forks of this run, and where it branched off itself", () => {
  const edits = [
    { step: 3, path: "sampler.groupSize", value: 6 },
    { step: 3, path: "seed", value: 9 },
    { step: 8, path: "sampler.temperature", value: 0.5 },
  ];
  const parent = { id: "p", name: "Before", step: 2 };
  const all = [kept("b", { id: "a", name: "x", step: 5 }, "Less"), kept("c", { id: "other", name: "x", step: 5 }), kept("d")];
  expect(marksOf({ ...run, edits, parent }, all)).toEqual([
    { kind: "edit", step: 3, text: "From step 3: Sampling: Group size 6, Seed 9" },
    { kind: "edit", step: 8, text: "From step 8: Sampling: Temperature 0.5" },
    { kind: "fork", step: 5, text: "Forked after step 5: “Less”" },
    { kind: "origin", step: 2, text: "This run branched off “Before” after step 2" },
  ]);
});

it("has room that seldom changes, and a place for every step", () => {
  expect([0, 3, 10, 11, 199, 200, 201].map(timelineEnd)).toEqual([10, 10, 10, 20, 200, 200, 300]);
  expect([0, 1, 10, 99].map((step) => placeOf(step, 10))).toEqual([0, 0, 1, 1]);
});

it("joins steps into stretches, and finds measurements", () => {
  expect(stretches([])).toEqual([]);
  expect(stretches([1, 2, 3, 7, 9, 10])).toEqual([
    [1, 3],
    [7, 7],
    [9, 10],
  ]);
  expect(measuredSteps([{ step: 1 }, { step: 2, "pass@1": 0 }, { step: 3, "pass@1": 0.5 }])).toEqual([2, 3]);
});
