import { type Choice, chooseEngine, type Findings } from "../policy/choose.ts";
import { type Engine, EngineError } from "../policy/engine.ts";
import { NoHalfError } from "../policy/webgpu/device.ts";
import type { WeightFormat } from "../policy/webgpu/network.ts";
import type { EngineStatus, Wanted } from "./protocol.ts";

/** What a worker has for engines to run on. */
export interface Hardware {
  /** Browsers hide the GPU from pages that did not come over https or from localhost. */
  readonly isSecureContext: boolean;
  readonly gpu: GPU | undefined;
  /** @param selfTest what the GPU's self-test said, for the engine's plan. */
  createPortable(selfTest?: string): Promise<Engine>;
  /** What earlier visits found out about GPUs. */
  readonly findings?: Findings;
}

/**
 * The engine that was asked for, or the one that serves best here, with a note in one sentence unless that is the GPU as it should be: what is
 * used instead, why, and what to do.
 * @param refusal what the GPU failed with before, if it is to be left alone now.
 * @throws EngineError if no engine can run at all.
 */
export async function openEngine(wanted: Wanted, hardware: Hardware, refusal?: string): Promise<{ engine: Engine; status: EngineStatus }> {
  let note = refusal === undefined ? whyNoGpu(wanted, hardware) : `The GPU is not used: ${refusal}`;
  if (note === undefined) {
    try {
      const createPortable = (selfTest?: string) => hardware.createPortable(selfTest);
      const choose = (asked: "auto" | "webgpu", weights: WeightFormat = "f32") =>
        chooseEngine({ wanted: asked, weights, gpu: hardware.gpu!, createPortable, findings: hardware.findings });
      if (wanted !== "webgpu-f16") return opened(await choose(wanted === "webgpu" ? wanted : "auto"));
      try {
        return opened(await choose("webgpu", "f16"));
      } catch (error) {
        if (!(error instanceof NoHalfError)) throw error;
        return opened(await choose("auto"), error.message);
      }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      note = `The GPU is not used: ${error.message}`;
    }
  }
  const engine = await hardware.createPortable();
  return { engine, status: { kind: "portable", label: engine.label, note } };
}

function opened({ engine, note, ...why }: Choice, refused?: string): { engine: Engine; status: EngineStatus } {
  const notes = [refused, note].filter((one) => one !== undefined);
  const half = engine.plan.weights === "f16" ? { half: true as const } : {};
  return {
    engine,
    status: { kind: engine.kind, label: engine.label, ...why, ...half, ...(notes.length > 0 ? { note: notes.join(" ") } : {}) },
  };
}

function whyNoGpu(wanted: Wanted, { isSecureContext, gpu }: Hardware): string | undefined {
  if (wanted === "portable") return "The GPU is switched off by this page's address (engine=portable).";
  if (!isSecureContext) {
    return "The GPU is not used, because browsers hide it from pages opened over plain http: open this page over https or on localhost (npm start -- --lan serves https).";
  }
  if (!gpu) return "The GPU is not used, because this browser has no WebGPU: open this page in a recent Chrome, Edge, Firefox or Safari.";
  return undefined;
}
