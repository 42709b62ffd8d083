import { describe, expect, it } from "vitest";
import { GoldenError } from "../../policy/golden.ts";
import { lastBox } from "./co-reward.ts";
import { recomputeAtlas } from "./index.ts";

const recompute = (id: string, params: object, input: object) =>
  (recomputeAtlas({ id, cases: [{ name: "a case", params, input }] }).document as { cases: { output: Record<string, unknown> }[] }).cases[0]
    .output;

describe("boxed answers", () => {
  it("are the content of the last box, with its braces balanced", () => {
    expect(lastBox("first \\boxed{1} then \\boxed{\\frac{1}{2}}.")).toBe("\\frac{1}{2}");
    expect(lastBox("\\boxed 7")).toBe("7");
    expect(lastBox("$\\boxed 7$ it is")).toBe("7");
    expect(lastBox("\\boxed{ a }")).toBe(" a ");
    for (const none of ["", "no box", "\\boxed{broken", "\\boxed", "\\boxed{}", "\\boxedx}"]) expect(lastBox(none)).toBe("");
  });
});

describe("golden files with other numbers than the ones kept", () => {
  it("of CHORD may have no expert row, no policy row or no weight", () => {
    const input = {
      lengths: [2, 1],
      isExpert: [0, 0],
      oldLogProbs: [
        [-1, -1],
        [-2, 0],
      ],
      logProbs: [
        [-1, -1],
        [-2, 0],
      ],
      advantages: [1, -1],
    };
    const none = recompute("chord", { muPeak: 0.5, muValley: 0.5 }, input);
    expect(none).toMatchObject({ mu: 0.5, expertLoss: 0, loss: 0.5 * (none.grpoLoss as number) });
    const all = recompute(
      "chord",
      { muPeak: 0.5, muValley: 0.5, variant: "sft_is", expertAggregation: "seq-mean-token-mean" },
      { ...input, isExpert: [1, 1] },
    );
    expect(all.grpoLoss).toBe(0);
    expect(all.expertLoss).toBeCloseTo((Math.exp(-1) + 2 * Math.exp(-2)) / 2, 12);
    expect(all.dLoss_dLogProb).toEqual([
      [-0.125 * Math.exp(-1), -0.125 * Math.exp(-1)],
      [-0.25 * Math.exp(-2), 0],
    ]);
  });

  it("of LaSeR may have groups of one and answers that are all cut off", () => {
    const own = recompute(
      "laser",
      { betaV: 0.2, cRef: -10 },
      {
        rewards: [1, 0],
        groupSize: 1,
        maxLen: 3,
        lengths: [3, 3],
        specialLogProbOld: [null, null],
        specialLogProbCurrent: [null, null],
        firstTokenLogProbOld: [-1, -2],
      },
    );
    expect(own).toMatchObject({
      finished: [false, false],
      classWeights: [0, 0],
      mseTerm: 0,
      groupStd: [0, 0],
      selfRewardCurrent: [null, null],
    });
    expect(own.selfAdvantages).toEqual(own.verifierAdvantages);
  });

  it("of TreePO may have another width, and paths of one segment", () => {
    const rows = [
      { width: 5, branching: 3, finished: 1, finishedThisStep: 1, policy: "even", temperature: 1, activeLogProbs: [[-1], [-1]] },
    ];
    expect(recompute("treepo", {}, { rows })).toEqual({ rows: [{ total: 4, forks: [2, 2] }] });
    const input = {
      paths: ["p#x", "p#y"],
      rewards: [1, 0],
      lengths: [2, 2],
      oldLogProbs: [
        [-1, -1],
        [-1, -1],
      ],
      logProbs: [
        [-1, -1],
        [-1, -1],
      ],
    };
    expect(recompute("treepo", { segmentLength: 4 }, input).segmentLeafValues).toEqual([1 / 3, -1 / 3]);
  });

  it.each([
    ["ead", {}, { generatedSoFar: [0], trainingSteps: "all" }, /trainingSteps/],
    ["ead", { aggregation: "sum" }, { lengths: [1], logProbs: [[0]], oldLogProbs: [[0]] }, /aggregation sum/],
    ["ead", { tisCap: 2 }, { lengths: [1], logProbs: [[0]], oldLogProbs: [[0]], advantages: [1] }, /samplingLogProbs/],
    [
      "laser",
      {},
      { rewards: [1, 0], groupSize: 2, maxLen: 4, lengths: [1, 1], specialLogProbOld: [-1], specialLogProbCurrent: [-1, -1] },
      /specialLogProb/,
    ],
    ["co-reward", {}, { groupSize: 1, responsesOriginal: ["a"], responsesRephrased: [] }, /1 responses to the questions and 0/],
    ["co-reward", {}, { groupSize: 1, responsesOriginal: [1], responsesRephrased: [] }, /responsesOriginal must be an array of texts/],
    ["chord", { variant: "psi" }, { lengths: [1], isExpert: [1], logProbs: [[0]], oldLogProbs: [[0]], advantages: [0] }, /variant "psi"/],
    ["treepo", {}, { rows: [{ width: 4, finished: 0, finishedThisStep: 0, policy: "most", activeLogProbs: [[-1]] }] }, /rows\[0\].*"most"/],
    [
      "treepo",
      { segmentLength: 2 },
      { paths: [1], lengths: [1], logProbs: [[0]], oldLogProbs: [[0]], rewards: [0] },
      /paths must be an array of 1 texts/,
    ],
  ])("of %s are refused in words where they are malformed (%#)", (id, params, input, message) => {
    expect(() => recompute(id, params, input)).toThrow(GoldenError);
    expect(() => recompute(id, params, input)).toThrow(message);
  });
});
