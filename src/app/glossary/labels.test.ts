import { expect, it } from "vitest";
import { CONCEPTS } from "../../lessons/concepts.ts";
import { PHASES } from "../../loop/record.ts";
import { factsOf, stepFacts } from "../stage/facts.ts";
import { recordedRun } from "../testing.ts";
import { ideaOf } from "./labels.ts";

it("the stage's labels lead to ideas that the glossary has", async () => {
  const { last } = await recordedRun({ "evaluation.every": 1, "evaluation.problems": 4 });
  const labels = [...PHASES.flatMap((phase) => factsOf(last, phase)), ...stepFacts(last.metrics)].map(({ label }) => label);
  const explained = labels.filter((label) => ideaOf(label) !== undefined);
  for (const label of explained) expect(CONCEPTS, label).toHaveProperty(ideaOf(label)!);
  expect(labels.filter((label) => !explained.includes(label))).toEqual([]);
  expect(ideaOf("pass@1 after step 12")).toBe("passAtK");
});
