import { afterAll, describe, expect, test } from "vitest";
import type { PolicyConfig } from "../config.ts";
import { type GenerateRequest, type Generation, type Policy, tokenBatch } from "../engine.ts";
import { initialWeights } from "../initialise.ts";
import { rowKeys, STREAM, uniform } from "../random.ts";
import type { PortableBuffer } from "./buffer.ts";
import { createPortableEngine } from "./node.ts";

const config: PolicyConfig = {
  vocabSize: 29,
  hiddenSize: 16,
  layers: 2,
  heads: 2,
  headDim: 8,
  intermediateSize: 24,
  contextLength: 20,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
};
const theta = initialWeights(config, 11).map((x) => (x === 1 ? 1 : 15 * x));
const engine = await createPortableEngine();
const exactEngine = await createPortableEngine({ precision: "float64" });
const policy = await engine.load(config, theta);
const exact = await exactEngine.load(config, theta);
afterAll(() => {
  expect(engine.errorCount() + exactEngine.errorCount()).toBe(0);
  engine.dispose();
  exactEngine.dispose();
});

/** Unequal lengths, a single token, shared prompts, one that leaves room for two tokens, one that fills the context. */
const prompts = [
  [1, 5, 9, 2],
  [1],
  [1, 7],
  [1, 5, 9, 2],
  Array.from({ length: 18 }, (_, i) => (5 * i) % 29),
  Array.from({ length: 20 }, (_, i) => i),
].map((p) => Int32Array.from(p));
const keysFor = (rows: readonly number[]) => rowKeys({ seed: 9, stream: STREAM.rollouts, step: 4 }, rows);
const base: GenerateRequest = { prompts, maxNewTokens: 10, temperature: 1, stopTokens: [2], keys: keysFor([0, 1, 2, 3, 4, 5]) };

const completion = (g: Generation, r: number) => Array.from(g.tokens.slice(g.offsets[r], g.offsets[r + 1]));
const completions = (g: Generation) => Array.from(g.finished, (_, r) => completion(g, r));

/** The contract's meaning of a draw, straight from the logits: [token, log-prob in the distribution drawn from]. */
function reference(logits: Float64Array, request: GenerateRequest, step: number, u: number): [number, number] {
  const { topK = 0, topP = 1, minP = 0, banned = [], greedy = false, temperature: t } = request;
  const temperature = typeof t === "number" ? t : t[step];
  let tokens = Array.from(logits.keys()).filter((v) => !banned.includes(v));
  const weight = (v: number) => Math.exp(logits[v] / temperature);
  tokens.sort((a, b) => logits[b] - logits[a] || a - b);
  const best = tokens[0];
  if (topK > 0) tokens = tokens.slice(0, topK);
  if (topP < 1) {
    const total = tokens.reduce((sum, v) => sum + weight(v), 0);
    let reached = 0;
    tokens = tokens.filter((v) => {
      const keep = reached < topP * total;
      reached += weight(v);
      return keep;
    });
  }
  tokens = tokens.filter((v) => weight(v) >= minP * weight(best)).sort((a, b) => a - b);
  const total = tokens.reduce((sum, v) => sum + weight(v), 0);
  let sum = 0;
  const drawn = greedy ? best : tokens.find((v) => (sum += weight(v)) > u * total)!;
  return [drawn, Math.log(weight(drawn) / total)];
}

/** Generates, then holds every token and statistic against `reference` on the scored logits. */
async function check(p: Policy, request: GenerateRequest): Promise<Generation> {
  const generation = await p.generate(request);
  const rows = completions(generation);
  const handle = await p.forward(tokenBatch(request.prompts, rows), { logits: true, entropy: true, topK: 4 });
  const logits = Float64Array.from(await (handle.logits as PortableBuffer).reals());
  const logProb = await handle.logProb.read();
  const entropy = await handle.entropy!.read();
  let n = 0;
  rows.forEach((row, r) => {
    const prompt = request.prompts[r].length;
    const limit = Math.min(request.maxNewTokens, config.contextLength - prompt);
    row.forEach((token, step) => {
      const u = uniform(request.keys[2 * r], request.keys[2 * r + 1], prompt + step);
      const [expected, samplerLogProb] = reference(logits.subarray(n * config.vocabSize, (n + 1) * config.vocabSize), request, step, u);
      expect(token, `row ${r} token ${step}`).toBe(expected);
      expect(generation.samplerLogProb[n]).toBeCloseTo(samplerLogProb, 4);
      expect(Math.abs(generation.logProb[n] - logProb[n])).toBeLessThan(1e-5);
      expect(Math.abs(generation.entropy[n] - entropy[n])).toBeLessThan(1e-5);
      expect(request.stopTokens.includes(token) && step < row.length - 1).toBe(false);
      n++;
    });
    const stopped = row.length > 0 && request.stopTokens.includes(row.at(-1)!);
    expect(generation.finished[r]).toBe(stopped ? 1 : 0);
    if (!stopped) expect(row.length).toBe(limit);
  });
  return generation;
}

