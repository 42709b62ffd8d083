import { afterAll, describe, expect, it } from "vitest";
import { clippedObjective } from "../../algorithm/kernels/clippedObjective.ts";
import { POLICY_CONFIGS, parameterLayout } from "../config.ts";
import { completionOffsets, type Engine, type GenerateRequest, type Policy, type TokenBatch, tokenBatch } from "../engine.ts";
import golden from "../golden/llama.golden.json";
import { recomputeLlamaGolden } from "../golden.ts";
import { createPortableEngine } from "../portable/node.ts";
import { rowKeys, STREAM, uniform } from "../random.ts";
import { createNodeWebgpuEngine } from "./node.ts";
import { failOnGpuErrors, normals, relativeNorm, testBatch, testEngine, testWeights, worst } from "./testing.ts";

failOnGpuErrors();
const nano = POLICY_CONFIGS.nano;
let portable: Engine | undefined;
const portableEngine = async () => (portable ??= await createPortableEngine());
afterAll(() => portable?.dispose());

describe("the outside reference", () => {
  it("agrees: values and gradients to 1e-4, weights after the updates to 2e-3", async () => {
    const { differences } = await recomputeLlamaGolden(golden, () => createNodeWebgpuEngine());
    expect(differences.length).toBeGreaterThan(20);
    for (const { array, relative } of differences) expect(relative, array).toBeLessThan(/^weightsAfter/.test(array) ? 2e-3 : 1e-4);
  });
});

const LENGTHS = [
  [12, 24],
  [12, 7],
  [12, 0],
  [1, 24],
  [20, 16],
  [3, 1],
  [104, 24],
  [8, 24],
] as const;

describe("nano on both engines", () => {
  it("logits within 1e-4, every parameter's gradient within 1e-3", async () => {
    const theta = testWeights(nano);
    const batch = testBatch(nano, LENGTHS);
    const n = completionOffsets(batch).at(-1)!;
    const coefficients = { logProb: normals(3, n, 1 / n), entropy: normals(4, n, 0.1 / n) };
    const results = [];
    for (const engine of [await testEngine(), await portableEngine()]) {
      const policy = await engine.load(nano, theta);
      const handle = await policy.forward(batch, { logits: true, entropy: true });
      const logits = await handle.logits!.read();
      await policy.backward(handle, coefficients);
      results.push({ logits, gradient: await policy.gradients() });
      policy.dispose();
    }
    expect(worst(results[0].logits, results[1].logits)).toBeLessThan(1e-4);
    for (const { name, offset, size } of parameterLayout(nano)) {
      expect(relativeNorm(results[0].gradient, results[1].gradient, offset, size), name).toBeLessThan(1e-3);
    }
  });

  it("the same losses over 30 updates on the same recorded rollouts with fast kernels, plain ones and the portable engine, clipping alive", async () => {
    const theta = testWeights(nano);
    const batch = testBatch(nano, LENGTHS);
    const count = completionOffsets(batch).at(-1)!;
    const advantage = normals(6, count);
    const weight = new Float32Array(count).fill(1 / count);
    const runs = [];
    const plain = await createNodeWebgpuEngine({ kernels: "plain" });
    // The fast kernels begin twice: they are deterministic.
    for (const [engine, steps] of [
      [await testEngine(), 30],
      [await testEngine(), 5],
      [plain, 30],
      [await portableEngine(), 30],
    ] as const) {
      const policy = await engine.load(nano, theta);
      runs.push(await train(engine, policy, batch, advantage, weight, steps));
      policy.dispose();
    }
    expect(plain.errorMessages()).toEqual([]);
    plain.dispose();
    expect(runs[1].losses).toEqual(runs[0].losses.slice(0, 5));
    expect(runs[1].norms).toEqual(runs[0].norms.slice(0, 5));
    for (const other of runs.slice(2)) {
      expect(worst(runs[0].losses, other.losses)).toBeLessThan(2e-3);
      expect(worst(runs[0].norms, other.norms)).toBeLessThan(2e-2);
    }
    expect(runs[0].clipped).toBeGreaterThan(100);
    // The run went somewhere: agreement about standing still would be worth nothing.
    expect(runs[0].losses[29]).toBeLessThan(runs[0].losses[0] - 0.05);
  }, 240_000);

  it("draws the same tokens, but for draws within 1e-5 of a boundary", async () => {
    const theta = testWeights(nano);
    const prompts = Array.from(
      { length: 24 },
      (_, r) => testBatch(nano, [[1 + ((Math.floor(r / 4) * 7) % 40), 0]], 50 + Math.floor(r / 4)).tokens,
    );
    const request: GenerateRequest = {
      prompts,
      maxNewTokens: 20,
      temperature: 0.9,
      topP: 0.95,
      stopTokens: [2],
      banned: [0, 1],
      keys: rowKeys(
        { seed: 5, stream: STREAM.rollouts, step: 0 },
        prompts.map((_, r) => r),
      ),
      alternatives: 3,
    };
    const [ours, theirs] = [await testEngine(), await portableEngine()];
    const [a, b] = [await (await ours.load(nano, theta)).generate(request), await (await theirs.load(nano, theta)).generate(request)];
    let different = 0;
    for (let r = 0; r < prompts.length; r++) {
      const [x, y] = [a.tokens.subarray(a.offsets[r], a.offsets[r + 1]), b.tokens.subarray(b.offsets[r], b.offsets[r + 1])];
      const split = x.findIndex((token, t) => token !== y[t]);
      if (split < 0) {
        expect(x).toEqual(y);
        expect(worst(a.logProb.subarray(a.offsets[r], a.offsets[r + 1]), b.logProb.subarray(b.offsets[r], b.offsets[r + 1]))).toBeLessThan(
          1e-4,
        );
        continue;
      }
      different++;
      await expectBoundary(await theirs.load(nano, theta), request, r, [...y.subarray(0, split)], x[split], y[split]);
    }
    expect(different).toBeLessThanOrEqual(1);
    expect(a.tokens.length).toBeGreaterThan(300);
  });
});

