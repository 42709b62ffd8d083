import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { POLICY_CONFIGS } from "../policy/config.ts";
import type { GenerateRequest, Generation, Policy } from "../policy/engine.ts";
import { initialWeights } from "../policy/initialise.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { EOS, encode, PAD } from "../policy/tokenizer.ts";
import { taskById } from "../tasks/index.ts";
import { splitOf } from "../tasks/task.ts";
import { BANNED_TOKENS, calibration, evaluatePolicy, heldOutProblems, passAtK, sampleAnswers } from "./evaluate.ts";

/** Answers what `answer` says, row by row; it generates nothing itself. */
function scripted(answer: (row: number) => string, seen: GenerateRequest[] = []): Policy {
  let row = 0;
  return {
    async generate(request: GenerateRequest): Promise<Generation> {
      seen.push(request);
      const completions = request.prompts.map(() => [...encode(answer(row++)), EOS]);
      const tokens = completions.flat();
      const offsets = [0];
      for (const completion of completions) offsets.push(offsets.at(-1)! + completion.length);
      const floats = () => new Float32Array(tokens.length).fill(0.5);
      return {
        offsets: Int32Array.from(offsets),
        tokens: Int32Array.from(tokens),
        finished: new Uint8Array(completions.length).fill(1),
        samplerLogProb: floats(),
        logProb: floats(),
        entropy: floats(),
        alternativeTokens: new Int32Array(),
        alternativeLogProbs: new Float32Array(),
      };
    },
  } as unknown as Policy;
}

describe("pass@k", () => {
  it("is the share of k-subsets with a right sample", () => {
    const choose = (n: number, k: number): number => (k < 0 || k > n ? 0 : k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), fc.nat(), (n, a, b) => {
        const c = a % (n + 1);
        const k = 1 + (b % n);
        expect(passAtK(n, c, k)).toBeCloseTo(1 - choose(n - c, k) / choose(n, k), 10);
      }),
    );
  });

  it("is c/n for k = 1 and stays finite for many samples", () => {
    expect(passAtK(64, 16, 1)).toBeCloseTo(0.25, 12);
    expect(passAtK(10_000, 3, 5000)).toBeCloseTo(0.875, 3);
    expect(passAtK(10_000, 0, 5000)).toBe(0);
    expect(passAtK(5, 3, 3)).toBe(1);
  });

  it("refuses what cannot be estimated", () => {
    expect(() => passAtK(4, 2, 5)).toThrow(RangeError);
    expect(() => passAtK(4, 5, 1)).toThrow(RangeError);
    expect(() => passAtK(4, 2, 0)).toThrow(RangeError);
  });
});