describe("generate", () => {
  test.each([
    ["plain", {}],
    ["hot", { temperature: 1.7 }],
    ["a temperature for each new token", { temperature: Float32Array.from({ length: 10 }, (_, i) => 0.4 + 0.2 * i) }],
    ["top-k", { topK: 4 }],
    ["top-p", { topP: 0.6 }],
    ["min-p", { minP: 0.2, temperature: 1.5 }],
    ["all truncations", { topK: 8, topP: 0.8, minP: 0.1, temperature: 1.2 }],
    ["bans", { banned: [0, 1, 3, 28], temperature: 2 }],
    ["bans and truncation", { banned: [5, 7], topK: 3 }],
    ["greedy", { greedy: true }],
    ["greedy, banned, cold", { greedy: true, banned: [4, 9, 20], temperature: 0.5 }],
    ["several stop tokens", { stopTokens: [2, 3, 4, 5, 6, 7, 8, 9, 10] }],
  ] as [string, Partial<GenerateRequest>][])("%s: tokens and statistics follow from the logits", async (_, extra) => {
    await check(exact, { ...base, ...extra });
    await check(policy, { ...base, ...extra });
  });

  test("a row's draws do not depend on the rows beside it", async () => {
    const many = 150; // more than one run
    const request = {
      ...base,
      prompts: Array.from({ length: many }, (_, i) => prompts[i % 4]),
      keys: keysFor(Array.from({ length: many }, (_, i) => i)),
    };
    const together = completions(await policy.generate(request));
    for (const r of [0, 1, 2, 77, 149]) {
      const alone = await policy.generate({ ...base, prompts: [request.prompts[r]], keys: keysFor([r]) });
      expect(completion(alone, 0)).toEqual(together[r]);
    }
  });

  test("continuing a row from a longer prefix draws the same tokens", async () => {
    const whole = completion(await policy.generate({ ...base, stopTokens: [] }), 0);
    const longer = Int32Array.from([...prompts[0], ...whole.slice(0, 4)]);
    const rest = await policy.generate({ ...base, prompts: [longer], keys: keysFor([0]), maxNewTokens: 6, stopTokens: [] });
    expect(completion(rest, 0)).toEqual(whole.slice(4));
  });

  test("frequencies follow the distribution", async () => {
    const rows = 2000;
    const keys = keysFor(Array.from({ length: rows }, (_, i) => i));
    const g = await policy.generate({ ...base, prompts: Array.from({ length: rows }, () => prompts[1]), keys, maxNewTokens: 1 });
    const scored = await policy.forward(tokenBatch([prompts[1]], [[0]]), { logits: true, topK: config.vocabSize });
    const ids = await scored.topKTokens!.read();
    const logProbs = await scored.topKLogProbs!.read();
    ids.forEach((id, i) => {
      const p = Math.exp(logProbs[i]);
      const seen = g.tokens.filter((token) => token === id).length / rows;
      expect(Math.abs(seen - p)).toBeLessThan(4.5 * Math.sqrt((p * (1 - p)) / rows) + 1e-3);
    });
  });

  test("alternatives are the policy's most probable tokens at temperature 1, whatever is banned", async () => {
    const g = await policy.generate({ ...base, alternatives: 4, temperature: 2, banned: [5] });
    const handle = await policy.forward(tokenBatch(prompts, completions(g)), { topK: 4 });
    expect(Array.from(g.alternativeTokens)).toEqual(Array.from(await handle.topKTokens!.read()));
    const expected = await handle.topKLogProbs!.read();
    g.alternativeLogProbs.forEach((x, i) => {
      expect(Math.abs(x - expected[i])).toBeLessThan(1e-5);
    });
  });

  test("ties go to the lower id when greedy; rows without room, no rows and no new tokens give empty completions", async () => {
    const flat = await engine.load(config, new Float32Array(theta.length));
    const g = await flat.generate({ ...base, greedy: true, banned: [0], maxNewTokens: 2 });
    expect(completion(g, 0)).toEqual([1, 1]);
    expect(completion(g, 5)).toEqual([]);
    expect((await policy.generate({ ...base, maxNewTokens: 0 })).tokens.length).toBe(0);
    expect((await policy.generate({ ...base, prompts: [], keys: new Uint32Array(0) })).offsets).toEqual(Int32Array.of(0));
    const full = await policy.generate({ ...base, prompts: [prompts[5]], keys: keysFor([5]) });
    expect(Array.from(full.offsets)).toEqual([0, 0]);
  });

  test("refuses settings out of range, in one sentence", async () => {
    const bad: [Partial<GenerateRequest>, string][] = [
      [{ temperature: 0 }, "temperature must be positive, got 0"],
      [{ temperature: Float32Array.of(1, 1) }, "10 new tokens need as many temperatures, got 2"],
      [{ topP: 0 }, "topP must be above 0"],
      [{ minP: 2 }, "minP must be between 0 and 1"],
      [{ topK: 1.5 }, "topK must be a whole number"],
      [{ keys: new Uint32Array(2) }, "6 rows need 12 key words, got 2"],
      [{ banned: Array.from({ length: 29 }, (_, v) => v) }, "every token is banned"],
      [{ prompts: [new Int32Array(0)], keys: new Uint32Array(2) }, "prompt 0 is empty"],
      [{ prompts: [new Int32Array(21)], keys: new Uint32Array(2) }, "prompt 0 has 21 tokens, the context holds 20"],
    ];
    for (const [extra, message] of bad) await expect(policy.generate({ ...base, ...extra })).rejects.toThrow(message);
  });
});
