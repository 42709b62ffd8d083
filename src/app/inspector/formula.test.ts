// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { StepRecord } from "../../loop/record.ts";
import { alternativesAt, lengthOf, logProbBefore, participations } from "../stage/token-facts.ts";
import { recordedRun } from "../testing.ts";
import { advantageChain, advantageLine, coefficientByFormula, coefficientLine, inWords, tokenUpdates } from "./formula.ts";

const { last: record } = await recordedRun({ "objective.clipLow": 0.02, "objective.clipHigh": 0.02 });
const { last: penalised } = await recordedRun({ "kl.coefficient": 0.2, "sampler.temperature": 0.8 }, 2);

function everyToken<T>(of: StepRecord, read: (row: number, index: number) => T): T[] {
  return of.rollouts.flatMap((_, row) => Array.from({ length: lengthOf(of, row) }, (_, index) => read(row, index)));
}

describe("the inspector's formula", () => {
  it.each([
    ["with narrow clipping", () => record],
    ["with a KL penalty at another temperature", () => penalised],
  ])("gives each token's recorded coefficient in each update, %s", (_, get) => {
    const updates = everyToken(get(), (row, index) => tokenUpdates(get(), row, index)).flat();
    expect(updates.length).toBeGreaterThan(50);
    const top = Math.max(...updates.map((u) => Math.abs(u.coefficient)));
    expect(top).toBeGreaterThan(0);
    for (const update of updates) expect(Math.abs(coefficientByFormula(update) - update.coefficient)).toBeLessThan(1e-5 * top + 1e-9);
  });

  it("says in words what held a token, or which way it was pushed", () => {
    const updates = everyToken(record, (row, index) => tokenUpdates(record, row, index)).flat();
    const above = updates.find((u) => u.clip === "above")!;
    expect(inWords(record, above)).toMatch(/^The answer is good, but ρ .* is past 1.02 .*: its gradient stops\.$/);
    expect(coefficientLine(above).symbols).toBe("0, because the clip holds");
    const below = updates.find((u) => u.clip === "below")!;
    expect(inWords(record, below)).toMatch(/is below 0.98/);
    const up = updates.find((u) => u.coefficient < 0)!;
    expect(up.advantage).toBeGreaterThan(0);
    expect(inWords(record, up)).toBe("The answer beat its group’s average, so this token is pushed up.");
    expect(coefficientLine(up).numbers).toContain("·");
    const down = updates.find((u) => u.coefficient > 0)!;
    expect(inWords(record, down)).toMatch(/fell short .* pushed down\.$/);
    const held = { ...above, klSlope: 0.1, beta: 0.2, coefficient: 0.01 };
    expect(inWords(record, held)).toMatch(/only the KL penalty moves it \(pushed down\)/);
  });

  it("leads from rewards to the advantage", () => {
    const row = record.rollouts.findIndex((r) => r.advantage! > 0);
    const chain = advantageChain(record, row)!;
    expect((chain.reward - chain.baseline) / (chain.scale + chain.eps)).toBeCloseTo(chain.advantage, 5);
    expect(advantageLine(chain)).toMatch(/^\(1\.00 − 0\.\d\d\) ÷ 0\.\d\d = \+\d\.\d\d$/);
    const early = { ...record, rollouts: record.rollouts.map(({ group, round, text, finished }) => ({ group, round, text, finished })) };
    expect(advantageChain(early, row)).toBeUndefined();
  });
});

describe("facts about tokens", () => {
  it("finds a rollout in one update of each epoch", () => {
    for (let row = 0; row < record.rollouts.length; row++) {
      const found = participations(record, row);
      expect(found.map((p) => p.update.epoch)).toEqual([0, 1]);
      for (const { update, offset } of found) expect(update.offsets).toContain(offset);
    }
  });

  it("lists alternatives with the drawn token among them, before and after", () => {
    for (const list of everyToken(record, (row, index) => alternativesAt(record, record.tokens!.offsets[row] + index))) {
      expect(list.filter((a) => a.chosen)).toHaveLength(1);
      expect(list.find((a) => a.chosen)!.after).toBeGreaterThan(0);
      expect(list.reduce((sum, a) => sum + (a.before ?? 0), 0)).toBeLessThan(1.001);
      expect(new Set(list.map((a) => a.token)).size).toBe(list.length);
    }
  });

  it("knows probabilities at temperature 1 only where they are recorded", () => {
    const known = everyToken(penalised, (row, index) => logProbBefore(penalised, penalised.tokens!.offsets[row] + index));
    const { tokens } = penalised;
    known.forEach((logProb, position) => {
      const k = tokens!.alternatives;
      const listed = tokens!.alternativeTokens.subarray(position * k, position * k + k).includes(tokens!.tokens[position]);
      expect(logProb !== undefined).toBe(listed);
    });
  });
});
