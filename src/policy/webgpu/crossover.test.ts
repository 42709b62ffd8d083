import { afterEach, describe, expect, it, vi } from "vitest";
import type { GenerateRequest, Policy } from "../engine.ts";
import { quickerDecode } from "./crossover.ts";
import { Device } from "./device.ts";
import { WebgpuEngine, type WebgpuOptions } from "./engine.ts";
import type { DecodeVariant } from "./network.ts";
import { nodeGpu } from "./node.ts";
import { TOY, testWeights } from "./testing.ts";

vi.setConfig({ testTimeout: 600_000 });

/** A policy that draws token `token`, and takes so many milliseconds over it. */
function policy(token: number, milliseconds: number): Policy {
  const generate = async ({ prompts, maxNewTokens }: GenerateRequest) => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return { tokens: new Int32Array(prompts.length * maxNewTokens).fill(token) };
  };
  return { config: TOY, generate } as unknown as Policy;
}

describe("the way to draw tokens", () => {
  it("is the quicker one, if both draw the same", async () => {
    expect(await quickerDecode({ "whole-token": policy(4, 200), batched: policy(4, 0) })).toBe("batched");
    expect(await quickerDecode({ "whole-token": policy(4, 0), batched: policy(4, 200) })).toBe("whole-token");
    expect(await quickerDecode({ "whole-token": policy(4, 200), batched: policy(5, 0) })).toBe("whole-token");
  });

  const engines: WebgpuEngine[] = [];
  afterEach(() => {
    for (const engine of engines.splice(0)) engine.dispose();
  });
  /** An engine that takes its adapter for a real GPU. */
  async function gpuEngine(options: WebgpuOptions) {
    const device = await Device.create(await nodeGpu());
    Object.assign(device, { software: false });
    const engine = new WebgpuEngine(device, options);
    engines.push(engine);
    return engine;
  }

  it("is measured when a GPU meets a shape, is in the plan, and holds from then on", async () => {
    const known = new Map<string, DecodeVariant>();
    const found = vi.fn((shape: string, way: DecodeVariant) => void known.set(shape, way));
    const decodeChoices = { of: (shape: string) => known.get(shape), found };
    const theta = testWeights(TOY);
    const first = await gpuEngine({ decodeChoices });
    expect(first.plan.decode).toBe("auto");
    await Promise.all([first.load(TOY, theta), first.load(TOY, theta)]);
    await first.load(TOY, theta);
    expect(found).toHaveBeenCalledOnce();
    const [way] = known.values();
    expect(["whole-token", "batched"]).toContain(way);
    expect(first.plan.decode).toBe(way);
    expect(first.errorMessages()).toEqual([]);

    const other = way === "batched" ? "whole-token" : "batched";
    for (const shape of known.keys()) known.set(shape, other);
    const later = await gpuEngine({ decodeChoices });
    await later.load(TOY, theta);
    expect(later.plan.decode).toBe(other);
    expect(found).toHaveBeenCalledOnce();
  });
});
