// @vitest-environment node
import { describe, expect, it } from "vitest";
import { PLUGINS } from "../../../recipes/slots.ts";
import { recordedRun } from "../../testing.ts";
import { lengthOf } from "../token-facts.ts";
import { axesOf, groupMarks, termsOf } from "./advantage-marks.ts";
import { objectiveCurves } from "./objective-curve.ts";
import { decimate, dotsOf } from "./objective-dots.ts";
import { rangeOf, termName } from "./plugin-terms.ts";
import { layerNorms, magnification, rowChanges } from "./token-change.ts";
import { participationIn, rowWeights, weightSummary } from "./token-weights.ts";

// A large rate, so that ratios reach the clip.
const { last, records } = await recordedRun({ "optimizer.learningRate": 0.003, "sampler.groupSize": 8, "optimizer.epochs": 2 });

describe("advantages", () => {
  it("has every rollout in one mark, between the axes' ends", () => {
    const axes = axesOf(last);
    last.groups.forEach(({ members }, group) => {
      const { marks, idle, baseline } = groupMarks(last, group);
      expect(marks.flatMap((m) => m.rows).sort((a, b) => a - b)).toEqual([...members]);
      expect(idle).toBe(members.every((row) => last.rollouts[row].advantage === 0));
      for (const { reward, advantage, rows } of marks) {
        expect(reward >= axes.reward[0] && reward <= axes.reward[1]).toBe(true);
        expect(Math.abs(advantage)).toBeLessThanOrEqual(axes.advantage);
        for (const row of rows) expect(last.rollouts[row].reward).toBeCloseTo(reward, 5);
      }
      if (baseline) expect(baseline[0]).toBeCloseTo(last.groups[group].statistics!.mean, 5);
      // GRPO's baseline and spread are on the axes already.
      expect(termsOf(last, group)).toEqual([]);
    });
  });

  it("tells further terms by their plug-in's own words", () => {
    const { name, terms } = PLUGINS.shapers[0];
    const [term] = Object.keys(terms);
    expect(termName(`shapers.${PLUGINS.shapers[0].id}.${term}`)).toEqual({ plugin: name, term, meaning: terms[term].meaning });
    expect(termName("nowhere.x.y")).toEqual({ plugin: "x", term: "y", meaning: "y" });
    const values = Float32Array.from(last.rollouts, (_, r) => r);
    const record = { ...last, tokens: { ...last.tokens!, advantageTerms: { [`shapers.${PLUGINS.shapers[0].id}.${term}`]: values } } };
    const { members } = last.groups[1];
    expect(termsOf(record, 1)[0].range).toEqual([Math.min(...members), Math.max(...members)]);
    expect(rangeOf([Number.NaN])).toBeUndefined();
  });
});

describe("token weights", () => {
  it("are those of the row's last update, or of the chosen one", () => {
    for (let row = 0; row < last.rollouts.length; row++) {
      const weights = rowWeights(last, row, undefined)!;
      expect(weights).toHaveLength(lengthOf(last, row));
      const { number } = participationIn(last, row, undefined)!;
      expect(rowWeights(last, row, number)).toEqual(weights);
    }
    const summary = weightSummary(last, 0);
    expect(summary.answers).toBe(last.updates[0].rows.length);
    expect(summary.tokens).toBe(last.updates[0].weight.length);
    expect(summary.inMaskedAnswers + summary.inOthers).toBe(last.updates[0].weight.filter((w) => w === 0).length);
  });

  it("tells masked answers from masked tokens", () => {
    const update = {
      ...last.updates[0],
      weight: last.updates[0].weight.slice(),
      terms: { "tokenWeights.topEntropy.kept": Float32Array.of(0, 1, 1) },
    };
    update.weight.fill(0, update.offsets[0], update.offsets[1]);
    update.weight[update.offsets[1]] = 0;
    const summary = weightSummary({ ...last, updates: [update] }, 0);
    expect(summary).toMatchObject({ maskedAnswers: 1, cutOff: 0, inMaskedAnswers: update.offsets[1], inOthers: 1 });
    const cut = last.rollouts.map((rollout, r) => (r === update.rows[0] ? { ...rollout, finished: false } : rollout));
    expect(weightSummary({ ...last, updates: [update], rollouts: cut }, 0).cutOff).toBe(1);
    expect(summary.plugins[0]).toMatchObject({ term: "kept", range: [0, 1], zeros: 1 });
  });
});

