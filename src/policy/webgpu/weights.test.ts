import { afterAll, afterEach, expect, it, vi } from "vitest";
import { clippedObjective } from "../../algorithm/kernels/clippedObjective.ts";
import { POLICY_CONFIGS, type PolicyConfig } from "../config.ts";
import { completionOffsets, EngineError, type GenerateRequest, type OptimizerStep, type Policy } from "../engine.ts";
import { roundedToHalf } from "../half.ts";
import { adamW } from "../optimizer.ts";
import { createPortableEngine } from "../portable/node.ts";
import { rowKeys, STREAM } from "../random.ts";
import { createWebgpuEngine, type WebgpuEngine, type WebgpuOptions } from "./engine.ts";
import { createNodeWebgpuEngine, nodeGpu } from "./node.ts";
import { selfTest } from "./self-test.ts";
import { normals, TOY, testBatch, testWeights, worst } from "./testing.ts";

// A software driver takes long to compile kernels that it has not kept from an earlier run.
vi.setConfig({ testTimeout: 600_000 });

const nano = POLICY_CONFIGS.nano;
const STEP: OptimizerStep = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-6, weightDecay: 0.1, maxGradNorm: 1 };

const engines: WebgpuEngine[] = [];
async function engineWith(options: WebgpuOptions): Promise<WebgpuEngine> {
  const engine = await createNodeWebgpuEngine(options);
  engines.push(engine);
  return engine;
}
afterEach(() => {
  for (const engine of engines.splice(0)) {
    expect(engine.errorMessages()).toEqual([]);
    engine.dispose();
  }
});

const portable = createPortableEngine();
afterAll(async () => (await portable).dispose());

const LENGTHS = [
  [12, 9],
  [1, 14],
  [20, 0],
  [3, 1],
] as const;

/** Scores, a gradient and draws of a policy. */
async function everything(policy: Policy, config: PolicyConfig) {
  const batch = testBatch(config, LENGTHS);
  const n = completionOffsets(batch).at(-1)!;
  const handle = await policy.forward(batch, { logits: true, entropy: true });
  const logits = await handle.logits!.read();
  await policy.backward(handle, { logProb: normals(3, n, 1 / n), entropy: normals(4, n, 0.1 / n) });
  const gradient = await policy.gradients();
  const lengths = [3, 9, 1, 20, 9];
  const request: GenerateRequest = {
    prompts: lengths.map((length, row) => testBatch(config, [[length, 0]], 50 + row).tokens),
    keys: rowKeys({ seed: 5, stream: STREAM.rollouts, step: 0 }, Array.from(lengths.keys())),
    maxNewTokens: 6,
    temperature: 0.9,
    stopTokens: [2],
    alternatives: 2,
  };
  return { logits, gradient, generation: await policy.generate(request) };
}

const kernels: readonly (readonly [string, WebgpuOptions])[] = [
  ["the fast kernels of software adapters", {}],
  ["the fast kernels of GPUs", { matmul: "tiled" }],
  ["the fast kernels of GPUs, drawing step by step", { matmul: "tiled", decode: "batched" }],
  ["the plain kernels", { kernels: "plain", decode: "batched" }],
];

it.each(kernels)("with %s, 16-bit weights give to the bit what their values give in 32 bits", async (_, options) => {
  const half = await engineWith({ ...options, weights: "f16" });
  const single = await engineWith(options);
  expect(half.plan.weights).toBe("f16");
  expect(half.label).toBe(`${single.label}, 16-bit weights`);
  expect(single.plan.weights).toBe("f32");
  const theta = testWeights(TOY);
  const rounded = roundedToHalf(theta);
  expect(rounded).not.toEqual(theta);
  const policy = await half.load(TOY, theta);
  expect((await policy.save()).theta).toEqual(theta);
  const one = await everything(policy, TOY);
  expect(one).toEqual(await everything(await single.load(TOY, rounded), TOY));
  // What it was drawn from is what it is scored by, and not the unrounded weights.
  expect(one.logits).not.toEqual((await everything(await single.load(TOY, theta), TOY)).logits);

  // An update moves the weights in 32 bits, and its copy is what a fresh start from the same weights would have.
  await (await policy.apply(STEP)).read();
  const after = await policy.save();
  expect(roundedToHalf(after.theta)).not.toEqual(after.theta);
  const two = await everything(policy, TOY);
  expect(two.logits).not.toEqual(one.logits);
  const clone = await policy.clone();
  expect((await everything(clone, TOY)).logits).toEqual(two.logits);
  await policy.restore(after);
  expect(await everything(policy, TOY)).toEqual(two);
});

