import { describe, expect, it } from "vitest";
import type { Verdict } from "../../tasks/task.ts";
import type { RolloutBatch } from "../batch.ts";
import { coReward, majorityVote } from "./co-reward.ts";

const verdict = (answer?: string): Verdict => ({
  score: 0,
  parts: { wellFormed: 1, correct: 0 },
  reason: "",
  ...(answer === undefined ? {} : { answer }),
});

function rewardOf(answers: readonly (readonly (string | undefined)[])[], twins?: readonly number[], label = "twin"): number[] {
  const rows = answers.flat().length;
  let at = 0;
  const groups = answers.map((group) => group.map(() => at++));
  const batch: RolloutBatch = {
    rows,
    offsets: Array.from({ length: rows + 1 }, (_, r) => r),
    group: groups.flatMap((members, g) => members.map(() => g)),
    groups,
    reward: new Float64Array(rows),
    parts: {},
    maxLength: 1,
    scores: {},
    verdicts: answers.flat().map(verdict),
    ...(twins ? { twins } : {}),
    step: 1,
  };
  return Array.from(coReward.parts(batch, { label }, undefined, null!).parts.agreement);
}

describe("co-reward", () => {
  it("takes the answer of the most votes, the first of several; blank answers do not vote", () => {
    expect(majorityVote(["7", "7", "8", "7"])).toBe("7");
    expect(majorityVote(["2", "1", "3"])).toBe("2");
    expect(majorityVote(["1", "2", "2", "1"])).toBe("1");
    expect(majorityVote(["", "  ", "", "5"])).toBe("5");
    expect(majorityVote(["", " "])).toBe("");
    expect(majorityVote([])).toBe("");
  });

  it("rewards agreement with the twin's majority, both ways", () => {
    const answers = [
      ["7", "7", "8", "7"],
      ["8", "7", "8", "8"],
    ];
    expect(rewardOf(answers, [1, 0])).toEqual([0, 0, 1, 0, 0, 1, 0, 0]);
  });

  it("rewards nobody for the own majority, without a twin, or when the twin has no answer", () => {
    expect(rewardOf([["7", "7"], ["8"]], [-1, -1])).toEqual([0, 0, 0]);
    expect(rewardOf([["7", "7"]])).toEqual([0, 0]);
    expect(
      rewardOf(
        [
          ["5", "5", undefined],
          [undefined, " "],
        ],
        [1, 0],
      ),
    ).toEqual([0, 0, 0, 0, 0]);
    expect(rewardOf([[], ["1"]], [1, 0])).toEqual([0]);
  });

  it("can reward agreement with the own majority instead", () => {
    expect(
      rewardOf(
        [
          ["7", "7", "8"],
          ["8", "9", "8"],
        ],
        [1, 0],
        "own",
      ),
    ).toEqual([1, 1, 0, 1, 0, 1]);
    expect(rewardOf([["", ""]], undefined, "own")).toEqual([0, 0]);
  });

  it("keeps groups of other sizes and pairs in any place apart", () => {
    expect(rewardOf([["1"], ["2", "2", "1"], ["1", "1"], ["2"]], [2, 3, 0, 1])).toEqual([1, 1, 1, 0, 1, 1, 1]);
  });
});
