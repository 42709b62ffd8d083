import { expect, it } from "vitest";
import { createPortableEngine } from "../policy/portable/node.ts";
import { type Case, caseLines, type Job, type Place, runJob } from "./job.ts";

const place: Place = {
  name: "test",
  engine: () => createPortableEngine(),
  onnxRuntime: async () => [],
  api: {},
};
const job: Job = {
  policies: ["nano", "tiny"],
  batches: [{ text: "2x2", shape: { prompts: 2, group: 2 } }],
  engines: ["portable"],
  repeat: 1,
  against: [],
  parts: [],
  roofline: false,
};

async function cases(job: Job, cancelled: () => boolean): Promise<Case[]> {
  const all: Case[] = [];
  await runJob(job, place, { progress: () => {}, started: () => {}, done: (result) => all.push(result), cancelled });
  return all;
}

it("stopped between two cases, it has measured the first and says what was left", async () => {
  let asked = 0;
  // The second policy is the second thing that is begun.
  const all = await cases(job, () => asked++ > 0);
  expect(all.map(({ kind, policy }) => [kind, policy])).toEqual([
    ["engines", "nano"],
    ["left", "tiny"],
  ]);
  expect(caseLines(all[1])).toEqual(["tiny, 2x2 rollouts of 32 tokens: stopped before it began"]);
});

it("names each part of a comparison that did not begin", async () => {
  const all = await cases({ ...job, policies: ["nano"], against: ["ort"], parts: ["train", "iteration"] }, () => true);
  expect(all.flatMap(caseLines)).toEqual([
    "nano, 2x2 rollouts of 32 tokens, train: stopped before it began",
    "nano, 2x2 rollouts of 32 tokens, iteration: stopped before it began",
  ]);
});

it("begins nothing more once its time is up", async () => {
  expect((await cases({ ...job, budget: 0 }, () => false)).map(({ kind }) => kind)).toEqual(["left", "left"]);
});

it("ends with the portable engine's numbers of whole iterations where it is compared", async () => {
  const [result] = await cases({ ...job, policies: ["nano"], against: ["ort"], parts: ["iteration"] }, () => false);
  expect(result).toMatchObject({ kind: "comparison", comparison: { part: "iteration", rounds: 1, stopped: false } });
  if (result.kind !== "comparison") throw new Error("no comparison");
  expect(result.comparison.results).toEqual([expect.objectContaining({ name: "portable", milliseconds: expect.any(Number) })]);
});