it("an update never rounds to infinity, and keeps the smallest 16-bit numbers", async () => {
  const half = await engineWith({ weights: "f16" });
  const theta = testWeights(TOY);
  // Under the embedding of a token that nobody uses: only weight decay moves these, and all decay alike.
  const large = [1e6, -7e4, 65519, 65520];
  const small = [3e-8, -6e-5, 1e-6, 2 ** -24, 2 ** -14];
  theta.set([...large, ...small], 22 * TOY.hiddenSize);
  const policy = await half.load(TOY, theta);
  await (await policy.apply({ ...STEP, learningRate: 1e-3 })).read();
  const { theta: after } = await policy.save();
  expect(after).not.toEqual(theta);
  const logits = async (of: Policy) => (await everything(of, TOY)).logits;
  const updated = await logits(policy);
  expect(updated.every(Number.isFinite)).toBe(true);
  expect(updated).toEqual(await logits(await half.load(TOY, after)));
});

it("trains as the portable engine does that is given the rounded weights, over 30 updates on the same rollouts", async () => {
  const half = await engineWith({ weights: "f16" });
  const theta = testWeights(nano);
  const batch = testBatch(nano, LENGTHS);
  const count = completionOffsets(batch).at(-1)!;
  const advantage = normals(6, count);
  const weight = new Float32Array(count).fill(1 / count);
  const step: OptimizerStep = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.01, maxGradNorm: 1 };
  const ours = await half.load(nano, theta);
  const theirs = await (await portable).load(nano, roundedToHalf(theta));
  const zeros = () => new Float64Array(theta.length);
  const master = { theta: Float64Array.from(theta), gradient: zeros(), m: zeros(), v: zeros(), updates: 0 };
  const oldLogProb = await (await ours.forward(batch, {}, { inference: true })).logProb.read();
  const losses: number[][] = [[], []];
  let clipped = 0;
  for (let update = 0; update < 30; update++) {
    for (const [i, [engine, policy]] of (
      [
        [half, ours],
        [await portable, theirs],
      ] as const
    ).entries()) {
      const handle = await policy.forward(batch, {});
      const outputs = await engine.runKernel(
        clippedObjective,
        { logProb: handle.logProb, oldLogProb, advantage, weight, reference: oldLogProb },
        { clipLow: 0.2, clipHigh: 0.28, dualClip: 3, beta: 0.01, count },
      );
      await policy.backward(handle, { logProb: outputs.coefficient });
      const terms = await outputs.terms.read();
      losses[i].push(terms.subarray(0, count).reduce((a, b) => a + b, 0));
      clipped += terms.subarray(2 * count, 3 * count).filter((flag) => flag !== 0).length;
    }
    await ours.apply(step);
    // The portable engine's weights are what is left of the master weights after rounding.
    master.gradient.set(await theirs.gradients());
    adamW(master, nano, step);
    await theirs.restore({
      theta: roundedToHalf(master.theta),
      m: new Float32Array(theta.length),
      v: new Float32Array(theta.length),
      updates: 0,
    });
  }
  expect(losses[0][0]).toBeCloseTo(losses[1][0], 5);
  expect(worst(losses[0], losses[1])).toBeLessThan(2e-3);
  expect(clipped).toBeGreaterThan(100);
  expect(losses[0][29]).toBeLessThan(losses[0][0] - 0.05);
  theirs.dispose();
});

it("passes the self-test", async () => {
  expect(await selfTest(await engineWith({ weights: "f16" }))).toBeUndefined();
});

it("fails the self-test where an update leaves the copy behind", async () => {
  await nodeGpu();
  const compile = GPUDevice.prototype.createShaderModule;
  const right = "Weight(half(updated))";
  let broken = 0;
  GPUDevice.prototype.createShaderModule = function (this: GPUDevice, descriptor: GPUShaderModuleDescriptor) {
    const { code } = descriptor;
    if (code.includes(right)) broken++;
    return compile.call(this, { ...descriptor, code: code.replace(right, "Weight(half(0.9 * updated))") });
  };
  try {
    const fault = await selfTest(await engineWith({ weights: "f16" }));
    expect(fault).toMatchObject({ what: "log-probs after an update" });
    expect(broken).toBe(1);
  } finally {
    GPUDevice.prototype.createShaderModule = compile;
  }
});

it("is refused where the adapter has no 16-bit numbers", async () => {
  const gpu = await nodeGpu();
  const without = {
    requestAdapter: async (options?: GPURequestAdapterOptions) => {
      const adapter = (await gpu.requestAdapter(options))!;
      return { info: adapter.info, features: new Set(), requestDevice: () => adapter.requestDevice() };
    },
  } as unknown as GPU;
  const error = await createWebgpuEngine(without, { weights: "f16" }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(EngineError);
  expect((error as Error).message).toMatch(/^Weights of 16 bits cannot be used on .+: it has no 16-bit numbers \(shader-f16\)\.$/);
  (await createWebgpuEngine(without)).dispose();
});
