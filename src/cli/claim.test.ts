import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { RecordedOutcome } from "../recipes/outcomes.ts";
import type { Recipe } from "../recipes/recipe.ts";
import { commandLine } from "./command-line.ts";

const recipe: Recipe = {
  id: "slow",
  name: "Slow",
  summary: "GRPO with a tiny learning rate.",
  base: "grpo@1",
  changes: { optimizer: { params: { learningRate: 1e-6 } } },
  claim: {
    sentence: "A tiny learning rate keeps the policy where it was.",
    baseline: { recipe: "grpo", changes: { "optimizer.learningRate": 3e-4 } },
    settings: {
      task: "reverse",
      "task.level": "4",
      "sampler.promptsPerStep": 2,
      "sampler.groupSize": 4,
      "evaluation.every": 0,
      "evaluation.passAtKProblems": 4,
      "evaluation.passAtKSamples": 2,
    },
    budget: { policy: "nano", tokens: 200, seeds: 2 },
    conditions: [
      { sentence: "KL is lower.", measure: { metric: "kl", reduce: "last" }, direction: "lower", margin: 0 },
      {
        sentence: "KL is less than half.",
        measure: { metric: "kl", reduce: "last" },
        direction: "lower",
        margin: 0.5,
        compare: "ratio",
      },
    ],
  },
};

const out = vi.spyOn(console, "log").mockImplementation(() => {});
const error = vi.spyOn(process.stderr, "write").mockImplementation(() => true);
afterEach(() => {
  out.mockClear();
  error.mockClear();
});

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "claim-"));
  file = join(folder, "slow.json");
  await writeFile(file, JSON.stringify(recipe));
});
afterAll(() => rm(folder, { recursive: true }));

describe("rlvr claim", () => {
  it("tells what is claimed and what was found, keeps runs, and writes what it prints as JSON", async () => {
    const cache = join(folder, "cache");
    expect(await commandLine(["claim", file, "--cache", cache])).toBe(0);
    const text = out.mock.calls.flat().join("\n");
    expect(text).toContain("Slow: claim: A tiny learning rate keeps the policy where it was.");
    expect(text).toMatch(/against grpo on reverse 4, nano; 200 generated tokens a run, 2 seeds/);
    expect(text).toMatch(/KL is lower\.\n {4}kl, at the last step: .+ against .+\n {4}effect −.+ \[.+\], claimed < 0/);
    expect(text).toMatch(/ratio .+ \[.+\], claimed < 0\.5/);
    expect(text).toMatch(/slow: (holds|inconclusive) \(2 seeds, 200 tokens a run/);
    expect(await readdir(cache)).toHaveLength(4);
    expect(error.mock.calls.filter(([line]) => String(line).includes(": done, "))).toHaveLength(4);

    out.mockClear();
    error.mockClear();
    const json = join(folder, "out.json");
    expect(await commandLine(["claim", file, "--cache", cache, "--json", "--out", json, "--reason", "it hardly moves"])).toBe(0);
    const [found, ...others] = JSON.parse(String(out.mock.calls[0][0])) as RecordedOutcome[];
    expect(others).toEqual([]);
    expect(found).toMatchObject({ recipe: "slow", seeds: 2, tokens: 200, reason: "it hardly moves" });
    expect(found.conditions[0].method).toHaveLength(2);
    expect(found.conditions[0].effect!).toBeLessThan(0);
    expect(JSON.parse(await readFile(json, "utf8"))).toEqual([found]);
    expect(error.mock.calls.every(([line]) => String(line).includes(": kept, "))).toBe(true);
  });

  it("rlvr show prints a claim that was not checked yet", async () => {
    expect(await commandLine(["show", "recipe", file])).toBe(0);
    const text = out.mock.calls.flat().join("\n");
    expect(text).toContain("claim: A tiny learning rate");
    expect(text).toContain("not checked yet");
  });
});
