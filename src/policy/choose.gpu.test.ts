import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { chooseEngine, type Finding, type Findings } from "./choose.ts";
import type { Engine } from "./engine.ts";
import { createPortableEngine } from "./portable/node.ts";
import { createNodeWebgpuEngine, nodeGpu } from "./webgpu/node.ts";
import { selfTest } from "./webgpu/self-test.ts";

// A software driver takes long to compile kernels that it has not kept from an earlier run.
vi.setConfig({ testTimeout: 600_000 });

let gpu: GPU;
let compile: GPUDevice["createShaderModule"];
beforeAll(async () => {
  gpu = await nodeGpu();
  compile = GPUDevice.prototype.createShaderModule;
});
const opened: Engine[] = [];
afterEach(() => {
  GPUDevice.prototype.createShaderModule = compile;
  for (const engine of opened.splice(0)) engine.dispose();
});

/** Stands in for a driver that compiles some kernels wrongly. */
function miscompile(kernels: readonly string[], from: string, to: string): { readonly names: Set<string> } {
  const names = new Set<string>();
  GPUDevice.prototype.createShaderModule = function (this: GPUDevice, descriptor: GPUShaderModuleDescriptor) {
    if (!kernels.includes(descriptor.label!)) return compile.call(this, descriptor);
    expect(descriptor.code).toContain(from);
    names.add(descriptor.label!);
    return compile.call(this, { ...descriptor, code: descriptor.code.replaceAll(from, to) });
  };
  return { names };
}

function memory(): Findings & { readonly known: Map<string, Finding> } {
  const known = new Map<string, Finding>();
  return { known, recall: async (adapter) => known.get(adapter), remember: async (adapter, finding) => void known.set(adapter, finding) };
}

async function choose(wanted: "auto" | "webgpu", findings = memory()) {
  const choice = await chooseEngine({
    wanted,
    gpu,
    findings,
    createPortable: (selfTest) => createPortableEngine(selfTest === undefined ? {} : { selfTest }),
  });
  opened.push(choice.engine);
  return choice;
}

describe("a GPU whose kernels are right", () => {
  it("passes the self-test, which is in the plan and not made again", async () => {
    const findings = memory();
    const { engine } = await choose("webgpu", findings);
    expect(engine.plan).toMatchObject({ kernels: "fast", selfTest: "passed" });
    expect([...findings.known]).toEqual([[engine.label, { passed: true }]]);
    miscompile(["adamw"], "sqrt(", "cos(");
    const again = await choose("webgpu", findings);
    // It was not tested: this fault would have been found.
    expect(again.engine.plan).toMatchObject({ kernels: "fast", selfTest: "passed" });
    expect(await selfTest(again.engine)).toMatchObject({ what: "updates" });
    expect(again.engine.plan).toEqual(engine.plan);
  });

  it("but is emulated on the processor, is left alone because it is slower, unless it is chosen by name", async () => {
    const findings = memory();
    const { engine, note, emulated } = await choose("auto", findings);
    expect(engine.kind).toBe("portable");
    expect(emulated).toBe(true);
    expect(note).toMatch(
      / is emulated in software and (was not ready .*|[\d.]+ times slower than) the portable engine, which is used instead\.$/,
    );
    const [[label, finding]] = [...findings.known];
    expect(note).toBe(`${label} ${finding.slower}, which is used instead.`);
    const { names } = miscompile(["decode_direct"], "sqrt(", "cos(");
    expect((await choose("auto", findings)).note).toBe(note);
    expect(names.size).toBe(0);
    GPUDevice.prototype.createShaderModule = compile;
    const named = await choose("webgpu", findings);
    expect(named).toMatchObject({ emulated: true, note: expect.stringContaining("chosen by name"), engine: { kind: "webgpu" } });
    expect(findings.known.get(label)).toEqual({ slower: finding.slower, passed: true });
  });
});

describe("a GPU with wrong kernels", () => {
  it.each([
    ["row_forward", "sqrt(", "cos("],
    ["decode_direct", "exp((value - allowedTop) * inverseTemperature)", "exp(value - allowedTop)"],
  ])("computes with the plain ones if only fast ones are wrong, here %s, and says so", async (kernel, right, wrong) => {
    const findings = memory();
    const { names } = miscompile([kernel], right, wrong);
    const { engine, note } = await choose("webgpu", findings);
    expect(names.size).toBe(1);
    expect(engine.kind).toBe("webgpu");
    expect(note).toMatch(
      /^The self-test found that on .* the fast kernels' [\w -]+ are off by [\d.]+ %: the plain kernels are used instead, which are right but slower\.$/,
    );
    expect(engine.plan).toMatchObject({ kernels: "plain", decode: "batched", selfTest: note });
    expect(await selfTest(engine)).toBeUndefined();
    expect(findings.known.size).toBe(0);
  });

  it("is not used if the plain ones are wrong, too", async () => {
    miscompile(["adamw"], "sqrt(", "cos(");
    const { engine, note } = await choose("webgpu");
    expect(engine.kind).toBe("portable");
    expect(note).toMatch(
      /the fast kernels' updates are off by [\d.]+ % and the plain kernels' updates are off by [\d.]+ %: the portable engine is used instead\.$/,
    );
    expect(engine.plan.selfTest).toBe(note);
    expect(await selfTest(engine)).toBeUndefined();
  });

  it("is not used if a kernel does not even compile", async () => {
    miscompile(["gradient_norm"], "fn main", "fn man");
    const { engine, note } = await choose("webgpu");
    expect(engine.kind).toBe("portable");
    expect(note).toMatch(/the fast kernels fail \(The kernel gradient_norm cannot run here: .*\) and the plain kernels fail \(/);
  });

  it.each([
    ["decode_direct", "exp((value - allowedTop) * inverseTemperature)", "exp(value - allowedTop)", /^drawn tokens$/],
    ["log_softmax", "exp(s)", "exp(1.01 * s)", /^(log-probs|entropies)$/],
    ["log_softmax_backward", "exp(logP)", "exp(0.99 * logP)", /^gradients$/],
  ])("is found out where %s is slightly wrong", async (kernel, right, wrong, what) => {
    const { names } = miscompile([kernel], right, wrong);
    const engine = await createNodeWebgpuEngine();
    opened.push(engine);
    const fault = await selfTest(engine);
    expect(names.size).toBe(1);
    expect(fault).toMatchObject({ what: expect.stringMatching(what) });
  });
});
