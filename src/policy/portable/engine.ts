import { type PolicyConfig, parameterCount, validateConfig } from "../config.ts";
import type { Data, Engine, Kernel, Policy } from "../engine.ts";
import { PortableBuffer } from "./buffer.ts";
import type { Precision } from "./network.ts";
import { PortablePolicy } from "./policy.ts";
import { type Runtime, Sessions } from "./runtime.ts";

async function onHost(data: Data): Promise<ArrayLike<number>> {
  if (ArrayBuffer.isView(data)) return data;
  if (!("of" in data)) return data.read();
  const values = await data.of.read();
  const picked = new Float32Array(data.length);
  let at = 0;
  for (const { from, length } of data.stretches) {
    picked.set(values.subarray(from, from + length), at);
    at += length;
  }
  return picked;
}

export interface PortableOptions {
  /** Threads inside an operator. */
  readonly threads?: number;
  /** "float64" makes the reference that other engines are held against. Default "float32". */
  readonly precision?: Precision;
  /** What a GPU's self-test said, where this engine runs because of it. */
  readonly selfTest?: string;
}

/** The engine over a loaded ONNX Runtime; `node.ts` and `browser.ts` load one. */
export function portableEngine(runtime: Runtime, options: PortableOptions): Engine {
  const precision = options.precision ?? "float32";
  const sessions = new Sessions(runtime, precision === "float32" ? "all" : "basic");
  const threads = `${runtime.threads} ${runtime.threads === 1 ? "thread" : "threads"}`;
  return {
    kind: "portable",
    label: `portable (${threads}${precision === "float64" ? ", float64" : ""})`,
    plan: { backend: runtime.backend, threads: runtime.threads, precision, ...(options.selfTest ? { selfTest: options.selfTest } : {}) },
    async load(config: PolicyConfig, theta: Float32Array): Promise<Policy> {
      validateConfig(config);
      const expected = parameterCount(config);
      if (theta.length !== expected) throw new RangeError(`a policy of this shape has ${expected} parameters, got ${theta.length}`);
      return PortablePolicy.create(sessions, config, precision, theta);
    },
    async runKernel(kernel: Kernel, buffers: Record<string, Data>, params: Record<string, number>) {
      const inputs: Record<string, ArrayLike<number>> = {};
      for (const { name } of kernel.inputs) {
        const data = buffers[name];
        if (!data) throw new RangeError(`kernel ${kernel.name} needs the buffer ${name}`);
        inputs[name] = await onHost(data);
      }
      const outputs = kernel.twin(inputs, params);
      return Object.fromEntries(kernel.outputs.map(({ name }) => [name, new PortableBuffer(outputs[name].length, () => outputs[name])]));
    },
    // Every call computes before it returns, or when a result is read.
    async start() {},
    lost: new Promise(() => {}),
    errorCount: () => sessions.messages.length,
    errorMessages: () => sessions.messages,
    dispose() {
      void sessions.dispose();
    },
  };
}
