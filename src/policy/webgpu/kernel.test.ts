import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupRelative } from "../../algorithm/advantages/group.ts";
import { clippedObjective } from "../../algorithm/kernels/clippedObjective.ts";
import { groupAdvantage } from "../../algorithm/kernels/groupAdvantage.ts";
import { withDefaults } from "../../algorithm/plugin.ts";
import type { Data, Kernel } from "../engine.ts";
import { createPortableEngine } from "../portable/node.ts";
import { randomSequence, STREAM } from "../random.ts";
import { failOnGpuErrors, normals, TOY, testBatch, testEngine, testWeights, worst } from "./testing.ts";

failOnGpuErrors();

async function both(kernel: Kernel, inputs: Record<string, Float32Array | Uint32Array>, params: Record<string, number>) {
  const outputs = await (await testEngine()).runKernel(kernel, inputs, params);
  const device: Record<string, Float32Array> = {};
  await Promise.all(
    Object.entries(outputs).map(async ([name, buffer]) => {
      device[name] = await buffer.read();
    }),
  );
  return { device, host: kernel.twin(inputs, params) };
}

describe("group advantages on the device", () => {
  const rows = fc.array(fc.record({ reward: fc.constantFrom(0, 1, 0.25, -2, Number.NaN, 0.3), group: fc.integer({ min: 0, max: 6 }) }), {
    minLength: 1,
    maxLength: 70,
  });
  const choices = { baseline: [0, 1, 2], scale: [0, 1, 2], scope: [0, 1], ddof: [0, 1] };

  it("equal their twin for every baseline, scale and scope, in groups of any size and order", async () => {
    for (const baseline of choices.baseline)
      for (const scale of choices.scale)
        for (const scope of choices.scope)
          for (const ddof of choices.ddof) {
            await fc.assert(
              fc.asyncProperty(rows, async (sample) => {
                const rewards = Float32Array.from(sample, (s) => s.reward);
                const groups = Uint32Array.from(sample, (s) => s.group);
                const offsets = Uint32Array.from({ length: sample.length + 1 }, (_, r) => 2 * r);
                const params = { rows: sample.length, baseline, scale, ddof, scope, eps: 1e-4, tokens: 2 * sample.length };
                const { device, host } = await both(groupAdvantage, { rewards, groups, offsets }, params);
                expect(worst(device.advantages, host.advantages)).toBeLessThan(2e-3);
              }),
              { numRuns: 6, seed: 100 * baseline + 10 * scale + scope },
            );
          }
  });

  it("are those of the estimator in 64 bits", async () => {
    for (const baseline of ["mean", "leaveOneOut", "median"])
      for (const scale of ["std", "meanAbsoluteDeviation", "none"])
        for (const scope of ["group", "batch"]) {
          const params = withDefaults(groupRelative, { baseline, scale, scope });
          await fc.assert(
            fc.asyncProperty(rows, async (sample) => {
              const reward = Float32Array.from(sample, (s) => s.reward);
              const group = Uint32Array.from(sample, (s) => s.group);
              const groups = Array.from({ length: 7 }, (_, g) => sample.flatMap((s, r) => (s.group === g ? [r] : [])));
              const offsets = Uint32Array.from({ length: sample.length + 1 }, (_, r) => r);
              const batch = { rows: sample.length, offsets, group, groups, reward, parts: {}, maxLength: 1, scores: {}, step: 1 };
              const uniforms = { ...groupRelative.device!.uniforms(params, sample.length)!, tokens: sample.length };
              const { device } = await both(groupAdvantage, { rewards: reward, groups: group, offsets }, uniforms);
              const { advantage } = groupRelative.estimate(
                batch,
                params,
                undefined,
                randomSequence({ seed: 0, stream: STREAM.reward, step: 1 }),
              );
              expect(worst(device.advantages, Float32Array.from(advantage))).toBeLessThan(1e-4);
            }),
            { numRuns: 5, seed: 7 },
          );
        }
  });

  it("have the values worked out by hand", async () => {
    const rewards = Float32Array.of(1, 0, 0, 1, 5, Number.NaN, 2);
    const groups = Uint32Array.of(0, 0, 0, 0, 1, 0, 9);
    // Rows of one token, of none and of three.
    const offsets = Uint32Array.of(0, 1, 2, 2, 3, 4, 5, 8);
    const run = async (more: Record<string, number>) => {
      const params = { rows: 7, baseline: 0, scale: 0, ddof: 1, scope: 0, eps: 0, tokens: 8, ...more };
      const { device, host } = await both(groupAdvantage, { rewards, groups, offsets }, params);
      expect(worst(device.advantages, host.advantages)).toBeLessThan(1e-6);
      return Array.from(device.advantages, (a) => Math.round(a * 1e4) / 1e4);
    };
    expect(await run({})).toEqual([0.5, -0.5, 0.5, 0, 0, 0, 0, 0]);
    expect(await run({ baseline: 1 })).toEqual([0.6667, -0.6667, 0.6667, 0, 0, 0, 0, 0]);
    expect(await run({ scale: 1 })).toEqual([0.866, -0.866, 0.866, 0, 0, 0, 0, 0]);
    expect(await run({ scale: 1, ddof: 0 }).then((a) => a.slice(0, 4))).toEqual([1, -1, 1, 0]);
    expect(await run({ baseline: 2, scale: 2, eps: 1e-6 })).toEqual([1, -1, 1, 0, 0, 0, 0, 0]);
  });
});

