import { describe, expect, it } from "vitest";
import { countdown } from "./countdown.ts";
import type { Problem } from "./task.ts";

const game = (target: number, ...numbers: number[]): Problem => ({
  task: "countdown",
  level: "3",
  key: "",
  prompt: "",
  truth: "",
  data: { numbers, target },
});

describe("countdown's verifier", () => {
  it.each([
    ["(8-5)*3+10", game(19, 8, 5, 3, 10)],
    ["8*3-5", game(19, 5, 3, 8)],
    ["8*3 - 5 = 19", game(19, 5, 3, 8)],
    ["8*3-5=20", game(19, 5, 3, 8)],
    ["try 8+3+5\n8*3-5\n", game(19, 5, 3, 8)],
    ["((8*3)-5)", game(19, 5, 3, 8)],
    ["8*3−5", game(19, 5, 3, 8)],
    ["8/(3-8/3)", game(24, 3, 3, 8, 8)],
    ["6*6-6", game(30, 6, 6, 6)],
  ])("accepts %j", (text, problem) => {
    expect(countdown.verify(problem, text)).toMatchObject({
      score: 1,
      reason: "right",
      parts: { wellFormed: 1, allNumbers: 1, correct: 1 },
    });
  });

  it.each([
    ["8*3+5", "29 ≠ 19", 1],
    ["8*3", "5 was not used", 1],
    ["8*3-5-5", "5 was used too often", 1],
    ["8*2+3", "2 was not given", 1],
    ["24-5", "24 was not given", 1],
    ["19", "19 was not given", 1],
    ["83-5", "83 was not given", 1],
    ["8/(3-3)*5", "3 was used too often", 1],
    ["5/3-8", "-19/3 ≠ 19", 1],
    ["8*3-5\nso", 'a number was expected at "s"', 0],
    ["=8*3-5", "there is no answer", 0],
    ["", "there is no answer", 0],
    ["8*3--5", 'a number was expected at "-"', 0],
    ["8*3-05", "05 starts with a zero", 0],
    ["(8*3-5", "a closing parenthesis is missing before the end", 0],
  ])("rejects %j: %s", (text, reason, wellFormed) => {
    const verdict = countdown.verify(game(19, 5, 3, 8), text);
    expect(verdict).toMatchObject({ score: 0, reason, parts: { wellFormed, correct: 0 } });
  });

  it("knows a division by zero", () => {
    expect(countdown.verify(game(1, 5, 3, 3), "5/(3-3)")).toMatchObject({ score: 0, reason: "it divides by zero" });
  });

  it("never takes a value that is only nearly right", () => {
    expect(countdown.verify(game(5, 10, 3, 6), "10/6*3").score).toBe(1);
    expect(countdown.verify(game(3, 10, 3, 9), "10/3*9/10").score).toBe(0);
    expect(countdown.verify(game(3, 10, 9, 3), "10/(9/3)").score).toBe(0);
  });
});
