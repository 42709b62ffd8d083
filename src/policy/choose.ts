import type { Engine } from "./engine.ts";
import { measureSpeed } from "./speed.ts";
import { createWebgpuEngine, type DecodeChoices, type WebgpuEngine } from "./webgpu/engine.ts";
import type { DecodeVariant, KernelSet, WeightFormat } from "./webgpu/network.ts";
import { selfTest } from "./webgpu/self-test.ts";

/** What was found out about an adapter on an earlier visit. Neither method fails: what cannot be recalled is found out again. */
export interface Findings {
  recall(adapter: string): Promise<Finding | undefined>;
  remember(adapter: string, finding: Finding): Promise<void>;
}

export interface Finding {
  /** The fast kernels passed the self-test. Kernels that did not are tested again each time: the fault may have been passing. */
  readonly passed?: true;
  /** How much slower the adapter is than the portable engine, in words. */
  readonly slower?: string;
  /** Which way to draw tokens was measured to be quicker, by the policy's shape. */
  readonly decode?: Readonly<Record<string, DecodeVariant>>;
}

export interface Choices {
  /** By name, or what is quickest here. */
  readonly wanted: "auto" | "webgpu";
  readonly gpu: GPU;
  /** @param selfTest for its plan: what the GPU's self-test said. */
  createPortable(selfTest?: string): Promise<Engine>;
  readonly findings?: Findings;
  /** How to draw tokens, if a run that is to go on has a plan that says so; else what is quicker. */
  readonly decode?: DecodeVariant;
  /** How a GPU's kernels store weights: "f32" unless said otherwise. */
  readonly weights?: WeightFormat;
}

export interface Choice {
  readonly engine: Engine;
  /** In one sentence, if it is not a GPU's fast kernels: what is used and why. */
  readonly note?: string;
  /** The GPU is emulated. A person may choose it by name, or leave the choice to the machine again. */
  readonly emulated?: true;
}

/** How long an emulated GPU has to show that it is not slow, compilation included (milliseconds). */
const PATIENCE = 3000;

/**
 * The engine for a machine whose WebGPU is at hand: its fast kernels, if they compute right; else its plain ones; else the portable engine.
 * An adapter that is emulated on the processor is only taken by name, or if it is measured to be quicker than the portable engine.
 * @throws NoHalfError if 16-bit weights are asked for and the adapter has none, EngineError if there is no adapter, or it gives no device.
 */
export async function chooseEngine(choices: Choices): Promise<Choice> {
  const { wanted, gpu, createPortable, findings, decode, weights = "f32" } = choices;
  let known: Finding = {};
  const remember = async (news: Finding) => {
    known = { ...known, ...news };
    await findings?.remember(first.label, known);
  };
  const decodeChoices: DecodeChoices = {
    of: (shape) => known.decode?.[shape],
    found: (shape, way) => void remember({ decode: { ...known.decode, [shape]: way } }),
  };
  const first = await createWebgpuEngine(gpu, { weights, decodeChoices, ...(decode ? { decode } : {}) });
  known = (await findings?.recall(first.label)) ?? {};
  let emulated: Omit<Choice, "engine"> = {};
  if (first.software && wanted === "auto") {
    const portable = await createPortable();
    const slower = known.slower ?? (await slowerThan(portable, first));
    if (slower !== undefined) {
      first.dispose();
      await remember({ slower });
      return { engine: portable, note: `${first.label} ${slower}, which is used instead.`, emulated: true };
    }
    portable.dispose();
    emulated = { note: "This GPU is emulated in software; it was measured to be quicker than the portable engine.", emulated: true };
  } else if (first.software) {
    emulated = {
      note: "This GPU is emulated in software; it was chosen by name, and the portable engine is mostly faster.",
      emulated: true,
    };
  }
  if (known.passed) {
    first.recordSelfTest("passed");
    return { engine: first, ...emulated };
  }

  const faults: string[] = [];
  const found = () => `The self-test found that on ${first.label} ${faults.join(" and ")}`;
  for (const kernels of ["fast", "plain"] as const) {
    const engine = kernels === "fast" ? first : await createWebgpuEngine(gpu, { kernels, weights, decode: "batched" });
    const fault = await faultOf(engine, kernels);
    if (fault !== undefined) {
      faults.push(fault);
      engine.dispose();
    } else if (kernels === "fast") {
      await remember({ passed: true });
      engine.recordSelfTest("passed");
      return { engine, ...emulated };
    } else {
      const note = `${found()}: the plain kernels are used instead, which are right but slower.`;
      engine.recordSelfTest(note);
      return { engine, ...emulated, note };
    }
  }
  const note = `${found()}: the portable engine is used instead.`;
  return { engine: await createPortable(note), note };
}

/** What is wrong with an engine's kernels, as part of a sentence; undefined if nothing is. */
async function faultOf(engine: WebgpuEngine, kernels: KernelSet): Promise<string | undefined> {
  const fault = await selfTest(engine);
  if (!fault) return undefined;
  if ("failed" in fault) return `the ${kernels} kernels fail (${fault.failed.split("\n")[0].replace(/\.$/, "")})`;
  const { what, share } = fault;
  if (!Number.isFinite(share)) return `the ${kernels} kernels' ${what} make no sense`;
  return `the ${kernels} kernels' ${what} are off by ${share < 0.1 ? (100 * share).toPrecision(1) : Math.round(100 * share)} %`;
}

/** How much slower an emulated GPU is than the portable engine, as part of a sentence; undefined if it is not. */
async function slowerThan(portable: Engine, emulated: Engine): Promise<string | undefined> {
  const bound = await measureSpeed(portable);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, PATIENCE, undefined);
  });
  // A measurement that is given up, or fails, ends with the device.
  const time = await Promise.race([measureSpeed(emulated).catch(() => undefined), late]);
  clearTimeout(timer);
  if (time === undefined)
    return `is emulated in software and was not ready to run within ${PATIENCE / 1000} seconds, unlike the portable engine`;
  if (time <= bound) return undefined;
  return `is emulated in software and ${(time / bound).toPrecision(2)} times slower than the portable engine`;
}