describe("evaluation", () => {
  const task = taskById("reverse");

  it("takes held-out problems that depend on the seed alone", () => {
    const problems = heldOutProblems(task, "4", 20, 5);
    expect(problems.every((problem) => splitOf(problem) === "heldout")).toBe(true);
    expect(heldOutProblems(task, "4", 10, 5)).toEqual(problems.slice(0, 10));
    expect(heldOutProblems(task, "4", 20, 6)).not.toEqual(problems);
  });

  it("counts right and well-formed answers over several chunks", async () => {
    const [problems, samples] = [100, 4];
    const truths = heldOutProblems(task, "4", problems, 1).map(({ truth }) => truth);
    // Of each problem's four samples: one right, one wrong, one unreadable; the fourth is right for every other problem.
    const answer = (row: number) => {
      const problem = Math.floor(row / samples);
      return [truths[problem], "zzzzz", "? ?", problem % 2 === 0 ? truths[problem] : "zzzzz"][row % samples];
    };
    const seen: GenerateRequest[] = [];
    const shares: number[] = [];
    const result = await evaluatePolicy(scripted(answer, seen), task, "4", {
      problems,
      samples,
      seed: 1,
      ks: [1, 2, 4],
      onProgress: (share) => shares.push(share),
    });
    expect(result).toMatchObject({ problems, samples });
    expect(result.passAtK[1]).toBeCloseTo(0.375, 6);
    expect(result.passAtK[2]).toBeCloseTo((5 / 6 + 1 / 2) / 2, 6);
    expect(result.passAtK[4]).toBe(1);
    expect(result.wellFormed).toBeCloseTo(0.75, 6);
    expect(result.accuracyWhenWellFormed).toBeCloseTo(0.5, 6);
    expect(result.entropy).toBeCloseTo(0.5, 6);
    expect(result.meanLength).toBeCloseTo((5 + 6 + 4) / 4 + (5 + 6) / 8, 6);
    expect(result.right).toEqual(Array.from({ length: problems }, (_, problem) => (problem % 2 === 0 ? 2 : 1)));
    // Every token had the log-prob 0.5, which no policy gives: all answers are in the last tenth.
    expect(result.calibration).toEqual([{ count: problems * samples, probability: expect.any(Number), right: 0.375 }]);
    expect(shares.at(-1)).toBe(1);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen[0]).toMatchObject({ maxNewTokens: task.maxNewTokens, temperature: 1, stopTokens: [EOS] });
    expect(seen[0].banned).toEqual(BANNED_TOKENS);
    // Samples of one problem are drawn with different numbers.
    const keys = Array.from({ length: 4 }, (_, i) => seen[0].keys.subarray(2 * i, 2 * i + 2).join());
    expect(new Set(keys).size).toBe(4);
  });

  it("counts equal answers to one problem, most frequent first, and judges them", async () => {
    const [problem] = heldOutProblems(task, "4", 1, 5);
    const given = [problem.truth, "zz", "zz", "? ?"];
    const seen: GenerateRequest[] = [];
    const answers = await sampleAnswers(
      scripted((row) => given[row], seen),
      task,
      problem,
      { samples: 4, seed: 5, at: 3, maxNewTokens: 9 },
    );
    expect(answers.map(({ text, count, right }) => [text, count, right])).toEqual([
      ["zz", 2, false],
      ...[
        ["? ?", 1, false],
        [problem.truth, 1, true],
      ].sort(),
    ]);
    expect(answers[0].reason).toContain(problem.truth);
    expect(seen[0].prompts).toHaveLength(4);
    expect(new Set(seen[0].prompts.map((_, i) => seen[0].keys.subarray(2 * i, 2 * i + 2).join())).size).toBe(4);
  });

  it("bins answers by their probability: counts add up, and a bin's mean lies in its tenth", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ probability: fc.double({ min: 0, max: 1, noNaN: true }), right: fc.boolean() })), (answers) => {
        const bins = calibration(answers);
        expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(answers.length);
        const rights = answers.filter((a) => a.right).length;
        expect(bins.reduce((sum, bin) => sum + bin.count * bin.right, 0)).toBeCloseTo(rights, 6);
        bins.slice(1).forEach((bin, i) => {
          expect(bin.probability).toBeGreaterThan(bins[i].probability);
        });
      }),
    );
    expect(calibration([{ probability: 1, right: true }])).toEqual([{ count: 1, probability: 1, right: 1 }]);
  });

  it("never draws specials other than end-of-text", () => {
    expect(BANNED_TOKENS).toContain(PAD);
    expect(BANNED_TOKENS).not.toContain(EOS);
  });

  it("gives the same numbers twice with a real policy, and stops when asked", async () => {
    const engine = await createPortableEngine();
    const config = { ...POLICY_CONFIGS.nano, hiddenSize: 16, heads: 1, layers: 1, intermediateSize: 16 };
    const policy = await engine.load(config, initialWeights(config, 1));
    const request = { problems: 3, samples: 2, ks: [1, 2], maxNewTokens: 4 };
    const first = await evaluatePolicy(policy, task, "4", request);
    expect(await evaluatePolicy(policy, task, "4", request)).toEqual(first);
    // Fresh weights draw nearly uniformly from 97 tokens.
    expect(first.entropy).toBeGreaterThan(4);
    const stopped = evaluatePolicy(policy, task, "4", { ...request, signal: AbortSignal.abort(new Error("enough")) });
    await expect(stopped).rejects.toThrow("enough");
    engine.dispose();
  });

  it("refuses counts out of range and unknown levels", async () => {
    const policy = scripted(() => "a");
    await expect(evaluatePolicy(policy, task, "4", { problems: 0, samples: 1 })).rejects.toThrow(/problems/);
    await expect(evaluatePolicy(policy, task, "4", { problems: 1, samples: 1.5 })).rejects.toThrow(/samples/);
    await expect(evaluatePolicy(policy, task, "4", { problems: 1, samples: 4, ks: [8] })).rejects.toThrow(/k must be/);
    await expect(evaluatePolicy(policy, task, "99", { problems: 1, samples: 1 })).rejects.toThrow(/no level "99"/);
  });
});
