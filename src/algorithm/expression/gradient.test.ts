import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomSequence } from "../../policy/random.ts";
import { expressionAdvantage } from "../advantages/expression.ts";
import { groupRelative } from "../advantages/group.ts";
import type { UpdateBatch } from "../batch.ts";
import { clippedSurrogate } from "../objectives/clipped.ts";
import { expressionObjective } from "../objectives/expression.ts";
import { withDefaults } from "../plugin.ts";
import { anyBatch, smallBatch } from "./testing.ts";

const random = randomSequence({ seed: 1, stream: 6, step: 1 });
const run = (formula: string, batch: UpdateBatch) => expressionObjective.lossAndCoefficients(batch, { formula }, undefined, random);

/** Formulas in which every value is smooth or has kinks that chance does not hit. One per token. */
const { token } = fc.letrec<{ token: string; rollout: string; group: string; condition: string }>((tie) => {
  const binary = (a: fc.Arbitrary<string>, b: fc.Arbitrary<string>) =>
    fc.tuple(a, fc.constantFrom("+", "-", "*"), b).map(([x, sign, y]) => `(${x} ${sign} ${y})`);
  const call = (names: readonly string[], ...args: fc.Arbitrary<string>[]) =>
    fc.tuple(fc.constantFrom(...names), ...args).map(([name, ...rest]) => `${name}(${rest.join(", ")})`);
  return {
    token: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      fc.constantFrom("log_prob", "ratio", "entropy", "advantage", "old_log_prob", "0.7", "position"),
      tie("rollout"),
      binary(tie("token"), tie("token")),
      call(["tanh", "sigmoid", "abs", "-", "stop_gradient"], tie("token")),
      call(["min", "max"], tie("token"), tie("token")),
      tie("token").map((x) => `exp(tanh(${x}))`),
      tie("token").map((x) => `log(1 + (${x}) ^ 2)`),
      tie("token").map((x) => `sqrt(1 + abs(${x}))`),
      fc.tuple(tie("token"), tie("token")).map(([x, y]) => `((${x}) / (1 + abs(${y})))`),
      tie("token").map((x) => `clip(${x}, -0.5, 1.2)`),
      fc.tuple(tie("condition"), tie("token"), tie("token")).map(([c, x, y]) => `(if ${c} then ${x} else ${y})`),
    ),
    condition: fc.tuple(tie("token"), tie("token")).map(([x, y]) => `${x} < ${y}`),
    rollout: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      fc.constantFrom("reward", "length"),
      tie("group"),
      call(
        ["mean", "sum", "max", "min", "median", "std"],
        tie("token").map((x) => `log_prob + ${x}`),
      ),
      binary(tie("rollout"), tie("rollout")),
    ),
    group: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      fc.constantFrom("group_size", "step"),
      call(
        ["group_mean", "group_sum", "group_max", "group_min", "group_median", "group_std"],
        tie("rollout").map((x) => `reward + ${x}`),
      ),
      call(
        ["batch_mean", "batch_sum", "batch_std", "batch_max", "batch_median"],
        tie("token").map((x) => `log_prob + ${x}`),
      ),
    ),
  };
});

/** Central difference of the loss in one number of the batch; undefined at a kink, where the differences from both sides stay apart. */
function slope(formula: string, batch: UpdateBatch, name: "logProb" | "entropy", t: number): number | undefined {
  const at = (shift: number) => {
    const moved = Float64Array.from(batch[name]!);
    moved[t] += shift;
    return run(formula, { ...batch, [name]: moved }).value;
  };
  const here = at(0);
  const sides = (h: number) => [(here - at(-h)) / h, (at(h) - here) / h];
  const [wide, narrow] = [sides(1e-4), sides(1e-5)];
  const apart = ([a, b]: readonly number[]) => Math.abs(a - b);
  if (apart(narrow) > 0.15 * apart(wide) + 1e-8 * (1 + Math.abs(here))) return undefined;
  return (narrow[0] + narrow[1]) / 2;
}

