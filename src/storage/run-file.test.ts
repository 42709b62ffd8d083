import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { smallSetup } from "../loop/testing.ts";
import { checkWeights, RunFileError, type RunWithMetrics, readRunFile, writeRunFile } from "./run-file.ts";

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const metricNames = fc.constantFrom("reward", "loss", "pass@1", "kl", "clip_ratio/high_mean");
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Object.is(x, -0) ? 0 : x));
/** What a plug-in may carry: anything that survives a structured clone and is plain. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "text", true, null),
    fc.array(float32, { maxLength: 4 }).map((a) => Float32Array.from(a)),
    fc.array(number, { maxLength: 4 }).map((a) => Float64Array.from(a)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("mean", "number", "pairs", "float32", "11+5×2"), tie("value"), { maxKeys: 3 }),
  ),
})).value;

const runs: fc.Arbitrary<RunWithMetrics> = fc
  .record({
    steps: fc.integer({ min: 1, max: 15 }),
    weights: fc.integer({ min: 1, max: 40 }),
    hasSnapshot: fc.boolean(),
    hasReference: fc.boolean(),
    name: fc.option(fc.string({ maxLength: 60, unit: "grapheme" }), { nil: undefined }),
    forked: fc.boolean(),
    edits: fc.array(fc.record({ step: fc.integer({ min: 1, max: 16 }), temperature: fc.double({ min: 0.1, max: 2, noNaN: true }) }), {
      maxLength: 4,
    }),
    savedAt: fc.integer({ min: 0, max: 4e12 }),
    seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    plugins: fc.dictionary(fc.constantFrom("advantage.gae", "kl.adaptive"), fc.dictionary(fc.constantFrom("a", "b"), plain), {
      maxKeys: 2,
    }),
    values: fc.array(float32, { minLength: 40, maxLength: 40 }),
    metrics: fc.array(fc.dictionary(metricNames, number), { minLength: 15, maxLength: 15 }),
  })
  .map((d) => {
    const array = (f: (x: number) => number) => Float32Array.from(d.values.slice(0, d.weights), f);
    const snapshot = {
      step: Math.max(0, d.steps - 3),
      state: { theta: array((x) => x), m: array((x) => -x), v: array(Math.abs), updates: d.steps },
      plugins: d.plugins as Record<string, Record<string, unknown>>,
      ...(d.hasReference ? { reference: array((x) => x) } : {}),
    };
    return {
      run: {
        id: "an-id",
        setup: smallSetup({}, "grpo", d.seed),
        edits: d.edits.map(({ step, temperature }) => ({ step, path: "sampler.temperature", value: temperature })),
        plan: { kind: "portable", threads: 2, exact: true },
        steps: d.steps,
        savedAt: d.savedAt,
        passAt1: 0.5,
        ...(d.name === undefined ? {} : { name: d.name }),
        ...(d.forked ? { parent: { id: "p", name: "<img src=x onerror=alert(1)>", step: 2 } } : {}),
        ...(d.hasSnapshot ? { snapshot } : {}),
      },
      metrics: d.metrics.slice(0, d.steps).map((m, i) => ({ ...m, step: i + 1 })),
    };
  });

const example = fc.sample(
  runs.filter(({ run }) => run.snapshot !== undefined && run.steps > 3),
  { numRuns: 1, seed: 3 },
)[0];
const good = () => JSON.parse(writeRunFile(example));
const refusal = (file: unknown): string => {
  try {
    readRunFile(typeof file === "string" ? file : JSON.stringify(file), "id");
  } catch (error) {
    expect(error).toBeInstanceOf(RunFileError);
    return (error as Error).message;
  }
  throw new Error("it was read");
};

describe("a run's file", () => {
  it("gives back what was written, to the bit", () => {
    fc.assert(
      fc.property(runs, (original) => {
        expect(readRunFile(writeRunFile(original), "an-id")).toEqual(original);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps an evaluation whose mean is of nothing", () => {
    const start = {
      problems: 4,
      samples: 2,
      passAtK: { 1: 0, 2: 0 },
      right: [0, 0, 0, 0],
      calibration: [{ probability: 0.05, right: 0.1, count: 8 }],
      wellFormed: 0,
      accuracyWhenWellFormed: Number.NaN,
      meanLength: 3,
      entropy: 1,
    };
    const { run } = readRunFile(writeRunFile({ ...example, run: { ...example.run, start } }), "x");
    expect(run.start).toEqual(start);
  });

  it.each<[string, (file: Record<string, never>) => unknown, RegExp]>([
    ["text", () => "hello", /^This file is not a run of the playground, or it is cut off\.$/],
    ["cut off", (file) => JSON.stringify(file).slice(0, -20), /cut off/],
    ["of another kind", () => ({ format: "x" }), /^This file is not a run of the playground\.$/],
    ["a list", () => [], /not a run/],
    ["from an older version", (file) => ({ ...file, version: 0 }), /^This run file has version 0, and this page reads version 1\.$/],
    ["from a newer version", (file) => ({ ...file, version: 2 }), /newer than this page knows/],
    ["of a version in words", (file) => ({ ...file, version: "<script>alert(1)</script>".repeat(100) }), /^.{0,120}$/],
    ["without a setup", (file) => ({ ...file, setup: null }), /its setup must be an object, got null\.$/],
    ["with an unknown plug-in", (file) => change(file, ["setup", "recipe", "slots", "kl", "plugin"], "magic"), /kl has no plug-in "magic"/],
    ["with a knob out of range", (file) => change(file, ["setup", "recipe", "slots", "sampler", "params", "groupSize"], 1e9), /groupSize/],
    ["with a seed that is none", (file) => change(file, ["setup", "seed"], -1), /seed must be a whole number/],
    ["with a recipe's name that is a novel", (file) => change(file, ["setup", "recipe", "name"], "x".repeat(1e5)), /^.{0,200}$/],
    ["with an edit of nothing", (file) => ({ ...file, edits: [{ step: 1, path: "__proto__.polluted", value: 1 }] }), /__proto__/],
    ["with an edit that does not fit", (file) => ({ ...file, edits: [{ step: 1, path: "sampler.groupSize", value: "x" }] }), /groupSize/],
    ["with an edit at no step", (file) => ({ ...file, edits: [{ step: 1e300, path: "seed", value: 1 }] }), /the step of edit 1/],
    ["with steps beyond counting", (file) => ({ ...file, steps: 1e12 }), /steps must be a whole number/],
    ["with a step missing", (file) => change(file, ["metrics", "1", "step"], 7), /the metrics of step 2 are missing/],
    [
      "with a metric in words",
      (file) => change(file, ["metrics", "0", "reward"], "<b>1</b>"),
      /reward of step 1 must be a number, got "<b>1/,
    ],
    ["with weights of words", (file) => change(file, ["snapshot", "theta"], "%%%"), /theta is not base64/],
    ["with weights cut off", (file) => change(file, ["snapshot", "theta"], "AAAA"), /theta is cut off/],
    ["with weights that are no numbers", (file) => change(file, ["snapshot", "m"], nan(example)), /m holds what is not a finite number/],
    ["with moments of another length", (file) => change(file, ["snapshot", "m"], "AAAAAA=="), /differ in length|not base64|cut off/],
    ["with a snapshot of the future", (file) => change(file, ["snapshot", "step"], 99), /the snapshot's step/],
    ["with states of no plug-in", (file) => change(file, ["snapshot", "plugins"], { pairs: 7 }), /the plug-ins' states must be a list/],
    ["with states nested without end", (file) => change(file, ["snapshot", "plugins"], nested(40)), /the plug-ins' states are malformed/],
    ["with a parent of numbers", (file) => ({ ...file, parent: { id: 1, name: 2, step: 3 } }), /the parent's id must be a text/],
  ])("that is %s is refused in one sentence", (_, damage, words) => {
    const message = refusal(damage(good()));
    expect(message).toMatch(words);
    expect(message).toMatch(/^[^\n]+\.$/);
    expect(message.length).toBeLessThan(400);
  });

  it("that lost or swapped any one value is read or refused in a sentence, and nothing else happens", () => {
    const anything = fc.constantFrom<unknown>(null, -1, 1e308, "", "<script>", [], {}, { __proto__: 1 }, true, undefined);
    fc.assert(
      fc.property(fc.nat(), anything, (pick, value) => {
        const file = good();
        const places = paths(file);
        const damaged = change(file, places[pick % places.length], value);
        try {
          readRunFile(JSON.stringify(damaged), "id");
        } catch (error) {
          expect(error).toBeInstanceOf(RunFileError);
          expect((error as Error).message.length).toBeLessThan(500);
        }
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it("of another policy's size is refused", () => {
    expect(() => checkWeights(example.run, 107328)).toThrow(/has \d+ weights, and the policy nano has 107328/);
    expect(() => checkWeights(example.run, example.run.snapshot!.state.theta.length)).not.toThrow();
  });
});

function change(object: object, [first, ...rest]: readonly string[], value: unknown): unknown {
  const entry = (object as Record<string, object>)[first];
  const inner = rest.length === 0 ? value : change(entry, rest, value);
  if (Array.isArray(object)) return object.map((e, i) => (String(i) === first ? inner : e));
  return { ...object, [first]: inner };
}

function paths(value: unknown, at: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [[...at]];
  return Object.entries(value).flatMap(([key, entry]) => [[...at, key], ...paths(entry, [...at, key])]);
}

const nested = (depth: number): unknown => (depth === 0 ? 1 : { pairs: [["a", nested(depth - 1)]] });
const nan = ({ run }: RunWithMetrics) =>
  Buffer.from(new Float32Array(run.snapshot!.state.m.length).fill(Number.NaN).buffer).toString("base64");
