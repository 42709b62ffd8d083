import type { InferenceSession, Tensor } from "onnxruntime-common";
import { EngineError } from "../engine.ts";
import type { DataType } from "./graph.ts";

/** The part of ONNX Runtime that both packages (native and WebAssembly) share. */
export interface OrtModule {
  readonly InferenceSession: { create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession> };
  readonly Tensor: new (type: DataType, data: never, dims: readonly number[]) => Tensor;
}

/** ONNX Runtime as loaded, and how it is to be used. `node.ts` and `browser.ts` make one each. */
export interface Runtime {
  readonly ort: OrtModule;
  /** "onnxruntime-node" or "onnxruntime-web". */
  readonly backend: string;
  readonly threads: number;
}

export type HostArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

export interface Feed {
  readonly type: DataType;
  readonly data: HostArray;
  readonly shape: readonly number[];
}

export const feed = (type: DataType, data: HostArray, shape: readonly number[]): Feed => ({ type, data, shape });

/** The sessions of one engine, made when first needed, by key. Failures count as engine errors. */
export class Sessions {
  readonly runtime: Runtime;
  readonly messages: string[] = [];
  private readonly sessions = new Map<string, Promise<InferenceSession>>();
  private readonly optimization: "basic" | "all";
  private last: Promise<unknown> = Promise.resolve();

  /** @param optimization float64 graphs stay at "basic": a later fusion stores a factor as float32. */
  constructor(runtime: Runtime, optimization: "basic" | "all") {
    this.runtime = runtime;
    this.optimization = optimization;
  }

  /**
   * Runs the model called `key`, built by `model` the first time; returns the named outputs' data. Runs come one after another: the runtime
   * in browsers does not take several at a time.
   */
  run(key: string, model: () => Uint8Array, feeds: Record<string, Feed>, outputs: readonly string[]): Promise<Record<string, HostArray>> {
    const turn = this.last.then(() => this.runNow(key, model, feeds, outputs));
    this.last = turn.catch(() => {});
    return turn;
  }

  private async runNow(
    key: string,
    model: () => Uint8Array,
    feeds: Record<string, Feed>,
    outputs: readonly string[],
  ): Promise<Record<string, HostArray>> {
    const { ort, threads } = this.runtime;
    try {
      let session = this.sessions.get(key);
      if (!session) {
        session = ort.InferenceSession.create(model(), {
          executionProviders: [this.runtime.backend === "onnxruntime-node" ? "cpu" : "wasm"],
          graphOptimizationLevel: this.optimization,
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          enableMemPattern: false,
          logSeverityLevel: 3,
        });
        this.sessions.set(key, session);
        session.catch(() => this.sessions.delete(key));
      }
      const tensors: Record<string, Tensor> = {};
      for (const [name, { type, data, shape }] of Object.entries(feeds)) tensors[name] = new ort.Tensor(type, data as never, shape);
      const results = await (await session).run(tensors, outputs as string[]);
      return Object.fromEntries(outputs.map((name) => [name, results[name].data as HostArray]));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.messages.push(reason);
      throw new EngineError(`the portable engine could not run its ${key.split(" ")[0]} graph: ${reason}`);
    }
  }

  async dispose(): Promise<void> {
    const sessions = [...this.sessions.values()];
    this.sessions.clear();
    // A session that never came to be was reported by the run that asked for it.
    for (const session of await Promise.allSettled(sessions)) if (session.status === "fulfilled") await session.value.release();
  }
}
