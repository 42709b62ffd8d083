import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RecipeError } from "../algorithm/plugin.ts";
import type { Base } from "../loop/run.ts";
import { shippedBase } from "../loop/testing.ts";
import type { Engine } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import type { Claim } from "../recipes/claim.ts";
import type { Recipe } from "../recipes/recipe.ts";
import { bytesHash, contentHash, folderCache } from "./cache.ts";
import { type ClaimProgress, claimHash, runClaim } from "./run-claim.ts";

/** A learning rate a hundred times as high moves the policy further: true, and quick to see. */
const claim: Claim = {
  sentence: "A higher learning rate moves the policy further from the base.",
  baseline: { recipe: "grpo", changes: { "optimizer.learningRate": 1e-5 } },
  settings: {
    task: "reverse",
    "task.level": "4",
    "sampler.promptsPerStep": 2,
    "sampler.groupSize": 4,
    "evaluation.every": 0,
    "evaluation.passAtKProblems": 4,
    "evaluation.passAtKSamples": 4,
  },
  budget: { policy: "nano", tokens: 150, seeds: 3 },
  conditions: [
    { sentence: "KL is higher at the last step.", measure: { metric: "kl", reduce: "last" }, direction: "higher", margin: 0 },
    { sentence: "pass@1 is a fraction.", measure: { metric: "pass@1", reduce: "end" }, direction: "lower", margin: -1.1, baseline: 0 },
  ],
};
const recipe: Recipe = {
  id: "faster",
  name: "Faster",
  summary: "GRPO with a higher learning rate.",
  base: "grpo@1",
  changes: { optimizer: { params: { learningRate: 1e-3 } } },
  claim,
};

let engine: Engine;
let nano: Base;
let folder: string;
beforeAll(async () => {
  engine = await createPortableEngine();
  nano = await shippedBase("nano");
  folder = await mkdtemp(join(tmpdir(), "claims-"));
});
afterAll(async () => {
  engine.dispose();
  await rm(folder, { recursive: true });
});

async function run(what: Recipe, seeds: number | undefined, cache = join(folder, "cache")) {
  const progress: ClaimProgress[] = [];
  const report = await runClaim(what, {
    engine,
    base: async (id) => (id === "nano" ? nano : Promise.reject(new Error(id))),
    cache: folderCache(cache),
    ...(seeds === undefined ? {} : { seeds }),
    onProgress: (p) => progress.push(p),
  });
  return { report, ended: progress.filter(({ state }) => state !== "running"), progress };
}

describe("a claim", () => {
  it("runs both arms to the same number of tokens from paired seeds, keeps the runs, and goes on where it was", async () => {
    const first = await run(recipe, 1);
    expect(first.report.outcome).toBe("inconclusive");
    expect(first.ended.map(({ name, seed, state }) => [name, seed, state])).toEqual([
      ["GRPO", 1, "done"],
      ["Faster", 1, "done"],
    ]);
    for (const { tokens, step } of first.ended) {
      expect(tokens).toBeGreaterThanOrEqual(150);
      expect(tokens - 150).toBeLessThan(8 * 9);
      expect(step).toBeGreaterThan(1);
    }
    const second = await run(recipe, undefined);
    expect(second.ended.map(({ state }) => state)).toEqual(["kept", "kept", "done", "done", "done", "done"]);
    expect(second.report).toMatchObject({ recipe: "faster", seeds: 3, tokens: 150, hash: claimHash(recipe) });
    const [kl, fraction] = second.report.conditions;
    expect(kl.outcome).not.toBe("does not hold");
    expect(kl.effect).toBeGreaterThan(0);
    expect(kl.method[0]).toBe(first.report.conditions[0].method[0]);
    expect(fraction).toMatchObject({ outcome: "holds", baseline: [0, 0, 0] });
    expect(second.report.cpuSeconds).toBeGreaterThan(0);
    expect(await readdir(join(folder, "cache"))).toHaveLength(6);

    // A second method shares the baseline's runs; a file that is no run is made anew, with the same numbers.
    const other = { ...recipe, id: "other", changes: { optimizer: { params: { learningRate: 1e-4 } } } };
    expect((await run(other, 1)).ended.map(({ state }) => state)).toEqual(["kept", "done"]);
    for (const file of await readdir(join(folder, "cache"))) await writeFile(join(folder, "cache", file), "{");
    const again = await run(recipe, 1);
    expect(again.ended.map(({ state }) => state)).toEqual(["done", "done"]);
    expect(again.report.conditions.map(({ method }) => method)).toEqual(first.report.conditions.map(({ method }) => method));
  });

  it("names what does not fit", async () => {
    const broken = (change: object) => run({ ...recipe, claim: { ...claim, ...change } }, 1);
    await expect(run({ ...recipe, claim: undefined } as unknown as Recipe, 1)).rejects.toThrow(/faster has no claim/);
    await expect(broken({ baseline: { recipe: "none" } })).rejects.toThrow(RecipeError);
    await expect(broken({ settings: { "sampler.none": 1 } })).rejects.toThrow(/sampler.none/);
    await expect(broken({ conditions: [] })).rejects.toThrow(/at least one condition/);
    await expect(broken({ budget: { policy: "nano", tokens: 0, seeds: 1 } })).rejects.toThrow(/budget.tokens/);
    const [condition] = claim.conditions;
    await expect(broken({ conditions: [{ ...condition, direction: "up" }] })).rejects.toThrow(/conditions\[0\].direction/);
    await expect(broken({ conditions: [{ ...condition, measure: { metric: "kl", reduce: "none" } }] })).rejects.toThrow(/measure.reduce/);
  });
});

describe("hashes", () => {
  it("change with the recipe and the claim's numbers, not with words, names or the order of keys", () => {
    const hash = claimHash(recipe);
    expect(claimHash({ ...recipe, name: "Other", summary: "", claim: { ...claim, sentence: "" } })).toBe(hash);
    expect(claimHash({ ...recipe, changes: { optimizer: { params: { learningRate: 2e-3 } } } })).not.toBe(hash);
    expect(claimHash({ ...recipe, claim: { ...claim, budget: { ...claim.budget, tokens: 151 } } })).not.toBe(hash);
    expect(claimHash({ ...recipe, claim: { ...claim, conditions: [{ ...claim.conditions[0], margin: 1 }] } })).not.toBe(hash);
    expect(contentHash({ a: 1, b: [{ c: 2, d: 3 }] })).toBe(contentHash({ b: [{ d: 3, c: 2 }], a: 1 }));
    expect(bytesHash(Float32Array.of(1, 2).subarray(1))).toBe(bytesHash(Float32Array.of(2)));
  });
});
