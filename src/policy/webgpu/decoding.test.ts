import { afterAll, describe, expect, it } from "vitest";
import type { PolicyConfig } from "../config.ts";
import { type GenerateRequest, type Generation, tokenBatch } from "../engine.ts";
import { rowKeys, STREAM, uniform } from "../random.ts";
import { reference } from "../reference.ts";
import type { WebgpuEngine, WebgpuOptions } from "./engine.ts";
import { createNodeWebgpuEngine } from "./node.ts";
import { failOnGpuErrors, TOY, testBatch, testEngine, testWeights, worst } from "./testing.ts";

failOnGpuErrors();

const KEY = { seed: 7, stream: STREAM.rollouts, step: 3 };

/** Prompts of the given lengths, with room for every length of completion. */
function request(lengths: readonly number[], more: Partial<GenerateRequest> = {}, config = TOY): GenerateRequest {
  const batch = testBatch(
    config,
    lengths.map((n) => [n, 0]),
  );
  const prompts = lengths.map((_, r) => batch.tokens.slice(batch.offsets[r], batch.offsets[r + 1]));
  return {
    prompts,
    maxNewTokens: 12,
    temperature: 1,
    stopTokens: [2],
    keys: rowKeys(
      KEY,
      lengths.map((_, r) => r),
    ),
    ...more,
  };
}

/** The kept tokens' weights in float64, as the contract words it: ban, temperature, top-k, top-p, min-p. */
function keptWeights(z: Float64Array, temperature: number, { banned = [], topK = 0, topP = 1, minP = 0 }: GenerateRequest): Float64Array {
  const order = Array.from(z.keys())
    .filter((v) => !banned.includes(v))
    .sort((a, b) => z[b] - z[a] || a - b);
  const top = topK > 0 ? order.slice(0, topK) : order;
  const weight = (v: number) => Math.exp((z[v] - z[order[0]]) / temperature);
  const total = top.reduce((sum, v) => sum + weight(v), 0);
  const weights = new Float64Array(z.length);
  let before = 0;
  for (const v of top) {
    if ((topP >= 1 || before < topP * total) && weight(v) >= minP) weights[v] = weight(v);
    before += weight(v);
  }
  return weights;
}

/** Checks every number of a generation against float64; returns how many draws lay within 1e-5 of a boundary. */
function check(config: PolicyConfig, theta: Float32Array, asked: GenerateRequest, got: Generation): number {
  const rows = asked.prompts.length;
  const completions = asked.prompts.map((_, r) => got.tokens.slice(got.offsets[r], got.offsets[r + 1]));
  const scores = reference(config, theta, tokenBatch(asked.prompts, completions));
  expect(worst(got.logProb, scores.logProb)).toBeLessThan(1e-4);
  expect(worst(got.entropy, scores.entropy)).toBeLessThan(1e-4);
  let close = 0;
  for (let r = 0; r < rows; r++) {
    const room = Math.min(asked.maxNewTokens, config.contextLength - asked.prompts[r].length);
    const stopped = completions[r].findIndex((token) => asked.stopTokens.includes(token));
    expect(completions[r].length).toBe(stopped >= 0 ? stopped + 1 : room);
    expect(got.finished[r]).toBe(stopped >= 0 ? 1 : 0);
    completions[r].forEach((token, t) => {
      const at = got.offsets[r] + t;
      const z = scores.logits.subarray(at * config.vocabSize, (at + 1) * config.vocabSize);
      const temperature = typeof asked.temperature === "number" ? asked.temperature : asked.temperature[t];
      const weights = keptWeights(z, temperature, asked);
      const total = weights.reduce((a, b) => a + b, 0);
      expect(got.samplerLogProb[at]).toBeCloseTo(Math.log(weights[token] / total), 3);
      if (asked.greedy) {
        expect(weights[token]).toBeGreaterThan(1 - 1e-4);
      } else {
        const u = uniform(asked.keys[2 * r], asked.keys[2 * r + 1], asked.prompts[r].length + t);
        const below = weights.subarray(0, token).reduce((a, b) => a + b, 0) / total;
        const above = below + weights[token] / total;
        if (Math.min(Math.abs(u - below), Math.abs(u - above)) < 1e-5) close++;
        expect(u).toBeGreaterThan(below - 1e-5);
        expect(u).toBeLessThan(above + 1e-5);
      }
      const k = asked.alternatives ?? 0;
      const order = Array.from(z.keys()).sort((a, b) => z[b] - z[a] || a - b);
      expect(Array.from(got.alternativeTokens.subarray(at * k, (at + 1) * k))).toEqual(order.slice(0, k));
      const lse = Math.log(z.reduce((sum, x) => sum + Math.exp(x), 0));
      for (let i = 0; i < k; i++) expect(got.alternativeLogProbs[at * k + i]).toBeCloseTo(z[order[i]] - lse, 4);
    });
  }
  return close;
}

