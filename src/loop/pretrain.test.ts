import { describe, expect, it } from "vitest";
import { POLICY_CONFIGS } from "../policy/config.ts";
import { initialWeights } from "../policy/initialise.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { randomSequence, STREAM } from "../policy/random.ts";
import { taskById } from "../tasks/index.ts";
import { drawDemonstration, MIXTURES, type PretrainSettings, pretrainStep, slipScale } from "./pretrain.ts";

const random = (row: number) => randomSequence({ seed: 9, stream: STREAM.pretrain, step: 0 }, row);

describe("mixtures", () => {
  it("name tasks and levels that exist, every task's default level among them", () => {
    for (const mixture of Object.values(MIXTURES)) {
      for (const { task, level, weight, slips } of mixture) {
        expect(taskById(task).levels.map(({ id }) => id)).toContain(level);
        expect(weight).toBeGreaterThan(0);
        expect(slips).toBeGreaterThanOrEqual(0);
        expect(slips).toBeLessThanOrEqual(1);
      }
      for (const id of ["countdown", "addition", "sort", "reverse", "compose"]) {
        expect(mixture.map((part) => `${part.task} ${part.level}`)).toContain(`${id} ${taskById(id).defaultLevel}`);
      }
    }
  });

  it("are drawn by weight, with their share of slips", () => {
    const mixture = [
      { task: "reverse", level: "4", weight: 3, slips: 0.5 },
      { task: "sort", level: "4", weight: 1, slips: 0 },
    ];
    let sorts = 0;
    let slips = 0;
    for (let row = 0; row < 800; row++) {
      const { prompt, completion } = drawDemonstration(mixture, random(row));
      const [, task, word] = /^(\w+) (\w+):$/.exec(prompt)!;
      if (task === "sort") {
        sorts++;
        expect(completion).toBe([...word].sort().join(""));
      } else if (completion !== [...word].reverse().join("")) slips++;
    }
    expect(sorts / 800).toBeCloseTo(0.25, 1);
    expect(slips / (800 - sorts)).toBeCloseTo(0.5, 1);
    const clean = Array.from({ length: 100 }, (_, row) => drawDemonstration(mixture, random(row), 0));
    for (const { prompt, completion } of clean) {
      const letters = [...prompt.slice(0, -1).split(" ")[1]];
      expect(completion).toBe((prompt.startsWith("sort") ? letters.sort() : letters.reverse()).join(""));
    }
  });

  it("show most slips late", () => {
    expect(slipScale(0, 100)).toBeLessThan(0.5);
    expect(slipScale(99, 100)).toBe(1);
  });
});

describe("pre-training", () => {
  const config = { ...POLICY_CONFIGS.nano, hiddenSize: 32, heads: 2, layers: 1, intermediateSize: 32 };
  const mixture = [{ task: "addition", level: "1", weight: 1, slips: 0 }];
  const settings: PretrainSettings = {
    seed: 4,
    batch: 32,
    schedule: { kind: "cosine", peak: 1e-2, warmup: 5, total: 60, floor: 0.05 },
    weightDecay: 0.01,
  };

  it("lowers the loss from that of uniform guesses", async () => {
    const engine = await createPortableEngine();
    const policy = await engine.load(config, initialWeights(config, 1));
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) losses.push((await pretrainStep(policy, mixture, settings, step)).loss);
    expect(Math.abs(losses[0] - Math.log(config.vocabSize))).toBeLessThan(0.2);
    expect(losses.at(-1)!).toBeLessThan(1.6);
    engine.dispose();
  });

  it("goes on from a saved state to the same weights", async () => {
    const engine = await createPortableEngine();
    const [whole, before, after] = await Promise.all([1, 1, 2].map((seed) => engine.load(config, initialWeights(config, seed))));
    for (let step = 0; step < 4; step++) await pretrainStep(whole, mixture, settings, step);
    for (let step = 0; step < 2; step++) await pretrainStep(before, mixture, settings, step);
    await after.restore(await before.save());
    for (let step = 2; step < 4; step++) await pretrainStep(after, mixture, settings, step);
    expect(await after.save()).toEqual(await whole.save());
    engine.dispose();
  });
});
