import { describe, expect, it } from "vitest";
import { CONVENTIONS, type Convention, compareConventions } from "../algorithm/conventions.ts";
import { grpo, settingsOf, withChange } from "./recipe.ts";

const applied = ({ settings }: Convention, from = grpo()) =>
  settings.reduce((recipe, [path, value]) => withChange(recipe, path, value), from);

describe("conventions", () => {
  it("have names of their own", () => {
    expect(CONVENTIONS.map((c) => c.id)).toEqual(["trl", "verl", "openrlhf", "nemo-rl", "open-instruct", "prime-rl", "roll", "slime"]);
  });

  it.each(CONVENTIONS.map((c) => [c.name, c] as const))("%s resolves: each path exists and holds the value given", (_, convention) => {
    const resolved = settingsOf(applied(convention));
    for (const [path, value] of convention.settings) expect(resolved[path] ?? "").toBe(value);
  });

  it.each(CONVENTIONS.map((c) => [c.name, c] as const))("%s is the same over any other", (_, convention) => {
    for (const other of CONVENTIONS) expect(settingsOf(applied(convention, applied(other)))).toEqual(settingsOf(applied(convention)));
  });

  it("leave task, sampling and optimizer alone", () => {
    const before = grpo();
    for (const convention of CONVENTIONS) {
      const after = applied(convention, before);
      for (const slot of ["task", "sampler", "reward", "optimizer", "evaluation"] as const)
        expect(after.slots[slot]).toEqual(before.slots[slot]);
    }
  });
});

describe("one group under all conventions", () => {
  const rounded = (rewards: number[], lengths = rewards.map(() => 3)) =>
    Object.fromEntries(
      compareConventions(rewards, lengths).map(({ id, advantage }) => [id, advantage.slice(0, 2).map((a) => Number(a.toFixed(6)))]),
    );

  it("gives each framework's numbers for one right answer of four", () => {
    expect(rounded([1, 0, 0, 0])).toMatchObject({
      trl: [1.4997, -0.4999],
      verl: [1.499997, -0.499999],
      openrlhf: [1.5, -0.5],
      "open-instruct": [0.75, -0.25],
      "prime-rl": [0.75, -0.25],
      roll: [1.499997, -0.499999],
      slime: [1.499997, -0.499999],
    });
  });

  it("gives each framework's numbers for two right answers of four, whatever the lengths", () => {
    const expected = { trl: [0.865875, -0.865875], verl: [0.866024, -0.866024], "nemo-rl": [1.154699, -1.154699], "prime-rl": [0.5, -0.5] };
    expect(rounded([1, 0, 0, 1])).toMatchObject(expected);
    expect(rounded([1, 0, 0, 1], [3, 6, 4, 2])).toMatchObject(expected);
  });

  it("tells what a lone rollout and one that cannot be scored get", () => {
    expect(rounded([1])).toMatchObject({ trl: [0], verl: [0.999999], "nemo-rl": [0] });
    for (const [a, b] of Object.values(rounded([Number.NaN, 1, 0]))) {
      expect(a).toBe(0);
      expect(b).toBeGreaterThan(0);
    }
  });
});
