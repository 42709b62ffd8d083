import { describe, expect, it } from "vitest";
import { type PolicyConfig, parameterLayout } from "../config.ts";
import { completionOffsets, type TokenBatch } from "../engine.ts";
import { reference } from "../reference.ts";
import { failOnGpuErrors, normals, relativeNorm, TOY, testBatch, testEngine, testWeights, worst } from "./testing.ts";

failOnGpuErrors();

const batches: Record<string, [PolicyConfig, readonly (readonly [number, number])[]]> = {
  "length-1 prompts, empty completions, a full context": [
    TOY,
    [
      [1, 1],
      [1, 0],
      [5, 3],
      [1, 79],
      [3, 66],
      [80, 0],
      [79, 1],
    ],
  ],
  "a single row of two tokens": [{ ...TOY, layers: 1 }, [[1, 1]]],
  "head dimension 2 and one head": [
    { ...TOY, heads: 1, headDim: 2, layers: 1 },
    [
      [2, 5],
      [4, 1],
    ],
  ],
  "widths beyond one tile": [
    { ...TOY, vocabSize: 104, hiddenSize: 72, heads: 3, headDim: 32, intermediateSize: 130 },
    [
      [9, 17],
      [30, 2],
      [3, 40],
    ],
  ],
};

describe("forward and backward against plain float64 loops", () => {
  it.each(Object.keys(batches))("%s", async (name) => {
    const [config, lengths] = batches[name];
    const engine = await testEngine();
    const theta = testWeights(config);
    const batch = testBatch(config, lengths);
    const n = completionOffsets(batch).at(-1)!;
    const temperature = 0.7;
    const coefficients = { logProb: normals(3, n), entropy: normals(4, n, 0.3), logits: normals(5, n * config.vocabSize, 0.05) };
    const expected = reference(config, theta, batch, temperature, coefficients);

    const policy = await engine.load(config, theta);
    const handle = await policy.forward(batch, { temperature, entropy: true, sumSquares: true, topK: 3, logits: true, hidden: true });
    const [logProb, entropy, sumSquares, logits, hidden] = await Promise.all([
      handle.logProb.read(),
      handle.entropy!.read(),
      handle.sumSquares!.read(),
      handle.logits!.read(),
      handle.hidden!.read(),
    ]);
    expect(worst(logits, expected.logits)).toBeLessThan(1e-4);
    expect(worst(hidden, expected.hidden)).toBeLessThan(1e-4);
    expect(worst(logProb, expected.logProb)).toBeLessThan(1e-4);
    expect(worst(entropy, expected.entropy)).toBeLessThan(1e-4);
    expect(worst(sumSquares, expected.sumSquares)).toBeLessThan(1e-4);
    await checkTop(handle.topKTokens!.read(), handle.topKLogProbs!.read(), expected.logits, config.vocabSize, temperature);

    await policy.backward(handle, coefficients);
    const gradient = await policy.gradients();
    for (const { name: tensor, offset, size } of parameterLayout(config)) {
      expect(relativeNorm(gradient, expected.gradient!, offset, size), tensor).toBeLessThan(1e-4);
    }
    policy.dispose();
  });
});

async function checkTop(
  tokens: Promise<Float32Array>,
  logProbs: Promise<Float32Array>,
  logits: Float64Array,
  vocabSize: number,
  temperature: number,
) {
  const [ids, values] = [await tokens, await logProbs];
  for (let i = 0; i < ids.length / 3; i++) {
    const z = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
    const order = Array.from(z.keys()).sort((a, b) => z[b] - z[a] || a - b);
    expect(Array.from(ids.subarray(i * 3, i * 3 + 3))).toEqual(order.slice(0, 3));
    const sum = z.reduce((s, x) => s + Math.exp(x / temperature), 0);
    for (let k = 0; k < 3; k++) expect(values[i * 3 + k]).toBeCloseTo(z[order[k]] / temperature - Math.log(sum), 4);
  }
}

describe("both matrix products", () => {
  it.each(["tiled", "direct"] as const)("%s: the same numbers as plain float64 loops, beyond one tile and at odd sizes", async (matmul) => {
    const { createNodeWebgpuEngine } = await import("./node.ts");
    const engine = await createNodeWebgpuEngine({ matmul });
    expect(engine.plan.matmul).toBe(matmul);
    const config = { ...TOY, vocabSize: 71, hiddenSize: 67, layers: 1, intermediateSize: 65 };
    const batch = testBatch(config, [
      [9, 50],
      [70, 9],
      [3, 77],
      [70, 10],
    ]);
    const theta = testWeights(config);
    const coefficients = { logProb: normals(3, completionOffsets(batch).at(-1)!) };
    const expected = reference(config, theta, batch, 1, coefficients);
    const policy = await engine.load(config, theta);
    const handle = await policy.forward(batch, { logits: true });
    expect(worst(await handle.logits!.read(), expected.logits)).toBeLessThan(1e-4);
    await policy.backward(handle, coefficients);
    const gradient = await policy.gradients();
    for (const { name, offset, size } of parameterLayout(config)) {
      expect(relativeNorm(gradient, expected.gradient!, offset, size), name).toBeLessThan(1e-4);
    }
    expect(engine.errorMessages()).toEqual([]);
    engine.dispose();
  });
});

