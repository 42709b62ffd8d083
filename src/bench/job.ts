import type { PolicyConfig, PolicySize } from "../policy/config.ts";
import { POLICY_CONFIGS } from "../policy/config.ts";
import type { Engine } from "../policy/engine.ts";
import { type Comparison, compare, comparisonLines } from "./compare.ts";
import type { Contender } from "./contender.ts";
import { type ApiClasses, ApiCounter } from "./counting.ts";
import { type EngineMeasurement, engineLines, measureEngines } from "./engines.ts";
import { ours } from "./ours.ts";
import { measureRoofline, type Roofline, rooflineLines } from "./roofline.ts";
import type { Part } from "./trials.ts";
import { type BatchShape, NEW_TOKENS, workload } from "./workload.ts";

/** The libraries that our engines can be held against. */
export const RIVALS = ["jax-js", "tfjs", "ort"] as const;
export type Rival = (typeof RIVALS)[number];

/** "webgpu-f16" is the WebGPU engine with weights of 16 bits. */
export type EngineName = "portable" | "webgpu" | "webgpu-f16";

/** What to measure; plain data, so that it can be sent to a browser. */
export interface Job {
  readonly policies: readonly PolicySize[];
  readonly batches: readonly { readonly text: string; readonly shape: BatchShape }[];
  readonly engines: readonly EngineName[];
  readonly repeat: number;
  /** Without rivals, our engines' own parts are measured in place of a comparison. */
  readonly against: readonly Rival[];
  readonly parts: readonly Part[];
  readonly roofline: boolean;
  /** Begin nothing more after so many seconds. */
  readonly budget?: number;
}

export type Case = { readonly policy: string; readonly batch: string } & (
  | { readonly kind: "engines"; readonly results: readonly EngineMeasurement[] }
  | { readonly kind: "comparison"; readonly comparison: Comparison }
  | { readonly kind: "roofline"; readonly roofline: Roofline }
  /** Somebody stopped, or the time was up, before this began. */
  | { readonly kind: "left"; readonly part?: Part }
);

/** Node or a browser: where the job runs. */
export interface Place {
  /** What a person calls it. */
  readonly name: string;
  engine(name: EngineName): Promise<Engine>;
  /** ONNX Runtime as it can be had here. */
  onnxRuntime(): Promise<readonly Contender[]>;
  /** Processor time of this process so far, in milliseconds, where it can be told. */
  readonly processorTime?: () => number;
  /** The WebGPU classes, to count calls on. */
  readonly api: ApiClasses;
}

export interface JobEvents {
  readonly progress: (message: string) => void;
  readonly started: (labels: Readonly<Record<string, string>>) => void;
  readonly done: (result: Case) => void;
  /** True once the person has seen enough. */
  readonly cancelled: () => boolean;
}

async function rivals(names: readonly Rival[], place: Place, progress: (message: string) => void): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const name of names) {
    progress(`loading ${name}`);
    if (name === "jax-js") contenders.push(await (await import("./jax.ts")).jax());
    else if (name === "tfjs") contenders.push(await (await import("./tfjs.ts")).tfjs());
    else contenders.push(...(await place.onnxRuntime()));
  }
  return contenders;
}

/**
 * Does a job, case by case.
 * @throws EngineError if an engine cannot run here, or reported an error: then numbers cannot be trusted.
 */
export async function runJob(job: Job, place: Place, { progress, started, done, cancelled }: JobEvents): Promise<void> {
  const begun = performance.now();
  const enough = () => cancelled() || performance.now() - begun > 1000 * (job.budget ?? Number.POSITIVE_INFINITY);
  const engines = new Map<string, Engine>();
  for (const name of job.engines) engines.set(name, await place.engine(name));
  started(Object.fromEntries([...engines].map(([name, { label }]) => [name, label])));
  const contenders = job.against.length > 0 ? [...engines].map(([name, engine]) => ours(name, engine)) : [];
  contenders.push(...(await rivals(job.against, place, progress)));
  const judge = engines.get("portable") ?? (job.against.length > 0 ? await place.engine("portable") : undefined);

  for (const policy of job.policies) {
    const config: PolicyConfig = POLICY_CONFIGS[policy];
    for (const { text: batch, shape } of job.batches) {
      const options = {
        repeat: job.repeat,
        processorTime: place.processorTime,
        progress: (message: string) => progress(`${policy}, ${batch}: ${message}`),
        cancelled: enough,
      };
      if (job.roofline) {
        const gpus = job.engines.filter((name) => name !== "portable");
        for (const name of gpus.length > 0 ? gpus : (["webgpu"] as const)) {
          if (enough()) done({ kind: "left", policy, batch });
          else {
            const roofline = await measureRoofline(() => place.engine(name), workload(config, shape), options);
            done({ kind: "roofline", policy, batch, roofline });
          }
        }
      }
      if (job.against.length > 0) {
        const work = workload(config, shape);
        const counter = new ApiCounter(place.api);
        try {
          for (const part of job.parts) {
            if (enough()) done({ kind: "left", policy, batch, part });
            else
              done({
                kind: "comparison",
                policy,
                batch,
                comparison: await compare(part, work, judge!, contenders, { ...options, counter }),
              });
          }
        } finally {
          counter.restore();
        }
      } else if (!job.roofline) {
        if (enough()) done({ kind: "left", policy, batch });
        else done({ kind: "engines", policy, batch, results: await measureEngines(engines, config, shape, job.repeat, options) });
      }
    }
  }
  for (const engine of [...engines.values(), ...(judge ? [judge] : [])]) {
    if (engine.errorCount() === 0) continue;
    const { EngineError } = await import("../policy/engine.ts");
    throw new EngineError(`the GPU reported ${engine.errorCount()} errors, first: ${engine.errorMessages()[0]?.split("\n")[0]}`);
  }
}

/** A case as lines for a person. */
export function caseLines(result: Case): string[] {
  const { kind, policy, batch } = result;
  const title = `${policy}, ${batch} rollouts of ${kind === "engines" ? "at most " : ""}${NEW_TOKENS} tokens`;
  if (kind === "left") return [`${title}${result.part ? `, ${result.part}` : ""}: stopped before it began`];
  if (kind === "engines") return [title, ...engineLines(result.results)];
  if (kind === "comparison") return [title, ...comparisonLines(result.comparison)];
  return [title, ...rooflineLines(result.roofline)];
}
