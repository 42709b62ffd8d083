import { type Engine, EngineError } from "../policy/engine.ts";
import { createWebgpuEngine } from "../policy/webgpu/engine.ts";
import type { EngineStatus } from "./protocol.ts";

/** What a worker has for engines to run on. */
export interface Hardware {
  /** Browsers hide the GPU from pages that did not come over https or from localhost. */
  readonly isSecureContext: boolean;
  readonly gpu: GPU | undefined;
  createPortable(): Promise<Engine>;
}

/**
 * The engine that was asked for, or else the portable one with a note: why the GPU is not used and what to do, in one sentence.
 * @param refusal what the GPU failed with before, if it is to be left alone now.
 * @throws EngineError if no engine can run at all.
 */
export async function openEngine(
  wanted: "auto" | "portable" | "webgpu",
  hardware: Hardware,
  refusal?: string,
): Promise<{ engine: Engine; status: EngineStatus }> {
  let note = refusal === undefined ? whyNoGpu(wanted, hardware) : `The GPU is not used: ${refusal}`;
  if (note === undefined) {
    try {
      const engine = await createWebgpuEngine(hardware.gpu!);
      const slow = engine.software
        ? { note: "This GPU is emulated in software; add ?engine=portable to the address for the faster portable engine." }
        : {};
      return { engine, status: { kind: "webgpu", label: engine.label, ...slow } };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      note = `The GPU is not used: ${error.message}`;
    }
  }
  const engine = await hardware.createPortable();
  return { engine, status: { kind: "portable", label: engine.label, note } };
}

function whyNoGpu(wanted: "auto" | "portable" | "webgpu", { isSecureContext, gpu }: Hardware): string | undefined {
  if (wanted === "portable") return "The GPU is switched off by this page's address (engine=portable).";
  if (!isSecureContext) {
    return "The GPU is not used, because browsers hide it from pages opened over plain http: open this page over https or on localhost (npm start -- --lan serves https).";
  }
  if (!gpu) return "The GPU is not used, because this browser has no WebGPU: open this page in a recent Chrome, Edge, Firefox or Safari.";
  return undefined;
}