describe("the clipped objective on the device", () => {
  const n = 500;
  const inputs = {
    logProb: normals(1, n, 0.8),
    oldLogProb: normals(2, n, 0.8),
    advantage: normals(3, n),
    weight: normals(4, n).map((w, i) => (i % 7 === 0 ? 0 : Math.abs(w))),
    reference: normals(5, n, 0.8),
  };
  inputs.logProb[10] = -60;
  inputs.oldLogProb[11] = -90;
  inputs.reference[12] = inputs.logProb[12] + 1e-3;

  it.each([
    { clipLow: 0.2, clipHigh: 0.28, dualClip: 0, beta: 0 },
    { clipLow: 0.2, clipHigh: 0.2, dualClip: 3, beta: 0.04 },
    { clipLow: 0.01, clipHigh: 5, dualClip: 1.5, beta: 1 },
  ])("equals its twin at %o", async (settings) => {
    const { device, host } = await both(clippedObjective, inputs, { ...settings, count: n });
    const relative = (a: Float32Array, b: Float32Array) =>
      a.map((x, i) => Math.abs(x - b[i]) / (1e-6 + Math.abs(b[i]))).reduce((x, y) => Math.max(x, y), 0);
    expect(relative(device.coefficient, host.coefficient)).toBeLessThan(1e-3);
    expect(relative(device.terms, host.terms)).toBeLessThan(1e-3);
    expect(new Set(device.terms.subarray(2 * n, 3 * n))).toContain(1);
    expect(new Set(device.terms.subarray(2 * n, 3 * n))).toContain(-1);
  });

  it("gives the derivative of its loss", () => {
    const params = { clipLow: 0.2, clipHigh: 0.28, dualClip: 3, beta: 0.1, count: 1 };
    const one = (logProb: number, oldLogProb: number, advantage: number, reference: number) => {
      const run = (l: number) =>
        clippedObjective.twin(
          { logProb: [l], oldLogProb: [oldLogProb], advantage: [advantage], weight: [0.5], reference: [reference] },
          params,
        );
      const h = 1e-2;
      const slope = (run(logProb + h).terms[0] - run(logProb - h).terms[0]) / (2 * h);
      return [run(logProb).coefficient[0], slope] as const;
    };
    for (const [l, old, a, ref] of [
      [-1, -1, 1, -1.5],
      [-0.5, -1, 1, -0.2],
      [-1.5, -1, 1, -2],
      [-0.5, -1, -1, -0.4],
      [-1.5, -1, -1, -1],
      [-0.2, -2, -1, -0.2],
    ]) {
      const [coefficient, slope] = one(l, old, a, ref);
      expect(coefficient).toBeCloseTo(slope, 3);
    }
  });

  it("feeds the backward pass without a read-back", async () => {
    const engine = await testEngine();
    const policy = await engine.load(TOY, testWeights(TOY));
    const batch = testBatch(TOY, [
      [2, 9],
      [5, 4],
    ]);
    const count = 13;
    const [advantage, weight] = [normals(1, count), new Float32Array(count).fill(1 / count)];
    const old = (await policy.forward(batch, {}, { inference: true })).logProb;
    const handle = await policy.forward(batch, {});
    const params = { clipLow: 0.2, clipHigh: 0.2, dualClip: 0, beta: 0, count };
    const outputs = await engine.runKernel(
      clippedObjective,
      { logProb: handle.logProb, oldLogProb: old, advantage, weight, reference: old },
      params,
    );
    const before = engine.counters().readBacks;
    await policy.backward(handle, { logProb: outputs.coefficient });
    expect(engine.counters().readBacks).toBe(before);
    const gradient = await policy.gradients();
    // On policy the ratio is 1 and the coefficient −A·w.
    expect(
      worst(
        await outputs.coefficient.read(),
        advantage.map((a) => -a / count),
      ),
    ).toBeLessThan(1e-6);
    const again = await engine.load(TOY, testWeights(TOY));
    await again.backward(await again.forward(batch, {}), { logProb: await outputs.coefficient.read() });
    expect(await again.gradients()).toEqual(gradient);
  });

  it("takes stretches of a result, whether it is still on the device or was read, like their values", async () => {
    const portable = await createPortableEngine();
    const settings = { clipLow: 0.2, clipHigh: 0.28, dualClip: 3, beta: 0.1 };
    const few = Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, values.slice(0, 90)]));
    const stretches = [
      { from: 300, length: 50 },
      { from: 7, length: 0 },
      { from: 0, length: 39 },
      { from: 499, length: 1 },
    ];
    for (const engine of [await testEngine(), portable]) {
      const run = (reference: Data) => engine.runKernel(clippedObjective, { ...few, reference }, { ...settings, count: 90 });
      const { coefficient } = await engine.runKernel(clippedObjective, inputs, { ...settings, count: n });
      const first = await run({ of: coefficient, stretches, length: 90 });
      const values = await coefficient.read();
      const picked = Float32Array.from(stretches.flatMap(({ from, length }) => [...values.subarray(from, from + length)]));
      const expected = await (await run(picked)).terms.read();
      expect(await first.terms.read()).toEqual(expected);
      expect(await (await run({ of: coefficient, stretches, length: 90 })).terms.read()).toEqual(expected);
    }
    const elsewhere = await portable.runKernel(clippedObjective, inputs, { ...settings, count: n });
    const foreign = { of: elsewhere.coefficient, stretches, length: 90 };
    await expect((await testEngine()).runKernel(clippedObjective, { ...few, reference: foreign }, settings)).rejects.toThrow(
      "reference lies on another engine",
    );
    portable.dispose();
  });

  it("whose declaration does not match its WGSL is refused", async () => {
    const engine = await testEngine();
    const wrong = { ...clippedObjective, inputs: clippedObjective.inputs.slice(1) };
    await expect(engine.runKernel(wrong, inputs, {})).rejects.toThrow("The kernel clipped_objective declares bindings");
    await expect(engine.runKernel(clippedObjective, { logProb: inputs.logProb }, {})).rejects.toThrow("got no input oldLogProb");
  });
});
