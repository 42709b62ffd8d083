import { describe, expect, it } from "vitest";
import type { Metrics } from "../loop/record.ts";
import { reproducible } from "../loop/testing.ts";
import { type Engine, EngineError, type Policy } from "../policy/engine.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { memoryRunStore, type RunStore } from "../storage/run-store.ts";
import { openEngine } from "./engines.ts";
import { open, openSession, small } from "./testing.ts";

/** What the machine or the browser refuses: one clear sentence, and the run goes on if anything can carry it. */

const portable = async (refusal?: string) => {
  const engine = await createPortableEngine();
  return { engine, status: { kind: "portable" as const, label: engine.label, ...(refusal ? { note: refusal } : {}) } };
};

/** A stand-in for a GPU that computes on the portable engine, and fails where `trouble` throws; it is asked before every call. */
async function troubledGpu(trouble: (call: string) => void, errors: string[] = []) {
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, key) {
        if (key === "kind") return "webgpu";
        if (key === "errorCount") return () => errors.length;
        if (key === "errorMessages") return () => errors;
        const value = Reflect.get(object, key, object) as unknown;
        if (typeof value !== "function") return value;
        if (key === "dispose") return value.bind(object);
        return async (...args: unknown[]) => {
          trouble(String(key));
          const result = await value.apply(object, args);
          return key === "load" ? guard(result as Policy) : result;
        };
      },
    });
  const engine: Engine = guard(await createPortableEngine());
  return { engine, status: { kind: "webgpu" as const, label: "A GPU" } };
}

const TOO_LITTLE = "The GPU A has too little memory for this policy and batch (900 MiB asked for).";

/** Five steps of the small run on a portable engine from the start. */
async function undisturbed() {
  const s = openSession(memoryRunStore());
  await s.send(open);
  await s.send({ type: "start", setup: small });
  await s.send({ type: "step", count: 5 });
  await s.until(() => s.of("step").length === 5 && s.idle());
  return s.of("step").map((e) => reproducible(e.metrics));
}

/** Engines may differ in the last digits, and in how much they measure on the way. */
function expectSame(steps: readonly Metrics[], wanted: readonly Metrics[]) {
  expect(steps).toHaveLength(wanted.length);
  for (const [i, metrics] of wanted.entries()) {
    expect(steps[i]).toMatchObject({ step: i + 1, reward: metrics.reward, rollouts_drawn: metrics.rollouts_drawn });
    for (const name of Object.keys(metrics).filter((key) => key in steps[i]))
      expect(steps[i][name], `${name} of step ${i + 1}`).toBeCloseTo(metrics[name], 4);
    expect(steps[i].loss).toBeDefined();
  }
}

describe("a GPU with too little memory", () => {
  it("for the policy: the run begins on the portable engine, and the page is told", async () => {
    const s = openSession(memoryRunStore(), async (_, refusal) => {
      if (refusal) return portable(refusal);
      return troubledGpu((call) => {
        if (call === "load") throw new EngineError(TOO_LITTLE);
      });
    });
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "step", count: 5 });
    await s.until(() => s.of("step").length === 5 && s.idle());
    expect(s.of("engine").map((e) => e.engine.kind)).toEqual(["webgpu", "portable"]);
    expect(s.of("engine")[1].engine.note).toBe(TOO_LITTLE);
    expect(s.of("notice").map((e) => e.message)).toEqual([expect.stringContaining(`${TOO_LITTLE} The run is on portable`)]);
    expect(s.of("error")).toEqual([]);
    expectSame(
      s.of("step").map((e) => reproducible(e.metrics)),
      await undisturbed(),
    );
  });

  it.each(["generate", "forward", "backward", "apply"])("for the batch, found out in %s: the run goes on where it was", async (where) => {
    let full = false;
    const s = openSession(memoryRunStore(), async (_, refusal) => {
      if (refusal) return portable(refusal);
      return troubledGpu((call) => {
        if (full && call === where) throw new EngineError(TOO_LITTLE);
      });
    });
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "step", count: 2 });
    await s.until(() => s.of("step").length === 2 && s.idle());
    full = true;
    await s.send({ type: "step", count: 3 });
    await s.until(() => s.of("step").length === 5 && s.idle());
    expect(s.of("engine").at(-1)!.engine).toMatchObject({ kind: "portable", note: TOO_LITTLE });
    expect(s.of("notice").map((e) => e.message)).toEqual([
      `${TOO_LITTLE} The run is brought back from its last snapshot…`,
      expect.stringMatching(/^The run goes on where it was, on portable/),
    ]);
    expect(s.of("error")).toEqual([]);
    expectSame(
      s.of("step").map((e) => reproducible(e.metrics)),
      await undisturbed(),
    );
  });

  it("and nothing else to run on: the run stands still with that sentence, and the session lives on", async () => {
    const s = openSession(memoryRunStore(), async (_, refusal) => {
      if (refusal) throw new EngineError("The portable engine could not be loaded.");
      return troubledGpu((call) => {
        if (call === "load") throw new EngineError(TOO_LITTLE);
      });
    });
    await s.send(open);
    await s.send({ type: "start", setup: small });
    expect(s.of("error")).toEqual([{ type: "error", message: "The portable engine could not be loaded.", fatal: false }]);
    await s.send({ type: "step" });
    expect(s.of("error").at(-1)!.message).toBe("There is no run yet.");
  });
});

