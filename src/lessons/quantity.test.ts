import { describe, expect, it } from "vitest";
import type { StepRecord } from "../loop/record.ts";
import { holds, outcomeOf, type Situation } from "./condition.ts";
import { parseMarkup } from "./markup.ts";
import { fillIn, quantity } from "./quantity.ts";

/** Two prompts with four answers each: one right of four, and three of four; rewards and advantages as GRPO makes them. */
function record(): StepRecord {
  const scores = [1, 0, 0, 0, 1, 1, 1, 0];
  const groups = [0, 1].map((g) => {
    const members = [0, 1, 2, 3].map((i) => 4 * g + i);
    return {
      problem: { prompt: g === 0 ? "hard one:" : "easy one:" },
      members,
      statistics: { mean: g === 0 ? 0.25 : 0.75, std: 0.5, signal: true },
    };
  });
  const rollouts = scores.map((score, row) => ({
    group: Math.floor(row / 4),
    verdict: { score, parts: { wellFormed: 1, correct: score } },
    reward: score,
    advantage: (score - (row < 4 ? 0.25 : 0.75)) / 0.5,
  }));
  return { step: 1, phase: "advantages", groups, rollouts, updates: [] } as unknown as StepRecord;
}

const now: Situation = {
  step: 3,
  shownPhase: "advantages",
  record: record(),
  selection: undefined,
  history: [
    { step: 1, score: 0.2, entropy: 1 },
    { step: 2, score: 0.4, entropy: 0.8 },
    { step: 3, score: 0.9, "pass@8": 0.75 },
  ],
  start: { passAtK: { 1: 0.25, 8: 0.5 }, wellFormed: 1, accuracyWhenWellFormed: 0.25, meanLength: 4, entropy: 1, problems: 8, samples: 8 },
  kept: { plain: { history: [{ step: 1, score: 0.1 }], facts: { "hard.up": 2 } } },
  answer: undefined,
};

describe("a quantity", () => {
  it.each([
    ["score", 0.9],
    ["entropy", 0.8],
    ["score over first 2", 0.3],
    ["score over last 2", 0.65],
    ["entropy over last 2", 0.8],
    ["pass@8 at start", 0.5],
    ["pass@8 minus pass@8 at start", 0.25],
    ["pass@8 minus pass@8 at start minus score over first 1 plus plain: score", 0.15],
    ["plain: score over last 5", 0.1],
    ["plain: hard.up", 2],
    ["right", 4],
    ["rightShare", 0.5],
    ["hard.right", 1],
    ["hard.up", 1.5],
    ["hard.down", -0.5],
    ["easy.up", 0.5],
    ["hard.prompt", "hard one:"],
    ["hard.say", 1],
    ["silentGroups", 0],
    ["kl", undefined],
    ["other: score", undefined],
    ["updates", undefined],
    ["token.before", undefined],
  ])("%s is %s", (text, value) => {
    const found = quantity(text, now);
    if (typeof value === "number") expect(found).toBeCloseTo(value, 12);
    else expect(found).toBe(value);
  });

  it("is written as its unit asks, and says when there is none", () => {
    expect(fillIn("{score} {score minus score over first 1} {hard.up} {right} {entropy} {kl} {score|number}", now)).toBe(
      "90% +70 points +1.50 4 0.80 (not measured) 0.90",
    );
  });
});

describe("a condition", () => {
  it("holds or not; what was not measured is beyond no bound", () => {
    expect(holds({ step: 3 }, now)).toBe(true);
    expect(holds({ step: 4 }, now)).toBe(false);
    expect(holds({ phase: "rewards" }, now)).toBe(true);
    expect(holds({ phase: "update" }, now)).toBe(false);
    expect(holds({ measured: "kl" }, now)).toBe(false);
    expect(holds({ value: "score", above: "score over first 1" }, now)).toBe(true);
    expect(
      holds(
        {
          any: [
            { value: "kl", above: -1 },
            { value: "kl", below: 1 },
          ],
        },
        now,
      ),
    ).toBe(false);
    expect(holds({ all: [{ shows: "advantages" }, { not: { selected: true } }] }, now)).toBe(true);
  });
});

describe("an outcome", () => {
  const ask = { question: "?", options: [{ label: "up", holds: { value: "score", above: 0.5 } }, { label: "down" }] } as const;
  const reveal = [{ if: { value: "score", above: 0.5 }, say: "Up to {score}; you said {answer}." }, { say: "Only {score}." }];
  const step = { title: "", say: "", ask, reveal };

  it("is told in both cases, and judges what was predicted", () => {
    expect(outcomeOf(step, 0, now)).toEqual({ text: "Up to 90%; you said up.", right: true, truth: undefined });
    expect(outcomeOf(step, 1, now).right).toBeUndefined();
    const low = { ...now, history: [{ step: 1, score: 0.1 }] };
    expect(outcomeOf(step, 0, low)).toEqual({ text: "Only 10%.", right: false, truth: undefined });
  });

  it("compares a number with the truth, a share in percent", () => {
    const number = { question: "?", number: { min: 0, max: 100, step: 1, unit: "%", truth: "rightShare", near: 10 } };
    expect(outcomeOf({ title: "", say: "", ask: number }, 58, now)).toMatchObject({ truth: 50, right: true });
    expect(outcomeOf({ title: "", say: "", ask: number }, 61, now)).toMatchObject({ truth: 50, right: false });
  });
});

it("the markup knows paragraphs, lists, stress and terms, and no HTML", () => {
  expect(parseMarkup("One **two**\nthree\n\n- a\n- [[kl|KL]] `x`\n\n<b>no</b>")).toEqual([
    {
      kind: "paragraph",
      content: [
        { kind: "text", text: "One " },
        { kind: "strong", text: "two" },
        { kind: "text", text: " three" },
      ],
    },
    {
      kind: "list",
      items: [
        [{ kind: "text", text: "a" }],
        [
          { kind: "term", id: "kl", text: "KL" },
          { kind: "text", text: " " },
          { kind: "code", text: "x" },
        ],
      ],
    },
    { kind: "paragraph", content: [{ kind: "text", text: "<b>no</b>" }] },
  ]);
});
