import { afterAll, describe, expect, test } from "vitest";
import { type PolicyConfig, parameterCount, parameterLayout } from "../config.ts";
import { type Coefficients, type Engine, type TokenBatch, tokenBatch } from "../engine.ts";
import { initialWeights } from "../initialise.ts";
import { randomSequence, STREAM } from "../random.ts";
import type { PortableBuffer } from "./buffer.ts";
import { createPortableEngine } from "./node.ts";
import type { PortablePolicy } from "./policy.ts";

const config: PolicyConfig = {
  vocabSize: 13,
  hiddenSize: 12,
  layers: 2,
  heads: 2,
  headDim: 4,
  intermediateSize: 10,
  contextLength: 12,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
};
/** Larger than a real start, so that every gradient is far from zero. */
const theta = initialWeights(config, 3).map((x) => (x === 1 ? 1 : 12 * x));
const random = randomSequence({ seed: 5, stream: STREAM.plugin, step: 0 });
const normal = (length: number) => Float32Array.from({ length }, () => 2 * random.next() - 1);
const tokens = (length: number) => Int32Array.from({ length }, () => random.integer(0, config.vocabSize - 1));

/** Unequal lengths, a prompt of one token, a full context, an empty completion. */
const shapes = [
  [5, 4],
  [1, 6],
  [1, 11],
  [7, 0],
  [3, 1],
];
const batch = tokenBatch(
  shapes.map(([prompt]) => tokens(prompt)),
  shapes.map(([, completion]) => tokens(completion)),
);
const count = 22;
const coefficients = {
  logProb: normal(count),
  entropy: normal(count),
  logits: normal(count * config.vocabSize),
};

const engines: Engine[] = [];
async function policyWith(precision: "float32" | "float64"): Promise<PortablePolicy> {
  const engine = await createPortableEngine({ precision });
  engines.push(engine);
  return (await engine.load(config, theta)) as PortablePolicy;
}
afterAll(() => {
  for (const engine of engines) {
    expect(engine.errorCount()).toBe(0);
    engine.dispose();
  }
});
const exact = await policyWith("float64");
const single = await policyWith("float32");

const values = (buffer: unknown) => (buffer as PortableBuffer).reals();

/** Largest error as a share of the largest value. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let error = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Math.abs(actual[i] - expected[i]));
    size = Math.max(size, Math.abs(expected[i]));
  }
  return error / size;
}

async function gradientOf(policy: PortablePolicy, of: TokenBatch, by: Coefficients, temperature = 1): Promise<Float32Array | Float64Array> {
  policy.state.gradient.fill(0);
  await policy.backward(await policy.forward(of, { temperature }), by);
  return policy.state.gradient.slice();
}

/** Σ c·log π + e·H + d·z over the batch, the loss whose derivatives are the coefficients. */
async function loss(policy: PortablePolicy, temperature: number): Promise<number> {
  const handle = await policy.forward(batch, { temperature, entropy: true, logits: true });
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, x, i) => sum + x * b[i], 0);
  return (
    dot(await values(handle.logProb), coefficients.logProb) +
    dot(await values(handle.entropy), coefficients.entropy) +
    dot(await values(handle.logits), coefficients.logits)
  );
}