const LENGTHS = [1, 5, 5, 9, 1, 30, 79, 80, 3];
const variants: Record<string, Partial<GenerateRequest>> = {
  "at temperature 1": { stopTokens: [2, 5] },
  "with bans, temperature and alternatives": { banned: [0, 1, 7], temperature: 0.8, alternatives: 4 },
  "with top-k, top-p and min-p": { topK: 9, topP: 0.9, minP: 0.05, temperature: 1.3 },
  "with top-p alone": { topP: 0.5 },
  "with top-k 1": { topK: 1, banned: [3] },
  "greedily, without bans": { greedy: true, alternatives: 1 },
  "greedily, with bans": { greedy: true, banned: [4, 5, 6, 7, 8, 9, 10] },
  "with a temperature a step": { temperature: Float32Array.from({ length: 12 }, (_, t) => 0.5 + 0.2 * t) },
};

const others = new Map<string, WebgpuEngine>();

/** An engine that draws in another way; none may leave an error behind. */
async function other(options: WebgpuOptions): Promise<WebgpuEngine> {
  const key = JSON.stringify(options);
  const engine = others.get(key) ?? (await createNodeWebgpuEngine(options));
  others.set(key, engine);
  return engine;
}

afterAll(() => {
  for (const engine of others.values()) {
    expect(engine.errorMessages()).toEqual([]);
    engine.dispose();
  }
});

describe("decoding against float64 scores and the contract's words", () => {
  it.each(Object.keys(variants))("%s", async (name) => {
    const theta = testWeights(TOY);
    const policy = await (await testEngine()).load(TOY, theta);
    const asked = request(LENGTHS, variants[name]);
    const got = await policy.generate(asked);
    expect(check(TOY, theta, asked, got)).toBeLessThan(3);
    policy.dispose();
  });

  it("past one dispatch's steps, with the longest context", async () => {
    const theta = testWeights(TOY);
    const policy = await (await testEngine()).load(TOY, theta);
    const asked = request([1, 2, 3, 4, 5], { maxNewTokens: 200, stopTokens: [], banned: [2] });
    const got = await policy.generate(asked);
    expect(got.offsets[1]).toBe(79);
    check(TOY, theta, asked, got);
    policy.dispose();
  });
});

describe("a wider policy", () => {
  const wide: PolicyConfig = {
    ...TOY,
    vocabSize: 104,
    hiddenSize: 96,
    heads: 6,
    headDim: 16,
    layers: 1,
    intermediateSize: 40,
    contextLength: 128,
  };

  it.each([
    ["four rows to a workgroup while sequences are short", [1, 40, 80], 16],
    ["two rows when they are long", [1, 100, 127], 64],
  ] as const)("%s", async (_, lengths, maxNewTokens) => {
    const theta = testWeights(wide);
    const policy = await (await other({ kernels: "plain" })).load(wide, theta);
    const asked = request(lengths, { maxNewTokens, stopTokens: [], alternatives: 2 }, wide);
    expect(check(wide, theta, asked, await policy.generate(asked))).toBeLessThan(3);
    policy.dispose();
  });

  it.each(["fast", "plain"] as const)("too wide for workgroup memory draws with %s kernels", async (kernels) => {
    const config = { ...TOY, hiddenSize: 1024, layers: 1, contextLength: 24 };
    const theta = testWeights(config);
    const policy = await (kernels === "fast" ? await testEngine() : await other({ kernels })).load(config, theta);
    const asked = request([2, 7, 20, 23, 1], { alternatives: 2 }, config);
    expect(check(config, theta, asked, await policy.generate(asked))).toBeLessThan(3);
    policy.dispose();
  });
});

