import { expect, it } from "vitest";
import { Run } from "../loop/run.ts";
import { reproducible, runSteps, shippedBase, smallSetup } from "../loop/testing.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { runSweep, type SweepEvent } from "./sweep.ts";

const small = { "sampler.promptsPerStep": 2, "evaluation.passAtKProblems": 2, "evaluation.passAtKSamples": 2 };

it("runs pairs seed by seed, each run as it would be alone", async () => {
  const engine = await createPortableEngine();
  const base = await shippedBase("nano");
  const [a, b] = [smallSetup(small), smallSetup(small, "dr-grpo")];
  const events: SweepEvent[] = [];
  await runSweep(engine, base, { arms: [a.recipe, b.recipe], policy: "nano", seeds: [3, 4], steps: 2 }, (event) => events.push(event));

  expect(events.flatMap((e) => (e.type === "run" ? [[e.seed, e.arm]] : []))).toEqual([
    [3, 0],
    [3, 1],
    [4, 0],
    [4, 1],
  ]);
  expect(events.at(-1)).toEqual({ type: "done" });
  const alone = await Run.open(engine, { ...b, seed: 4 }, base);
  const records = await runSteps(alone, 2);
  const swept = events.flatMap((e) => (e.type === "step" && e.arm === 1 && e.seed === 4 ? [reproducible(e.metrics)] : []));
  expect(swept).toEqual(records.map((record) => reproducible(record.metrics!)));
  const end = events.findLast((e) => e.type === "run");
  expect(end?.type === "run" && end.end["pass@1"]).toBe((await alone.evaluate("policy")).passAtK[1]);
});
