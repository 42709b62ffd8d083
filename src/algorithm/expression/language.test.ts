import { expect, it } from "vitest";
import { randomSequence } from "../../policy/random.ts";
import { expressionAdvantage } from "../advantages/expression.ts";
import { clippedSurrogate } from "../objectives/clipped.ts";
import { expressionObjective } from "../objectives/expression.ts";
import { withDefaults } from "../plugin.ts";
import { expressionsDocument } from "./document.ts";
import { LANGUAGES } from "./language.ts";
import { smallBatch } from "./testing.ts";
import { functionNames } from "./types.ts";

const random = randomSequence({ seed: 1, stream: 6, step: 1 });
const batch = smallBatch({
  entropy: [1, 2, 3, 4, 5, 6],
  greedyReward: [0, 1],
  scores: {
    oldLogProb: [1, 2, 3, 4, 5, 6],
    samplerLogProb: [1, 2, 3, 4, 5, 6],
    refLogProb: [-1, -1, -2, -2, -2, -2],
    entropy: [1, 2, 3, 4, 5, 6],
  },
  verdicts: [1, 0, 0, 1].map((score) => ({ score, parts: { wellFormed: 1, correct: score }, reason: "" })),
});
const advantage = (formula: string) => expressionAdvantage.estimate(batch, { formula }, undefined, random);
const objective = (formula: string) => expressionObjective.lossAndCoefficients(batch, { formula }, undefined, random);

it("docs/expressions.md is the reference (write it anew with vitest -u)", async () => {
  await expect(expressionsDocument()).toMatchFileSnapshot("../../../docs/expressions.md");
});

it("every input, function and operator has one sentence and works as its entry says", () => {
  for (const [target, { inputs, functions, operators }] of Object.entries(LANGUAGES)) {
    for (const { meaning } of [...inputs, ...functions, ...operators]) expect(meaning).toMatch(/^[^.]+(\d\.\d[^.]*)?\.( [A-Z][^.]+\.)?$/);
    for (const { name, type } of inputs) {
      const value = type.startsWith("true") ? `(if ${name} then 1 else 0)` : name;
      if (target === "advantage") expect(advantage(value).advantage.every(Number.isFinite)).toBe(true);
      else expect(objective(`log_prob + ${value}`).loss.every(Number.isFinite)).toBe(true);
    }
  }
  const { functions, operators } = LANGUAGES.advantage;
  expect(new Set(functions.map((f) => f.name))).toEqual(new Set(functionNames()));
  const number = (text: string) => text.replaceAll(/\b(a|b|x|low|high)\b/g, "reward");
  for (const { name, type } of operators) {
    const truths = name === "and" || name === "or" || name === "not";
    const filled = (truths ? type.replaceAll(/\b[ab]\b/g, "finished") : number(type)).replace("condition", "finished");
    const boolean = truths || /^[<>=!]/.test(name);
    expect(advantage(boolean ? `if ${filled} then 1 else 0` : `0 * (${filled.replace("/ reward", "/ 2")})`).level).toBe("rollout");
  }
  for (const { name, type } of functions) {
    const call = type.split("),")[0].replace(/\)?$/, ")");
    const fine = !name.startsWith("group_") && type.includes("→") ? "entropy" : "reward";
    const filled = call
      .replace("condition", name === "where" ? "finished" : `${fine} > 1`)
      .replaceAll(/\b(a|b|x|low|high)\b/g, fine)
      .replace('"name"', '"correct"');
    expect(advantage(name === "log" ? "log(reward + 1)" : filled).advantage.every(Number.isFinite), filled).toBe(true);
  }
});

it("every example runs; the first of each is what the plug-in begins with", () => {
  for (const { formula } of LANGUAGES.advantage.examples) expect(advantage(formula).advantage.every(Number.isFinite)).toBe(true);
  for (const { formula } of LANGUAGES.objective.examples) expect(objective(formula).coefficient.some((c) => c !== 0)).toBe(true);
  expect(LANGUAGES.advantage.examples[0].formula).toBe(withDefaults(expressionAdvantage).formula);
  expect(LANGUAGES.objective.examples[0].formula).toBe(withDefaults(expressionObjective).formula);
  expect(objective(LANGUAGES.objective.examples[0].formula).value).toBe(
    clippedSurrogate.lossAndCoefficients(batch, withDefaults(clippedSurrogate), undefined, random).value,
  );
});
