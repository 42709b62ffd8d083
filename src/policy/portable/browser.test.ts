import { expect, test } from "vitest";
import type { PolicyConfig } from "../config.ts";
import { type Engine, tokenBatch } from "../engine.ts";
import { initialWeights } from "../initialise.ts";
import { rowKeys, STREAM } from "../random.ts";
import { createPortableEngine as createBrowserEngine } from "./browser.ts";
import { createPortableEngine as createNodeEngine } from "./node.ts";

const config: PolicyConfig = {
  vocabSize: 17,
  hiddenSize: 16,
  layers: 2,
  heads: 2,
  headDim: 8,
  intermediateSize: 12,
  contextLength: 16,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
};
const theta = initialWeights(config, 4).map((x) => (x === 1 ? 1 : 10 * x));

/** Generates, scores and differentiates what was generated, and takes one update. */
async function learn(engine: Engine) {
  const policy = await engine.load(config, theta);
  const prompts = [Int32Array.of(1, 4, 5), Int32Array.of(1), Int32Array.of(1, 9)];
  const keys = rowKeys({ seed: 3, stream: STREAM.rollouts, step: 0 }, [0, 1, 2]);
  const generation = await policy.generate({ prompts, maxNewTokens: 8, temperature: 1, topK: 9, stopTokens: [2], keys });
  const completions = prompts.map((_, r) => generation.tokens.slice(generation.offsets[r], generation.offsets[r + 1]));
  const handle = await policy.forward(tokenBatch(prompts, completions), { entropy: true });
  await policy.backward(handle, { logProb: generation.logProb });
  const gradient = await policy.gradients();
  const options = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, maxGradNorm: 1 };
  const { gradNorm } = await (await policy.apply(options)).read();
  return { tokens: generation.tokens, logProb: generation.logProb, gradient, gradNorm };
}

test("the WebAssembly build computes what the native one does, on one thread where nothing is isolated", async () => {
  const browser = await createBrowserEngine();
  const native = await createNodeEngine();
  expect(browser.label).toBe("portable (1 thread)");
  const [a, b] = [await learn(browser), await learn(native)];
  expect(a.tokens).toEqual(b.tokens);
  expect(a.gradNorm / b.gradNorm).toBeCloseTo(1, 5);
  for (const key of ["logProb", "gradient"] as const) {
    const largest = Math.max(...b[key].map(Math.abs));
    expect(Math.max(...a[key].map((x, i) => Math.abs(x - b[key][i]))) / largest).toBeLessThan(1e-5);
  }
  for (const engine of [browser, native]) {
    expect(engine.errorCount()).toBe(0);
    engine.dispose();
  }
});