it("numbers of a GPU that reported an error are not used", async () => {
  const errors: string[] = [];
  const s = openSession(memoryRunStore(), async (_, refusal) => (refusal ? portable(refusal) : troubledGpu(() => {}, errors)));
  await s.send(open);
  await s.send({ type: "start", setup: small });
  await s.send({ type: "step", count: 3 });
  await s.until(() => s.of("step").length === 3 && s.idle());
  errors.push("Buffer usage is invalid.");
  await s.send({ type: "step", count: 2 });
  await s.until(() => s.of("step").length === 5 && s.idle());
  expect(s.of("engine").at(-1)!.engine).toMatchObject({ kind: "portable", note: "The GPU reported an error: Buffer usage is invalid." });
  expectSame(
    s.of("step").map((e) => reproducible(e.metrics)),
    await undisturbed(),
  );
});

describe("choosing an engine", () => {
  const hardware = (gpu: unknown, isSecureContext = true) => ({
    isSecureContext,
    gpu: gpu as GPU | undefined,
    createPortable: () => createPortableEngine(),
  });
  const adapter = (requestDevice: () => Promise<never>) => ({
    requestAdapter: async () => ({ info: { description: "Old GPU" }, requestDevice }),
  });
  const gpus: [string, unknown, boolean, RegExp][] = [
    ["a page over plain http", undefined, false, /^The GPU is not used, because browsers hide it .*: open this page over https/],
    ["a browser without WebGPU", undefined, true, /^The GPU is not used, because this browser has no WebGPU: open this page in/],
    ["no adapter", { requestAdapter: async () => null }, true, /^The GPU is not used: This browser or machine has no WebGPU adapter\.$/],
    [
      "an adapter below the default limits",
      adapter(() => Promise.reject(new Error("maxStorageBufferBindingSize is too small"))),
      true,
      /^The GPU is not used: The WebGPU adapter Old GPU gave no device: maxStorageBufferBindingSize is too small$/,
    ],
  ];
  it.each(gpus)("with %s takes the portable one and says why", async (_, gpu, secure, note) => {
    const { engine, status } = await openEngine("auto", hardware(gpu, secure));
    expect(engine.kind).toBe("portable");
    expect(status).toEqual({ kind: "portable", label: engine.label, note: expect.stringMatching(note) });
  });

  it("leaves a GPU alone that is switched off or has failed", async () => {
    const untouchable = {
      requestAdapter: () => {
        throw new Error("asked for an adapter");
      },
    };
    const off = await openEngine("portable", hardware(untouchable));
    expect(off.status.note).toContain("switched off");
    const failed = await openEngine("auto", hardware(untouchable), TOO_LITTLE);
    expect(failed.status).toMatchObject({ kind: "portable", note: `The GPU is not used: ${TOO_LITTLE}` });
  });

  it("does not hide a fault of its own", async () => {
    const faulty = { requestAdapter: () => Promise.reject(new TypeError("x is undefined")) };
    await expect(openEngine("auto", hardware(faulty))).rejects.toThrow("x is undefined");
  });
});

describe("storage", () => {
  it.each<[string, Error, string]>([
    [
      "that is full",
      new DOMException("The current transaction exceeded its quota limitations.", "QuotaExceededError"),
      "this browser's storage for the page is full",
    ],
    ["that is full, without a word", new DOMException("", "QuotaExceededError"), "this browser's storage for the page is full"],
    ["that is forbidden", new DOMException("The operation is insecure.", "SecurityError"), "The operation is insecure."],
    ["that fails without a word", new DOMException("", "UnknownError"), "this browser's storage failed"],
  ])("%s is told once; the run goes on unsaved, and is kept when there is room again", async (_, error, words) => {
    let full = true;
    const memory = memoryRunStore();
    const guard =
      <A extends unknown[]>(write: (...args: A) => Promise<void>) =>
      (...args: A) =>
        full ? Promise.reject(error) : write(...args);
    const store: RunStore = { ...memory, save: guard(memory.save), appendMetrics: guard(memory.appendMetrics) };
    const s = openSession(store);
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "step", count: 3 });
    await s.until(() => s.of("step").length === 3 && s.idle());
    await s.send({ type: "pause" });
    expect(s.of("notice").map((e) => e.message)).toEqual([
      `This run cannot be kept for a later visit (${words}); it goes on all the same.`,
    ]);
    expect(s.of("error")).toEqual([]);
    expect(await memory.list()).toEqual([]);
    full = false;
    await s.send({ type: "step", count: 1 });
    await s.until(() => s.of("step").length === 4 && s.idle());
    await s.send({ type: "pause" });
    const [kept] = await memory.list();
    expect(kept.steps).toBe(4);
    expect((await memory.metrics(kept.id)).map((metrics) => metrics.step)).toEqual([1, 2, 3, 4]);
  });

  it("that holds a run which this page cannot run says so, and the run at hand stays", async () => {
    const store = memoryRunStore();
    const s = openSession(store);
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "step" });
    await s.until(() => s.of("step").length === 1 && s.idle());
    await s.send({ type: "pause" });
    const [kept] = await store.list();
    const { slots } = kept.setup.recipe;
    const kl = { plugin: "magic", params: {} };
    await store.save({ ...kept, id: "old", setup: { ...kept.setup, recipe: { ...kept.setup.recipe, slots: { ...slots, kl } } } });
    await s.send({ type: "resume", runId: "old" });
    expect(s.of("error").at(-1)).toMatchObject({ fatal: false, message: expect.stringContaining('kl has no plug-in "magic"') });
    const half = { step: 10, state: { theta: new Float32Array(3), m: new Float32Array(3), v: new Float32Array(3), updates: 1 } };
    await store.save({ ...kept, id: "cut", snapshot: half });
    await s.send({ type: "resume", runId: "cut" });
    expect(s.of("error").at(-1)!.message).toMatch(/the snapshot's theta has 3/);
    await s.send({ type: "step" });
    await s.until(() => s.of("step").length === 2 && s.idle());
    expect(s.of("step").map((e) => reproducible(e.metrics))).toEqual((await undisturbed()).slice(0, 2));
  });
});
