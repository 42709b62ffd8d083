import { describe, expect, it } from "vitest";
import { randomSequence, STREAM } from "../../policy/random.ts";
import { batchOf } from "../advantages/testing.ts";
import { spreadRows } from "../batch.ts";
import { type Parameters, withDefaults } from "../plugin.ts";
import { confidenceShaping, logitPenalty, payForLogits, selfConfidence, shapeByConfidence } from "./ucas.ts";

const random = randomSequence({ seed: 1, stream: STREAM.plugin, step: 1 });
const near = (actual: ArrayLike<number>, expected: readonly number[]) =>
  expect(Array.from(actual)).toEqual(expected.map((x) => expect.closeTo(x, 3)));

/** A right and a sure, a right and an unsure, a wrong and a sure, a wrong and an unsure answer. */
const batch = batchOf([[1, 1, 0, 0]]);
const base = spreadRows([0.866, 0.866, -0.866, -0.866], batch);
const confidence = spreadRows([6, 4, 5.5, 4.5], batch);
const drawn = [20, 10, 18, 12, 20, 15, 16, 10];
const stretch = (params: Parameters = {}) => shapeByConfidence(batch, base, confidence, withDefaults(confidenceShaping, params));

describe("confidence of the answer", () => {
  it("stretches unsure right and sure wrong answers", () => {
    const { advantage, terms } = stretch();
    near(terms.confidence, [12, 8, 11, 9]);
    near(terms.relative, [1.0954, -1.0954, 0.5477, -0.5477]);
    near(
      [0, 2, 4, 6].map((t) => advantage[t]),
      [0.6586, 1.1388, -1.049, -0.7149],
    );
  });

  it("is the divergence of the uniform distribution from the policy's, plus log V", () => {
    const logits = [1, -2, 0.5, 3, 700, 701, 702, 703];
    const probabilities = [1, -2, 0.5, 3].map((z) => Math.exp(z) / [1, -2, 0.5, 3].reduce((sum, x) => sum + Math.exp(x), 0));
    const divergence = probabilities.reduce((sum, p) => sum + 0.25 * Math.log(0.25 / p), 0);
    const [first, second] = selfConfidence(logits, 4);
    expect(first).toBeCloseTo(divergence + Math.log(4), 12);
    expect(second).toBeCloseTo(selfConfidence([0, 1, 2, 3], 4)[0], 10);
    expect(selfConfidence([5, 5, 5, 5], 4)[0]).toBeCloseTo(Math.log(4), 12);
  });

  it("per token, does not take a long answer for a sure one", () => {
    const uneven = batchOf([[1, 1]], { lengths: [6, 2] });
    const shaped = shapeByConfidence(
      uneven,
      spreadRows([1, 1], uneven),
      spreadRows([3, 3], uneven),
      withDefaults(confidenceShaping, { perToken: true }),
    );
    expect(new Set(shaped.advantage)).toEqual(new Set([1]));
  });

  it("leaves zero advantages and answers without a score alone, and stays finite", () => {
    const odd = batchOf([[1, Number.NaN, 0, 1]], { lengths: [2, 2, 0, 2] });
    const shaped = shapeByConfidence(
      odd,
      spreadRows([0, 0, 0, -1e6], odd),
      spreadRows([1e9, 5, 5, 1e12], odd),
      withDefaults(confidenceShaping, { divideByStd: false }),
    );
    expect([...shaped.advantage].every(Number.isFinite)).toBe(true);
    expect([...shaped.advantage.slice(0, 4)]).toEqual([0, 0, 0, 0]);
  });
});

describe("penalty on certain tokens", () => {
  it("takes from each token by its logit, and turns no good answer bad", () => {
    const { advantage, terms } = payForLogits(batch, stretch().advantage, drawn, 0.05);
    near(terms.certainty, [1, 0, 0.8, 0.2, 1, 0.5, 0.6, 0]);
    near(advantage, [0.6086, 0.6586, 1.0988, 1.1288, -1.099, -1.074, -0.7449, -0.7149]);
    expect(Math.min(...payForLogits(batch, base, drawn, 5).advantage.slice(0, 4))).toBe(0);
  });

  it("charges all alike where all logits are, nothing where the reward is unknown", () => {
    near(payForLogits(batch, new Float64Array(8), new Float64Array(8).fill(3), 0.1).advantage, new Array(8).fill(-0.05));
    const unknown = batchOf([[Number.NaN, 0]]);
    near(payForLogits(unknown, new Float64Array(4), [1, 2, 3, 4], 1).advantage, [0, 0, -2 / 3, -1]);
  });
});

it("both read raw logits: the penalty that of the drawn token", () => {
  const logits = Float64Array.from([...Array(24).keys()], (i) => ((i * 7) % 11) - 5);
  const tokens = [0, 1, 2, 0, 1, 2, 0, 1];
  const full = { ...batch, tokens, vocabSize: 3, scores: { logits } };
  const shaped = confidenceShaping.shape(full, base, withDefaults(confidenceShaping), undefined, random);
  expect([...shaped.advantage]).toEqual([
    ...shapeByConfidence(batch, base, selfConfidence(logits, 3), withDefaults(confidenceShaping)).advantage,
  ]);
  const paid = logitPenalty.shape(full, base, withDefaults(logitPenalty), undefined, random);
  expect([...paid.advantage]).toEqual([
    ...payForLogits(
      batch,
      base,
      tokens.map((token, t) => logits[t * 3 + token]),
      0.05,
    ).advantage,
  ]);
});
