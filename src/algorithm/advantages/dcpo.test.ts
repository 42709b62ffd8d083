import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Problem } from "../../tasks/task.ts";
import type { PluginState } from "../batch.ts";
import { remember, smoothStandardisation } from "./dcpo.ts";
import { batchOf, ofGroup, run } from "./testing.ts";

/** Advantages of the last visit of one prompt. */
function lastOf(visits: readonly (readonly number[])[], params = {}): number[] {
  let state: PluginState | undefined;
  let advantages: number[] = [];
  for (const rewards of visits) {
    const result = run(smoothStandardisation, batchOf([rewards]), params, state);
    state = structuredClone(result.state);
    advantages = [...result.advantage];
  }
  return advantages;
}
const near = (actual: readonly number[], expected: readonly number[]) =>
  expected.forEach((x, i) => {
    expect(actual[i]).toBeCloseTo(x, 4);
  });

describe("prompt memory", () => {
  it("keeps a group alive whose answers all agree, if the prompt was once mixed", () => {
    near(
      lastOf([
        [0, 0, 0, 0],
        [1, 0, 0, 1],
        [1, 1, 1, 1],
      ]),
      [0.3162, 0.3162, 0.3162, 0.3162],
    );
    near(
      lastOf([
        [0, 0, 0, 1],
        [1, 1, 0, 1],
      ]),
      [0.6972, 0.6972, -1.1972, 0.6972],
    );
    expect(
      lastOf([
        [1, 1, 1],
        [1, 1, 1],
      ]),
    ).toEqual([0, 0, 0]);
  });

  it("takes a spread that is only rounding for none", () => {
    expect(ofGroup(smoothStandardisation, [0.1 + 0.2, 0.3, 0.3])).toEqual([0, 0, 0]);
  });

  it("finds a prompt again by its key, wherever it stands in the batch", () => {
    const problem = (key: string) => ({ key }) as Problem;
    const first = run(
      smoothStandardisation,
      batchOf(
        [
          [0, 1],
          [1, 1],
        ],
        { problems: [problem("a"), problem("b")] },
      ),
    );
    const second = run(
      smoothStandardisation,
      batchOf(
        [
          [1, 1],
          [1, 1],
        ],
        { problems: [problem("b"), problem("a")] },
      ),
      {},
      first.state,
    );
    expect([...(second.terms.visits as Float64Array)]).toEqual([2, 2, 2, 2]);
    expect([...second.advantage].map(Math.sign)).toEqual([0, 0, 1, 1]);
  });

  it("remembers nothing of a group that cannot be scored, and leaves what it was given unchanged", () => {
    const { state } = run(smoothStandardisation, batchOf([[0, 1]]));
    const before = structuredClone(state);
    const result = run(smoothStandardisation, batchOf([[Number.NaN, Number.NaN]]), {}, state);
    expect(state).toEqual(before);
    expect(result.state).toEqual(before);
    expect([...result.advantage]).toEqual([0, 0]);
  });

  it("accumulates the mean and variance of all visits together", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.double({ min: 0, max: 5, noNaN: true })), {
          minLength: 1,
          maxLength: 8,
        }),
        (visits) => {
          const memory = visits.reduce<ReturnType<typeof remember> | undefined>(
            (before, [mean, std]) => remember(before, { mean, std }),
            undefined,
          )!;
          const n = visits.length;
          const mean = visits.reduce((sum, [m]) => sum + m, 0) / n;
          const within = visits.reduce((sum, [, s]) => sum + s ** 2, 0) / n;
          const between = visits.reduce((sum, [m]) => sum + (m - mean) ** 2, 0) / n;
          expect(memory.visits).toBe(n);
          expect(memory.mean).toBeCloseTo(mean, 8);
          expect(memory.std ** 2).toBeCloseTo(within + between, 6);
        },
      ),
    );
  });

  it("is plain standardisation at the first visit", () => {
    near(ofGroup(smoothStandardisation, [1, 0, 0, 1]), [0.866025, -0.866025, -0.866025, 0.866025]);
    expect(ofGroup(smoothStandardisation, [1, 0], { divideByStd: false })).toEqual([0.5, -0.5]);
  });
});
