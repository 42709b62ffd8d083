import { describe, expect, test } from "vitest";
import { parameterLayout } from "./config.ts";
import document from "./golden/llama.golden.json";
import { type GoldenResult, recomputeLlamaGolden } from "./golden.ts";
import { initialWeights } from "./initialise.ts";
import { createPortableEngine } from "./portable/node.ts";

const worst = (result: GoldenResult, pattern: RegExp) => {
  const matching = result.differences.filter(({ array }) => pattern.test(array));
  expect(matching.length).toBeGreaterThan(0);
  return Math.max(...matching.map(({ relative }) => relative));
};

describe("the outside reference", () => {
  test("the portable engine agrees in float32: values and gradients to 1e-4, weights after the updates to 2e-3", async () => {
    const result = await recomputeLlamaGolden(document, () => createPortableEngine());
    expect(worst(result, /^(lastLogits|lastHidden|logProbs|entropies|loss|gradNorm|gradients|step)/)).toBeLessThan(1e-4);
    expect(worst(result, /^weightsAfter/)).toBeLessThan(2e-3);
    expect(worst(result, /./)).toBeLessThan(1e-5);
  });

  test("and in float64 to the precision of float32 numbers", async () => {
    const result = await recomputeLlamaGolden(document, () => createPortableEngine({ precision: "float64" }));
    expect(worst(result, /./)).toBeLessThan(1.5e-7);
    const output = (result.document.cases as typeof document.cases)[0].output;
    expect(Object.keys(output)).toEqual(expect.arrayContaining(Object.keys(document.cases[0].output)));
  });

  test("another shape: hidden size ≠ heads·headDim, three layers, an empty completion; its own output then agrees with itself", async () => {
    const config = {
      vocabSize: 21,
      hiddenSize: 20,
      layers: 3,
      heads: 3,
      headDim: 8,
      intermediateSize: 14,
      contextLength: 9,
      rmsNormEps: 1e-6,
      ropeTheta: 500,
    };
    const theta = initialWeights(config, 1);
    const one = {
      name: "odd",
      config: {
        vocab_size: 21,
        hidden_size: 20,
        num_hidden_layers: 3,
        num_attention_heads: 3,
        num_key_value_heads: 3,
        head_dim: 8,
        intermediate_size: 14,
        rms_norm_eps: 1e-6,
        rope_theta: 500,
        tie_word_embeddings: true,
      },
      weights: Object.fromEntries(
        parameterLayout(config).map(({ name, offset, size }) => [name, Array.from(theta.subarray(offset, offset + size))]),
      ),
      tokens: [[1, 2, 3], [4, 5, 6, 7, 8, 9, 10, 11], [3]],
      promptLengths: [3, 1, 1],
      coefficients: [[], [1, -1, 2, 0.5, 0, 1, 1], []],
      optimizer: { name: "AdamW", learningRate: 0.02, beta1: 0.8, beta2: 0.9, eps: 1e-6, weightDecay: 0.3, maxGradNorm: 0.1, steps: 3 },
    };
    const first = await recomputeLlamaGolden({ cases: [one] }, () => createPortableEngine({ precision: "float64" }));
    expect(first.differences).toEqual([]);
    const again = await recomputeLlamaGolden(first.document, () => createPortableEngine());
    expect(worst(again, /^weightsAfter/)).toBeLessThan(2e-3);
    expect(worst(again, /^(?!weightsAfter)/)).toBeLessThan(1e-4);
    const output = (first.document.cases as { output: { stepLosses: number[]; lastLogits: number[][] } }[])[0].output;
    expect(output.stepLosses[2]).toBeLessThan(output.stepLosses[0]);
    expect(output.lastLogits.map((row) => row.length)).toEqual([21, 21, 21]);
  });

  test("what is not supported or malformed is refused in one sentence", async () => {
    const good = document.cases[0];
    const refused = async (change: object, message: string) => {
      const made = recomputeLlamaGolden({ cases: [{ ...good, ...change }] }, () => createPortableEngine());
      await expect(made).rejects.toThrow(message);
    };
    await refused(
      { config: { ...good.config, num_key_value_heads: 1 } },
      "grouped-query attention (1 key-value heads for 2 heads) is not supported",
    );
    await refused({ config: { ...good.config, tie_word_embeddings: false } }, "untied output embeddings are not supported");
    await refused({ config: { ...good.config, head_dim: 7 } }, "headDim must be even");
    await refused({ config: { ...good.config, vocab_size: 20 } }, "token 21 is outside the vocabulary of 20");
    await refused({ weights: {} }, "the weights lack model.embed_tokens.weight");
    await refused({ weights: { ...good.weights, "lm_head.weight": [1] } }, "lm_head.weight has no place");
    await refused({ weights: { ...good.weights, "model.norm.weight": [1] } }, "model.norm.weight has 1 values");
    await refused({ promptLengths: [5, 3, 1] }, "4 rows need as many prompt lengths, got 3");
    await refused({ coefficients: [[1]] }, "coefficients of row 0 must have 6 values");
    await refused({ optimizer: { ...good.optimizer, name: "SGD" } }, "the optimizer SGD is not supported");
    await expect(recomputeLlamaGolden([], () => createPortableEngine())).rejects.toThrow("an object with an array of cases");
  });
});
