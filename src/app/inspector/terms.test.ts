// @vitest-environment node
import { describe, expect, it } from "vitest";
import { CONVENTIONS } from "../../algorithm/conventions.ts";
import type { StepRecord } from "../../loop/record.ts";
import { RECIPES } from "../../recipes/index.ts";
import { lengthOf } from "../stage/token-facts.ts";
import { recordedRun } from "../testing.ts";
import { advantageChain, coefficientByFormula, inWords, tokenUpdates } from "./formula.ts";
import { actsBeyond, advantageParts, lossParts, rewardParts, updateParts } from "./terms.ts";

function everyToken<T>(of: StepRecord, read: (row: number, index: number) => T): T[] {
  return of.rollouts.flatMap((_, row) => Array.from({ length: lengthOf(of, row) }, (_, index) => read(row, index)));
}

/** Where sentences and numbers of the inspector could be untrue, for any recipe. */
function checkHonesty(record: StepRecord): void {
  const clipsTokens = record.settings.objective === "clipped";
  const groups = record.settings.advantage === "group";
  everyToken(record, (row, index) => {
    const at = record.tokens!.offsets[row] + index;
    const parts = advantageParts(record, row, index);
    expect(parts.at(-1)!.advantage).toBe(record.tokens!.advantage![at]);
    const chain = advantageChain(record, row);
    if (chain) expect((chain.reward - chain.baseline) / (chain.divided ? chain.scale + chain.eps : 1)).toBeCloseTo(chain.advantage, 3);
    for (const update of tokenUpdates(record, row, index)) {
      if (update.plain) expect(coefficientByFormula(update)).toBeCloseTo(update.coefficient, 4);
      const words = inWords(record, update);
      if (words.includes("pushed up")) expect(update.coefficient).toBeLessThan(0);
      if (words.includes("pushed down")) expect(update.coefficient).toBeGreaterThan(0);
      if (/nothing pushes|no part|gradient stops/i.test(words)) expect(update.coefficient).toBe(0);
      if (words.includes("clip high") || words.includes("clip low")) expect(clipsTokens).toBe(true);
      if (words.includes("group’s average")) expect(groups).toBe(true);
      for (const part of updateParts(record, row, index, update.number))
        for (const { value } of part.terms) expect(value).toBeTypeOf("number");
    }
  });
}

describe("the inspector", () => {
  it.each(RECIPES.map((recipe) => recipe.id))("claims nothing untrue of %s", async (id) => {
    // Co-Reward wants a task that can ask in two ways.
    const task: Record<string, string> = id === "co-reward" ? { task: "addition", "task.level": "2" } : {};
    const { records } = await recordedRun(task, 1, id);
    const record = records.findLast((r) => r.tokens?.advantage);
    if (record) checkHonesty(record);
  });

  it.each(CONVENTIONS.map((c) => [c.name, c] as const))("claims nothing untrue of %s's convention", async (_, { settings }) => {
    const { last } = await recordedRun(Object.fromEntries(settings));
    if (last.tokens?.advantage) checkHonesty(last);
  });

  it("follows the advantage through every shaper, and names each part's terms", async () => {
    const { last } = await recordedRun({ shapers: "whiten,confidence", losses: "entropy", "sampler.groupSize": 8 });
    const row = last.rollouts.findIndex((r) => r.advantage !== 0);
    const parts = advantageParts(last, row, 0);
    expect(parts.map((p) => p.name)).toEqual(["Group-relative", "Whitening", "Confidence of the answer"]);
    expect(parts[0].terms.map((t) => t.symbol)).toEqual(["\\mathrm{mean}(r)", "\\mathrm{std}(r)"]);
    // What whitening says it began with is what the estimator is said to have given.
    expect(parts[1].terms.find((t) => t.symbol === "A_t")!.value).toBe(parts[0].advantage);
    expect(parts[1].advantage).not.toBe(parts[0].advantage);
    expect(advantageChain(last, row)).toBeUndefined();
    expect(updateParts(last, row, 0, tokenUpdates(last, row, 0)[0].number).map((p) => p.name)).toContain("Entropy bonus");
    expect(actsBeyond(last)).toEqual(["the entropy bonus"]);
    const [update] = last.updates;
    const named = lossParts(update);
    expect(named.map((p) => p.name)).toEqual(["policy", "entropy bonus"]);
    expect(named.reduce((sum, p) => sum + p.value, 0)).toBeCloseTo(update.loss, 6);
  });

  it("shows how a reward of several parts adds up", async () => {
    const { last } = await recordedRun({ "reward.formatWeight": 0.1, rewards: "stop-properly" });
    const row = last.rollouts.findIndex((r) => r.verdict!.parts.wellFormed === 1);
    const [own, further] = rewardParts(last, row);
    expect(own.latex).toBe("r = v + w\\,f");
    expect(own.terms.map(({ symbol, value }) => [symbol, value])).toEqual([
      ["v", last.rollouts[row].verdict!.score],
      ["f", 1],
    ]);
    expect(own.inputs.find((input) => input.symbol === "w")).toMatchObject({ value: 0.1, path: "reward.formatWeight", place: "knob" });
    // The first formula is not all of it.
    expect(own.inputs.find((input) => input.key === "reward")?.value).toBeUndefined();
    expect(further.terms.map((t) => t.value)).toEqual([last.rollouts[row].rewardParts!.stop]);
    const { last: plain } = await recordedRun();
    expect(rewardParts(plain, 0)).toEqual([]);
  });

  it("shows a whole answer's ratio where the objective has one", async () => {
    const { last } = await recordedRun({ "optimizer.learningRate": 0.001 }, 1, "gspo");
    const row = last.rollouts.findIndex((r) => r.advantage !== 0);
    const ratios = Array.from({ length: lengthOf(last, row) }, (_, index) => {
      const { number } = tokenUpdates(last, row, index).at(-1)!;
      return updateParts(last, row, index, number)[0].terms.find((t) => t.symbol === "s")!.value;
    });
    expect(ratios[0]).not.toBe(1);
    expect(new Set(ratios).size).toBe(1);
  });
});