describe("the objective", () => {
  const low = last.settings["objective.clipLow"] as number;
  const high = last.settings["objective.clipHigh"] as number;
  const { curves } = objectiveCurves(last.settings, 0.5, 2)!;

  it("is drawn by the plug-in itself: the clipped surrogate bends at its bounds", () => {
    for (const { ratio, value } of curves.loss!.up) expect(value).toBeCloseTo(-Math.min(ratio, 1 + high), 5);
    for (const { ratio, value } of curves.loss!.down) expect(value).toBeCloseTo(Math.max(ratio, 1 - low), 5);
    for (const { ratio, value } of curves.slope!.up) expect(value).toBeCloseTo(ratio > 1 + high ? 0 : -ratio, 5);
  });

  it("has every token that counts on its curve", () => {
    const { dots, left } = dotsOf(last, undefined, "loss");
    const tokens = last.updates.reduce((sum, update) => sum + update.weight.length, 0);
    expect(dots.length + left).toBe(tokens);
    expect(dots.some((dot) => dot.clipped !== 0)).toBe(true);
    for (const { x, y, sign } of dots) expect(y).toBeCloseTo(sign > 0 ? -Math.min(x, 1 + high) : Math.max(x, 1 - low), 3);
    expect(dotsOf(last, 1, "loss").dots).toEqual(dots.filter((dot) => dot.update === 1));
  });

  it("has no curve where a token's loss is no function of its ratio, and slopes alone for plain REINFORCE", () => {
    const reinforce = objectiveCurves({ objective: "reinforce", "objective.importance": false, "objective.cap": 2 }, 0.5, 2)!;
    expect(Object.keys(reinforce.curves)).toEqual(["slope"]);
    for (const { value } of reinforce.curves.slope!.up) expect(value).toBeCloseTo(-1, 6);
    for (const plugin of PLUGINS.objective) {
      const settings: Record<string, number | boolean | string> = { objective: plugin.id };
      for (const [name, parameter] of Object.entries(plugin.parameters)) settings[`objective.${name}`] = parameter.default;
      const drawn = objectiveCurves(settings, 0.5, 2);
      if (plugin.scope === "batch" || plugin.scope === "group") expect(drawn).toBeUndefined();
      for (const curve of Object.values(drawn?.curves ?? {}))
        for (const { value } of [...curve.up, ...curve.down]) expect(Number.isFinite(value)).toBe(true);
    }
  });

  it.each(["cispo", "gspo", "sapo", "gmpo", "gradient-preserving"])("has %s's tokens on the curve that it draws", async (objective) => {
    const run = await recordedRun({ objective, "optimizer.learningRate": 0.003, "sampler.groupSize": 8 });
    const drawn = objectiveCurves(run.last.settings, 0.2, 5)!;
    const height = drawn.curves.loss ? "loss" : "slope";
    const curve = drawn.curves[height]!;
    const { dots } = dotsOf(run.last, undefined, height);
    expect(dots.length).toBeGreaterThan(20);
    expect(dots.some((dot) => Math.abs(dot.x - 1) > 0.02)).toBe(true);
    for (const { x, y, sign } of dots) {
      if (x < 0.2 || x > 5) continue;
      const points = sign > 0 ? curve.up : curve.down;
      const after = points.findIndex((p) => p.ratio >= x);
      const near = points.slice(Math.max(0, after - 2), after + 2).map((p) => p.value);
      expect(y).toBeGreaterThanOrEqual(Math.min(...near) - 0.02);
      expect(y).toBeLessThanOrEqual(Math.max(...near) + 0.02);
    }
  });

  it("shows the coefficient over the change of log-prob instead", () => {
    const { dots } = dotsOf(last, 0, "coefficient");
    const [dot] = dots;
    const at = last.tokens!.offsets[dot.row] + dot.index;
    expect(dot.x).toBeCloseTo(last.tokens!.after!.logProb[at] - last.tokens!.oldLogProb[at], 5);
  });

  it("draws dots that lie on one another once", () => {
    const { dots } = dotsOf(last, undefined, "loss");
    const cells = decimate(
      dots,
      (d) => d.x * 50,
      (d) => d.y * 50,
    );
    expect(cells.length).toBeLessThan(dots.length);
    expect(cells.reduce((sum, cell) => sum + cell.count, 0)).toBe(dots.length);
  });
});

describe("the update", () => {
  it("knows each token's probability before and after: of the step, and of one update", () => {
    const tokens = last.tokens!;
    const [row] = last.updates[3].rows;
    const whole = rowChanges(last, row, undefined)!;
    expect(whole).toHaveLength(lengthOf(last, row));
    expect(whole[0].before).toBeCloseTo(Math.exp(tokens.oldLogProb[tokens.offsets[row]]), 6);
    expect(whole[0].after).toBeCloseTo(Math.exp(tokens.after!.logProb[tokens.offsets[row]]), 6);
    const one = rowChanges(last, row, 3)!;
    expect(one[0].after).toBeCloseTo(Math.exp(last.updates[3].logProb[0]), 6);
    const absent = last.rollouts.findIndex((_, r) => !last.updates[3].rows.includes(r));
    expect(rowChanges(last, absent, 3)).toBeUndefined();
    // In the middle of the updates the end is not known yet.
    const middle = records.find((record) => record.phase === "update")!;
    expect(rowChanges(middle, row, undefined)![0].after).toBeUndefined();
  });

  it("magnifies small changes by a round number, and large ones not at all", () => {
    expect(magnification(last, undefined)).toBeGreaterThanOrEqual(1);
    const tokens = last.tokens!;
    const nearly = tokens.oldLogProb.map((l) => Math.log(Math.exp(l) * 0.999));
    const careful = { ...last, tokens: { ...tokens, after: { ...tokens.after!, logProb: nearly } } };
    expect(magnification(careful, undefined)).toBeGreaterThanOrEqual(100);
  });

  it("splits the gradient's norm by layer: the squares add up", () => {
    const [update] = last.updates;
    const layers = layerNorms([update]);
    expect(layers.map(({ name }) => name)).toEqual(["embedding", "layer 1", "layer 2", "last norm"]);
    expect(layers[1].tensors.map(({ name }) => name)).toContain("q_proj");
    expect(Math.hypot(...layers.map(({ norm }) => norm))).toBeCloseTo(update.gradNorm, 4);
    expect(layerNorms([{ ...update, tensorGradNorms: new Float32Array() }])).toEqual([]);
  });
});