/** The two tokens must be neighbours around the draw: the probability up to the lower one lies within 1e-5 of the uniform. */
async function expectBoundary(policy: Policy, request: GenerateRequest, row: number, before: number[], one: number, other: number) {
  const prompt = request.prompts[row];
  const handle = await policy.forward(tokenBatch([[...prompt, ...before]], [[one]]), { logits: true });
  const z = await handle.logits!.read();
  const weights = Array.from(z, (value, v) => (request.banned!.includes(v) ? 0 : Math.exp(value / (request.temperature as number))));
  const total = weights.reduce((x, y) => x + y, 0);
  const order = weights.map((_, v) => v).sort((x, y) => weights[y] - weights[x] || x - y);
  let mass = 0;
  const kept = new Set<number>();
  for (const v of order) {
    if (mass >= request.topP! * total) break;
    kept.add(v);
    mass += weights[v];
  }
  const lower = Math.min(one, other);
  let cumulative = 0;
  for (let v = 0; v <= lower; v++) if (kept.has(v)) cumulative += weights[v] / mass;
  const u = uniform(request.keys[2 * row], request.keys[2 * row + 1], prompt.length + before.length);
  expect(Math.abs(cumulative - u)).toBeLessThan(1e-5);
}

async function train(engine: Engine, policy: Policy, batch: TokenBatch, advantage: Float32Array, weight: Float32Array, steps: number) {
  const count = advantage.length;
  const oldLogProb = await (await policy.forward(batch, {}, { inference: true })).logProb.read();
  const losses: number[] = [];
  const norms: number[] = [];
  let clipped = 0;
  for (let step = 0; step < steps; step++) {
    const handle = await policy.forward(batch, {});
    const outputs = await engine.runKernel(
      clippedObjective,
      { logProb: handle.logProb, oldLogProb, advantage, weight, reference: oldLogProb },
      { clipLow: 0.2, clipHigh: 0.28, dualClip: 3, beta: 0.01, count },
    );
    await policy.backward(handle, { logProb: outputs.coefficient });
    const step = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.01, maxGradNorm: 1 };
    const { gradNorm } = await (await policy.apply(step)).read();
    const terms = await outputs.terms.read();
    losses.push(terms.subarray(0, count).reduce((a, b) => a + b, 0));
    norms.push(gradNorm);
    clipped += terms.subarray(2 * count, 3 * count).filter((flag) => flag !== 0).length;
  }
  return { losses, norms, clipped };
}