describe("the gradient is the slope of the loss", () => {
  it("for any formula, through rollouts, groups and the batch", () => {
    let checked = 0;
    fc.assert(
      fc.property(token, anyBatch, (text, any) => {
        // Away from where two numbers are equal, which is a kink for min, max, clip and abs.
        const apart = (values: ArrayLike<number>, by: number) => Float64Array.from(values, (x, t) => x + by * (t + 1));
        const batch = { ...any, logProb: apart(any.logProb, 0.000317), entropy: apart(any.entropy!, 0.000271) };
        const formula = `log_prob * 0.01 + entropy * 0.02 + ${text}`;
        const { coefficient, entropyCoefficient, value } = run(formula, batch);
        for (let t = 0; t < coefficient.length; t++) {
          for (const [name, found] of [
            ["logProb", coefficient[t]],
            ["entropy", entropyCoefficient![t]],
          ] as const) {
            // Slopes that stop_gradient hides are there for differences.
            if (formula.includes("stop_gradient")) continue;
            const measured = slope(formula, batch, name, t);
            if (measured === undefined) continue;
            expect(Math.abs(found - measured), `${formula} ${name} ${t}: ${found} for ${measured}`).toBeLessThan(
              1e-6 * (1 + Math.abs(measured) + Math.abs(value)),
            );
            checked++;
          }
        }
      }),
      { seed: 5, numRuns: 200 },
    );
    expect(checked).toBeGreaterThan(1000);
  });

  it("stops where it is told to", () => {
    const batch = smallBatch();
    const { coefficient } = run("stop_gradient(log_prob) * log_prob", batch);
    expect([...coefficient]).toEqual(Array.from(batch.logProb));
  });

  it("goes through a sequence's ratio to all of its tokens", () => {
    const batch = smallBatch({ logProb: [-0.4, -1.1, -1.5, -2, -2.5, -3] });
    const { coefficient } = run("-exp(mean(log_prob - old_log_prob)) * advantage", batch);
    expect(coefficient[0]).toBeCloseTo(-1, 12);
    expect(coefficient[1]).toBeCloseTo(-1, 12);
    expect(coefficient[2]).toBeCloseTo(1, 12);
    expect(coefficient[5]).toBeCloseTo(-2, 12);
  });

  it("is held at 0 where the ratio is", () => {
    const batch = smallBatch({ logProb: [0, -30, -1.5, -2, -2.5, -3], oldLogProb: [-30, 0, -1.5, -2, -2.5, -3] });
    const { coefficient, value } = run("-ratio * advantage", batch);
    expect([...coefficient.slice(0, 3)]).toEqual([0, 0, 1]);
    expect(Number.isFinite(value)).toBe(true);
  });
});

describe("kinks", () => {
  const slopeAt = (formula: string, logProb: number) => run(formula, smallBatch({ logProb: [logProb, -1, -1, -1, -1, -1] })).coefficient[0];
  it("go to the first argument, to the inside of a clip, and to 0 for abs and sqrt", () => {
    expect(slopeAt("max(log_prob, 3 * log_prob)", 0)).toBe(1);
    expect(slopeAt("max(3 * log_prob, log_prob)", 0)).toBe(3);
    expect(slopeAt("min(3 * log_prob, log_prob)", 0)).toBe(3);
    expect(slopeAt("clip(log_prob, -2, 0)", 0)).toBe(1);
    expect(slopeAt("clip(log_prob, -2, 0)", -2)).toBe(1);
    expect(slopeAt("clip(log_prob, -2, 0)", -2.001)).toBe(0);
    expect(slopeAt("clip(-1, log_prob, 0)", -0.5)).toBe(1);
    expect(slopeAt("abs(log_prob)", 0)).toBe(0);
    expect(slopeAt("sqrt(log_prob + 4)", -4)).toBe(0);
    expect(slopeAt("std(log_prob)", -1)).toBe(0);
    expect([...run("max(log_prob)", smallBatch({ logProb: [-1, -1, 0, -2, -1, -1] })).coefficient]).toEqual([2, 0, 1, 0, 3, 0]);
  });
});

/** Equal to the last bit; 0 is 0, whatever its sign. */
const bits = (values: ArrayLike<number>) => Array.from(values, (x) => x + 0);

describe("the formulas to begin with are GRPO", () => {
  it("the loss and its coefficients equal the clipped surrogate's to the bit", () => {
    fc.assert(
      fc.property(anyBatch, fc.boolean(), (any, onPolicy) => {
        const batch = onPolicy ? { ...any, oldLogProb: any.logProb } : any;
        const mine = expressionObjective.lossAndCoefficients(batch, withDefaults(expressionObjective), undefined, random);
        const built = clippedSurrogate.lossAndCoefficients(batch, withDefaults(clippedSurrogate), undefined, random);
        expect(mine.value).toBe(built.value);
        expect(bits(mine.loss)).toEqual(bits(built.loss));
        expect(bits(mine.coefficient)).toEqual(bits(built.coefficient));
        expect(mine.terms.ratio).toEqual(built.terms.ratio);
      }),
      { seed: 3 },
    );
  });

  it("the advantage equals the group-relative one", () => {
    fc.assert(
      fc.property(anyBatch, fc.nat(3), (any, unscorable) => {
        const batch = { ...any, reward: Array.from(any.reward, (r, i) => (i === unscorable ? Number.NaN : r)) };
        const mine = expressionAdvantage.estimate(batch, withDefaults(expressionAdvantage), undefined, random);
        const built = groupRelative.estimate(batch, withDefaults(groupRelative), undefined, random);
        expect(mine.level).toBe("rollout");
        // Close to zero spread, the last bits of the rewards decide; the built-in one may keep fewer of them.
        mine.advantage.forEach((a, r) => {
          expect(Math.abs(a - built.advantage[r])).toBeLessThan(2e-6 * (1 + Math.abs(a)));
        });
      }),
      { seed: 4 },
    );
  });
});