describe("the gradient graph", () => {
  test("in float64 agrees with central finite differences to 1e-6, at a temperature", async () => {
    const gradient = await gradientOf(exact, batch, coefficients, 0.7);
    const step = 1e-5;
    for (const { name, offset, size } of parameterLayout(config)) {
      const largest = Math.max(...gradient.subarray(offset, offset + size).map(Math.abs));
      expect(largest, name).toBeGreaterThan(0);
      for (const i of new Set([0, Math.floor(size / 3), Math.floor(size / 2), size - 1])) {
        const at = offset + i;
        const saved = exact.state.theta[at];
        exact.state.theta[at] = saved + step;
        const above = await loss(exact, 0.7);
        exact.state.theta[at] = saved - step;
        const below = await loss(exact, 0.7);
        exact.state.theta[at] = saved;
        expect(Math.abs((above - below) / (2 * step) - gradient[at]) / largest, `${name}[${i}]`).toBeLessThan(1e-6);
      }
    }
  });

  test("in float32 agrees with float64", async () => {
    const reference = await gradientOf(exact, batch, coefficients, 1.3);
    const gradient = await gradientOf(single, batch, coefficients, 1.3);
    for (const { name, offset, size } of parameterLayout(config)) {
      const part = (x: Float32Array | Float64Array) => x.subarray(offset, offset + size);
      expect(relativeError(part(gradient), part(reference)), name).toBeLessThan(2e-5);
    }
  });

  test("accumulates: rows one by one, and more rows than fit one run, give the batch's gradient", async () => {
    const whole = await gradientOf(exact, batch, { logProb: coefficients.logProb });
    exact.state.gradient.fill(0);
    const copies = 9;
    const rows = shapes.map((_, r) => batch.tokens.slice(batch.offsets[r], batch.offsets[r + 1]));
    let start = 0;
    for (const [r, row] of rows.entries()) {
      const [prompt, completion] = shapes[r];
      const one = tokenBatch([row.subarray(0, prompt)], [row.subarray(prompt)]);
      await exact.backward(await exact.forward(one, {}), { logProb: coefficients.logProb.slice(start, start + completion) });
      start += completion;
    }
    expect(relativeError(await exact.gradients(), whole)).toBeLessThan(1e-7);
    const repeated = Array.from({ length: copies }, () => rows).flat();
    const many = tokenBatch(
      repeated.map((row, i) => row.subarray(0, shapes[i % rows.length][0])),
      repeated.map((row, i) => row.subarray(shapes[i % rows.length][0])),
    );
    const logProb = Float32Array.from(Array.from({ length: copies }, () => Array.from(coefficients.logProb)).flat());
    const sum = await gradientOf(exact, many, { logProb });
    expect(
      relativeError(
        sum,
        whole.map((x) => copies * x),
      ),
    ).toBeLessThan(1e-12);
  });

  test("tokens that padding hides have no effect, and an absent coefficient is zero", async () => {
    const short = tokenBatch([tokens(3)], [tokens(2)]);
    const alone = await gradientOf(exact, short, { logProb: Float32Array.of(1, -2) });
    const long = tokenBatch([short.tokens.subarray(0, 3), tokens(4)], [short.tokens.subarray(3), tokens(8)]);
    const beside = await gradientOf(exact, long, { logProb: Float32Array.of(1, -2, 0, 0, 0, 0, 0, 0, 0, 0) });
    expect(relativeError(beside, alone)).toBeLessThan(1e-14);
    expect((await gradientOf(exact, short, {})).every((g) => g === 0)).toBe(true);
  });
});

describe("scoring", () => {
  test("every quantity follows from the logits", async () => {
    const temperature = 0.6;
    const handle = await exact.forward(batch, { temperature, entropy: true, sumSquares: true, topK: 3, logits: true, hidden: true });
    const logits = await values(handle.logits);
    const logProb = await values(handle.logProb);
    const entropy = await values(handle.entropy);
    const sumSquares = await values(handle.sumSquares);
    const topKTokens = await values(handle.topKTokens);
    const topKLogProbs = await values(handle.topKLogProbs);
    const embedding = theta.subarray(0, config.vocabSize * config.hiddenSize);
    const targets = shapes.flatMap(([prompt], r) => Array.from(batch.tokens.slice(batch.offsets[r] + prompt, batch.offsets[r + 1])));
    for (let n = 0; n < count; n++) {
      const z = Array.from(logits.subarray(n * config.vocabSize, (n + 1) * config.vocabSize), (x) => x / temperature);
      const total = z.reduce((sum, x) => sum + Math.exp(x), 0);
      const logProbs = z.map((x) => x - Math.log(total));
      expect(logProb[n]).toBeCloseTo(logProbs[targets[n]], 12);
      expect(entropy[n]).toBeCloseTo(-logProbs.reduce((sum, x) => sum + Math.exp(x) * x, 0), 12);
      expect(sumSquares[n]).toBeCloseTo(
        logProbs.reduce((sum, x) => sum + Math.exp(2 * x), 0),
        12,
      );
      const best = logProbs
        .map((_, v) => v)
        .sort((a, b) => logProbs[b] - logProbs[a])
        .slice(0, 3);
      expect(Array.from(topKTokens.subarray(3 * n, 3 * n + 3))).toEqual(best);
      best.forEach((v, i) => {
        expect(topKLogProbs[3 * n + i]).toBeCloseTo(logProbs[v], 12);
      });
      const hidden = (await values(handle.hidden)).subarray(n * config.hiddenSize, (n + 1) * config.hiddenSize);
      const dot = Array.from(hidden).reduce((sum, x, i) => sum + x * embedding[4 * config.hiddenSize + i], 0);
      expect(dot).toBeCloseTo(logits[n * config.vocabSize + 4], 10);
    }
  });

  test("ties among the most probable tokens go to the lower id", async () => {
    const engine = await createPortableEngine();
    engines.push(engine);
    const flat = await engine.load(config, new Float32Array(parameterCount(config)));
    const handle = await flat.forward(tokenBatch([[1]], [[2]]), { topK: 3 });
    expect(Array.from(await handle.topKTokens!.read())).toEqual([0, 1, 2]);
  });

  test("a batch without completion tokens has empty results and no gradient", async () => {
    const empty = tokenBatch([tokens(4)], [[]]);
    const handle = await single.forward(empty, { entropy: true });
    expect(handle.logProb.length).toBe(0);
    expect((await gradientOf(single, empty, { logProb: new Float32Array(0) })).every((g) => g === 0)).toBe(true);
  });

  test("refuses what does not fit, in one sentence", async () => {
    await expect(single.forward(tokenBatch([tokens(10)], [tokens(3)]), {})).rejects.toThrow("row 0 has 13 tokens, the context holds 12");
    await expect(single.forward(tokenBatch([[]], [[1]]), {})).rejects.toThrow("row 0 has a prompt of 0 tokens");
    await expect(single.forward(tokenBatch([[13]], [[1]]), {})).rejects.toThrow("token 13 is outside the vocabulary of 13");
    await expect(single.forward(batch, { temperature: 0 })).rejects.toThrow("temperature must be positive");
    await expect(single.forward(batch, { topK: 14 })).rejects.toThrow("topK must be an integer from 0 to 13");
    const handle = await single.forward(batch, {});
    await expect(single.backward(handle, { logProb: new Float32Array(3) })).rejects.toThrow(
      "this batch needs 22 log-prob coefficients, got 3",
    );
    await single.backward(handle, {});
    await expect(single.backward(handle, {})).rejects.toThrow("at most one backward");
    await expect(exact.backward(await single.forward(batch, {}), {})).rejects.toThrow("of the policy that made it");
    const engine = engines[1];
    await expect(engine.load(config, new Float32Array(3))).rejects.toThrow(`has ${theta.length} parameters, got 3`);
  });
});

