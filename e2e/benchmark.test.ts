import { expect, it } from "vitest";
import { runInChromium } from "../src/bench/chromium.ts";
import type { Case, Job } from "../src/bench/job.ts";

const job: Job = {
  policies: ["nano"],
  batches: [{ text: "1x2", shape: { prompts: 1, group: 2 } }],
  engines: ["portable"],
  repeat: 1,
  against: [],
  parts: [],
  roofline: false,
};

it("the benchmark's page is built on its own and measures in Chromium", async () => {
  const cases: Case[] = [];
  let labels: Readonly<Record<string, string>> = {};
  const events = {
    progress: () => {},
    started(engines: Readonly<Record<string, string>>) {
      labels = engines;
    },
    done: (result: Case) => cases.push(result),
    cancelled: () => false,
  };
  await runInChromium(job, events, { headed: false, flags: [] });
  expect(Object.keys(labels)).toEqual(["portable"]);
  expect(cases).toMatchObject([{ kind: "engines", policy: "nano", batch: "1x2", results: [{ engine: "portable" }] }]);
  if (cases[0].kind !== "engines") throw new Error("no measurement");
  for (const milliseconds of Object.values(cases[0].results[0].milliseconds)) expect(milliseconds).toBeGreaterThan(0);
});

it("what goes wrong in the page ends the benchmark with a sentence", async () => {
  const nothing = { progress: () => {}, started: () => {}, done: () => {}, cancelled: () => false };
  const unknown = { ...job, policies: ["unknown" as "nano"] };
  await expect(runInChromium(unknown, nothing, { headed: false, flags: [] })).rejects.toThrow(/^in Chromium: ./);
});
