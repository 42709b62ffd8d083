import { describe, expect, it } from "vitest";
import type { RecordedOutcome } from "../recipes/outcomes.ts";
import { recordedLines } from "./claim-text.ts";

const recorded: RecordedOutcome = {
  recipe: "slow",
  hash: "abc",
  loopVersion: 1,
  seeds: 2,
  tokens: 200,
  outcome: "does not hold",
  conditions: [
    {
      sentence: "KL is higher.",
      measure: "kl, at the last step",
      direction: "higher",
      margin: -0.01,
      compare: "difference",
      method: [0.1, 0.2],
      baseline: [1, 1],
      effect: -0.85,
      interval: [-0.9, -0.8],
      outcome: "does not hold",
    },
    {
      sentence: "It is measured.",
      measure: "none, at the last step",
      direction: "lower",
      margin: 0.5,
      compare: "ratio",
      method: [null, 1],
      baseline: [1, 1],
      effect: null,
      interval: null,
      outcome: "inconclusive",
    },
  ],
  cpuSeconds: 12.3,
  command: "rlvr claim slow",
  date: "2026-01-01",
  reason: "it hardly moves",
};

describe("a recorded outcome in words", () => {
  it("says how and when, what was found, and why", () => {
    expect(recordedLines(recorded, "abc")).toEqual([
      "recorded on 2026-01-01 with rlvr claim slow:",
      "  does not hold: KL is higher.",
      "    kl, at the last step: 0.15 against 1",
      "    effect −0.85 [−0.9, −0.8], claimed > −0.01",
      "  inconclusive: It is measured.",
      "    none, at the last step: not measured against 1",
      "    ratio not measured, claimed < 0.5",
      "  slow: does not hold (2 seeds, 200 tokens a run, 12 s of processor time)",
      "  likely reason: it hardly moves",
    ]);
  });

  it("says when the recipe has changed since", () => {
    expect(recordedLines(recorded, "abd").at(-1)).toMatch(/out of date/);
  });
});