describe("a batch", () => {
  const lengths: [number, number][] = [
    [4, 30],
    [1, 12],
    [20, 0],
    [2, 70],
    [6, 6],
  ];

  it("gives the same gradient in chunks as in one piece, and accumulates", async () => {
    const engine = await testEngine();
    const { createNodeWebgpuEngine } = await import("./node.ts");
    const chunked = await createNodeWebgpuEngine({ chunkTokens: 80 });
    const theta = testWeights(TOY);
    const batch = testBatch(TOY, lengths);
    const coefficients = { logProb: normals(3, completionOffsets(batch).at(-1)!), entropy: normals(4, completionOffsets(batch).at(-1)!) };
    const results = [];
    for (const each of [engine, chunked]) {
      const policy = await each.load(TOY, theta);
      const handle = await policy.forward(batch, { logits: true });
      const logits = await handle.logits!.read();
      await policy.backward(handle, coefficients);
      const once = await policy.gradients();
      await policy.backward(await policy.forward(batch, {}), coefficients);
      results.push({ logits, once, twice: await policy.gradients() });
    }
    expect(worst(results[1].logits, results[0].logits)).toBe(0);
    expect(relativeNorm(results[1].once, results[0].once)).toBeLessThan(1e-5);
    expect(
      relativeNorm(
        results[1].twice,
        results[0].once.map((g) => 2 * g),
      ),
    ).toBeLessThan(1e-5);
    expect(chunked.errorCount()).toBe(0);
    chunked.dispose();
  });

  it("scores a row the same whatever else is in the batch, and twice the same to the bit", async () => {
    const engine = await testEngine();
    const policy = await engine.load(TOY, testWeights(TOY));
    const batch = testBatch(TOY, lengths);
    const all = await (await policy.forward(batch, {}, { inference: true })).logProb.read();
    const again = await (await policy.forward(batch, {}, { inference: true })).logProb.read();
    expect(again).toEqual(all);
    const offsets = completionOffsets(batch);
    for (let r = 0; r < lengths.length; r++) {
      const tokens = batch.tokens.slice(batch.offsets[r], batch.offsets[r + 1]);
      const alone: TokenBatch = { tokens, offsets: Int32Array.of(0, tokens.length), promptLengths: batch.promptLengths.slice(r, r + 1) };
      const logProb = await (await policy.forward(alone, {}, { inference: true })).logProb.read();
      expect(logProb).toEqual(all.slice(offsets[r], offsets[r + 1]));
    }
    policy.dispose();
  });

  it("of empty completions alone has no numbers and no gradient", async () => {
    const engine = await testEngine();
    const policy = await engine.load(TOY, testWeights(TOY));
    const handle = await policy.forward(testBatch(TOY, [[3, 0]]), { entropy: true });
    expect(await handle.logProb.read()).toEqual(new Float32Array(0));
    expect(await handle.entropy!.read()).toEqual(new Float32Array(0));
    await policy.backward(handle, { logProb: new Float32Array(0) });
    expect((await policy.gradients()).every((g) => g === 0)).toBe(true);
    policy.dispose();
  });

  it("that makes no sense is refused with one sentence", async () => {
    const engine = await testEngine();
    const policy = await engine.load(TOY, testWeights(TOY));
    const bad = (tokens: number[], prompt: number) => ({
      tokens: Int32Array.from(tokens),
      offsets: Int32Array.of(0, tokens.length),
      promptLengths: Int32Array.of(prompt),
    });
    await expect(policy.forward(bad([1, 99], 1), {})).rejects.toThrow("token 99 is outside the vocabulary of 23");
    await expect(policy.forward(bad(new Array(81).fill(1), 1), {})).rejects.toThrow("row 0 has 81 tokens, the context holds 80");
    await expect(policy.forward(bad([1, 2], 0), {})).rejects.toThrow("row 0 has a prompt of 0 tokens in a row of 2");
    await expect(engine.load(TOY, new Float32Array(3))).rejects.toThrow(RangeError);
    const handle = await policy.forward(bad([1, 2], 1), {});
    await expect(policy.backward(handle, { logProb: new Float32Array(2) })).rejects.toThrow(
      "coefficients of the log-probs must have 1 values, got 2",
    );
    handle.release();
    await expect(policy.backward(handle, {})).rejects.toThrow("released");
    policy.dispose();
  });
});