describe.each([
  ["step by step", { decode: "batched" }],
  ["with a workgroup's memory", { kernels: "plain" }],
  ["step by step after plain kernels", { decode: "batched", kernels: "plain" }],
] as const)("%s", (_, options) => {
  it.each(Object.keys(variants))("%s: the same tokens, and the contract's words", async (name) => {
    const engine = await other(options);
    const theta = testWeights(TOY);
    const [ours, theirs] = [await engine.load(TOY, theta), await (await testEngine()).load(TOY, theta)];
    const asked = request(LENGTHS, variants[name]);
    const got = await ours.generate(asked);
    expect(check(TOY, theta, asked, got)).toBeLessThan(3);
    const expected = await theirs.generate(asked);
    expect(got.tokens).toEqual(expected.tokens);
    expect(worst(got.logProb, expected.logProb)).toBeLessThan(1e-4);
    expect(await ours.generate(asked)).toEqual(got);
    for (const policy of [ours, theirs]) policy.dispose();
  });
});

describe("a draw", () => {
  it("does not depend on how many rows decode together", async () => {
    const few = await createNodeWebgpuEngine({ decodeRows: 4 });
    const asked = request(LENGTHS, { alternatives: 2 });
    const [a, b] = [await (await testEngine()).load(TOY, testWeights(TOY)), await few.load(TOY, testWeights(TOY))];
    expect(await b.generate(asked)).toEqual(await a.generate(asked));
    expect(few.errorMessages()).toEqual([]);
    few.dispose();
    a.dispose();
  });

  it("does not depend on what else is in the batch, nor on the length of the given prefix", async () => {
    const policy = await (await testEngine()).load(TOY, testWeights(TOY));
    const asked = request(LENGTHS, { stopTokens: [] });
    const all = await policy.generate(asked);
    for (const r of [0, 3, 4, 8]) {
      const completion = all.tokens.slice(all.offsets[r], all.offsets[r + 1]);
      const keys = asked.keys.slice(2 * r, 2 * r + 2);
      const alone = await policy.generate({ ...asked, prompts: [asked.prompts[r]], keys });
      expect(alone.tokens).toEqual(completion);
      expect(alone.logProb).toEqual(all.logProb.slice(all.offsets[r], all.offsets[r + 1]));
      const longer = Int32Array.from([...asked.prompts[r], ...completion.slice(0, 5)]);
      const continued = await policy.generate({ ...asked, prompts: [longer], keys, maxNewTokens: 7 });
      expect(continued.tokens).toEqual(completion.slice(5));
    }
    policy.dispose();
  });

  it("follows the weights as they change", async () => {
    const engine = await testEngine();
    const policy = await engine.load(TOY, testWeights(TOY));
    const asked = request([4, 4, 4]);
    const before = await policy.generate(asked);
    expect((await policy.generate(asked)).tokens).toEqual(before.tokens);
    const other = testWeights(TOY, 11);
    const zeros = new Float32Array(other.length);
    await policy.restore({ theta: other, m: zeros, v: zeros, updates: 0 });
    const after = await policy.generate(asked);
    expect(after.tokens).not.toEqual(before.tokens);
    check(TOY, other, asked, after);
    policy.dispose();
  });

  it("request that makes no sense is refused with one sentence", async () => {
    const policy = await (await testEngine()).load(TOY, testWeights(TOY));
    await expect(policy.generate(request([2], { temperature: 0 }))).rejects.toThrow("temperature must be positive, got 0");
    await expect(policy.generate(request([81]))).rejects.toThrow("prompt 0 has 81 tokens, the context holds 80");
    await expect(policy.generate(request([2], { keys: new Uint32Array(4) }))).rejects.toThrow("1 rows need 2 key words, got 4");
    const none = await policy.generate(request([80, 80]));
    expect(none.offsets).toEqual(Int32Array.of(0, 0, 0));
    policy.dispose();
  });
});