describe("a handle", () => {
  test("keeps the weights of its time: scores and gradient are theirs, however late they are asked for", async () => {
    const policy = (await engines[1].load(config, theta)) as PortablePolicy;
    const before = await (await policy.forward(batch, { entropy: true })).entropy!.read();
    const gradient = await gradientOf(policy, batch, coefficients);
    const [early, late] = [await policy.forward(batch, { entropy: true }), await policy.forward(batch, { entropy: true })];
    policy.state.gradient.fill(1);
    await policy.apply({ learningRate: 0.1, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, maxGradNorm: 0 });
    expect(await early.entropy!.read()).toEqual(before);
    await policy.backward(late, coefficients);
    expect(await late.entropy!.read()).toEqual(before);
    expect(policy.state.gradient).toEqual(gradient);
    expect(await (await policy.forward(batch, { entropy: true })).entropy!.read()).not.toEqual(before);
  });
});

describe("state", () => {
  const step = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, maxGradNorm: 1 };
  const update = async (policy: PortablePolicy) => {
    await policy.backward(await policy.forward(batch, {}), coefficients);
    return policy.apply(step);
  };

  test("a clone goes its own way; a restored snapshot repeats the same updates", async () => {
    const engine = engines[1];
    const policy = (await engine.load(config, theta)) as PortablePolicy;
    await update(policy);
    const saved = await policy.save();
    const twin = (await policy.clone()) as PortablePolicy;
    await update(policy);
    await update(policy);
    const end = await policy.save();
    expect((await twin.save()).theta).toEqual(saved.theta);
    await policy.backward(await policy.forward(batch, {}), coefficients);
    await policy.restore(saved);
    for (const p of [policy, twin]) {
      await update(p);
      await update(p);
      expect(await p.save()).toEqual(end);
    }
    expect(end.updates).toBe(3);
    await expect(policy.restore({ ...saved, m: new Float32Array(2) })).rejects.toThrow("the snapshot's m has 2");
  });

  test("a kernel's twin runs in the kernel's place, on host arrays and engine buffers alike", async () => {
    const handle = await single.forward(batch, {});
    const out = await engines[1].runKernel(
      {
        name: "scale",
        wgsl: "",
        inputs: [{ name: "x", type: "f32" }],
        outputs: [{ name: "y", length: (sizes) => sizes.x }],
        params: [{ name: "by", type: "f32" }],
        workgroups: () => [1, 1, 1],
        twin: ({ x }, { by }) => ({ y: Float32Array.from(x, (value) => by * value) }),
      },
      { x: handle.logProb },
      { by: 2 },
    );
    expect(await out.y.read()).toEqual((await handle.logProb.read()).map((value) => 2 * value));
  });
});
