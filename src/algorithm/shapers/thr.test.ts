import { describe, expect, it } from "vitest";
import type { RolloutBatch } from "../batch.ts";
import { tokenHiddenReward, tokenInfluence } from "./thr.ts";

/** Three answers of one token each, over a vocabulary of three with hidden states of two numbers; one right. */
const q = [
  [0.5, 0.3, 0.2],
  [0.6, 0.2, 0.2],
  [0.3, 0.3, 0.4],
];
const batch: RolloutBatch = {
  rows: 3,
  offsets: [0, 1, 2, 3],
  group: [0, 0, 0],
  groups: [[0, 1, 2]],
  reward: [1, 0, 0],
  parts: { correct: [1, 0, 0] },
  maxLength: 1,
  scores: { logits: q.flat().map(Math.log), hidden: [1, 0, 0.8, 0.6, 0.6, 0.8] },
  tokens: [0, 0, 2],
  vocabSize: 3,
  hiddenSize: 2,
  step: 1,
};
const A = Float64Array.from([Math.SQRT2, -Math.SQRT1_2, -Math.SQRT1_2]);
const shape = (of: RolloutBatch, advantage: Float64Array, lean: number, threshold: number) =>
  Array.from(tokenHiddenReward.shape(of, advantage, { lean, threshold }, undefined, null!).advantage);

describe("token hidden reward", () => {
  it("scores the worked example by hand", () => {
    const { score, level } = tokenInfluence(
      { ...batch, tokens: batch.tokens!, logits: batch.scores.logits!, hidden: batch.scores.hidden!, vocabSize: 3, hiddenSize: 2 },
      [1, 0, 0],
    );
    for (const [t, expected] of [0.38, -0.24, 0.108].entries()) expect(score[t]).toBeCloseTo(expected, 12);
    expect(level[0]).toBeCloseTo(0.38, 12);
  });

  it("equals the double sum over pairs of tokens, whatever the lengths", () => {
    const offsets = [0, 2, 5, 6];
    const [V, H, N] = [4, 3, 6];
    const logits = Array.from({ length: N * V }, (_, i) => Math.sin(3 * i + 1));
    const hidden = Array.from({ length: N * H }, (_, i) => Math.cos(5 * i + 2));
    const tokens = [0, 3, 1, 1, 2, 0];
    const labels = [1, 0, 1];
    const { score } = tokenInfluence(
      { rows: 3, offsets, groups: [[0, 1, 2]], tokens, logits, hidden, vocabSize: V, hiddenSize: H },
      labels,
    );
    const g = Array.from({ length: N }, (_, t) => {
      const e = logits.slice(t * V, t * V + V).map(Math.exp);
      const sum = e.reduce((a, b) => a + b);
      return e.map((x, v) => Number(v === tokens[t]) - x / sum);
    });
    const h = Array.from({ length: N }, (_, t) => hidden.slice(t * H, t * H + H));
    const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    for (let j = 0; j < 3; j++) {
      for (let t = offsets[j]; t < offsets[j + 1]; t++) {
        let sum = 0;
        for (const i of [0, 2]) {
          const length = offsets[i + 1] - offsets[i];
          for (let k = offsets[i]; k < offsets[i + 1]; k++) sum += (dot(g[k], g[t]) * dot(h[k], h[t])) / length;
        }
        expect(score[t]).toBeCloseTo((2 * labels[j] - 1) * sum, 12);
      }
    }
  });

  it("leans the advantages to exploit or to explore, and leaves out tokens of little influence", () => {
    const close = (actual: number[], expected: number[]) => expected.forEach((x, t) => void expect(actual[t]).toBeCloseTo(x, 4));
    close(shape(batch, A, 0.1, 0), [1.5556, -0.6364, -0.7778]);
    close(shape(batch, A, -0.1, 0), [1.2728, -0.7778, -0.6364]);
    close(shape(batch, A, 0.1, 0.2 / 0.38), [1.5556, -0.6364, 0]);
    close(shape(batch, A, 0, 0), Array.from(A));
  });

  it("leaves groups of one kind, empty rows and unscorable rows alone", () => {
    expect(shape({ ...batch, reward: [0, 0, 0], parts: {} }, A, 0.1, 1)).toEqual(Array.from(A));
    expect(shape({ ...batch, reward: [1, 1, 1], parts: {} }, A, 0.1, 1)).toEqual(Array.from(A));
    const odd: RolloutBatch = {
      ...batch,
      rows: 4,
      offsets: [0, 1, 2, 3, 3],
      groups: [[0, 1, 2, 3]],
      reward: [1, 0, Number.NaN, 1],
      parts: {},
    };
    const shaped = shape(odd, Float64Array.from([1, -1, 0]), 0.1, 0);
    expect(shaped.every(Number.isFinite)).toBe(true);
    expect(shaped[2]).toBe(0);
  });

  it("is finite for extreme logits", () => {
    const wild = { ...batch, scores: { ...batch.scores, logits: [1e6, -1e6, 0, 0, 0, 1e6, -1e6, -1e6, -1e6] } };
    expect(shape(wild, A, 0.1, 0).every(Number.isFinite)).toBe(true);
  });
});
