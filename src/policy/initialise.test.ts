import { describe, expect, test } from "vitest";
import { POLICY_CONFIGS, parameterLayout } from "./config.ts";
import { initialWeights } from "./initialise.ts";

const config = POLICY_CONFIGS.nano;
const theta = initialWeights(config, 7);

const deviation = (offset: number, size: number) => {
  const part = theta.subarray(offset, offset + size);
  const mean = part.reduce((a, b) => a + b, 0) / size;
  return Math.sqrt(part.reduce((a, b) => a + (b - mean) ** 2, 0) / size);
};

describe("initialWeights", () => {
  test("gives every tensor its deviation: 0.02, less for residual projections, norms exactly 1", () => {
    for (const { name, shape, offset, size } of parameterLayout(config)) {
      if (shape.length === 1) expect(theta.subarray(offset, offset + size).every((x) => x === 1)).toBe(true);
      else {
        const expected = /o_proj|down_proj/.test(name) ? 0.02 / Math.sqrt(2 * config.layers) : 0.02;
        expect(deviation(offset, size) / expected, name).toBeCloseTo(1, 1);
      }
    }
  });

  test("is a function of the seed; tensors are drawn independently", () => {
    expect(initialWeights(config, 7)).toEqual(theta);
    expect(initialWeights(config, 8)).not.toEqual(theta);
    const [q, k] = ["q_proj", "k_proj"].map((n) => parameterLayout(config).find(({ name }) => name.includes(n))!);
    expect(theta.slice(q.offset, q.offset + 4)).not.toEqual(theta.slice(k.offset, k.offset + 4));
  });
});
