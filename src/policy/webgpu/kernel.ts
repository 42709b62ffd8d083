import { type Data, type EngineBuffer, EngineError, type Kernel } from "../engine.ts";
import { GpuBuffer, storageOf } from "./buffer.ts";
import type { DeviceBuffer } from "./device.ts";
import { type Program, program, type Recorder } from "./recorder.ts";

const programs = new WeakMap<Kernel, Program>();

/** The kernel's WGSL, checked against its declaration once. */
function programOf(kernel: Kernel): Program {
  const known = programs.get(kernel);
  if (known) return known;
  const made = program(kernel.name, kernel.wgsl);
  const declared = [...kernel.inputs.map((b) => `read ${b.name}`), ...kernel.outputs.map((b) => `write ${b.name}`)].join(", ");
  const written = made.bindings.map((b) => `${b.writable ? "write" : "read"} ${b.name}`).join(", ");
  if (declared !== written) throw new EngineError(`The kernel ${kernel.name} declares bindings ${declared}, its WGSL has ${written}.`);
  const fields = (params: readonly { name: string; type: string }[]) => params.map((p) => `${p.name}: ${p.type}`).join(", ");
  if (fields(kernel.params) !== fields(made.params)) {
    throw new EngineError(`The kernel ${kernel.name} declares parameters ${fields(kernel.params)}, its WGSL has ${fields(made.params)}.`);
  }
  programs.set(kernel, made);
  return made;
}

/**
 * Runs one of the algorithm's kernels. Inputs may be host arrays or results that are still on the device; outputs stay there.
 * @throws EngineError if the kernel's declaration does not match its WGSL, or an input is missing.
 */
export async function runKernel(
  recorder: Recorder,
  kernel: Kernel,
  buffers: Record<string, Data>,
  params: Record<string, number>,
): Promise<Record<string, EngineBuffer>> {
  const made = programOf(kernel);
  const { device } = recorder;
  await recorder.prepare([made]);
  const sizes: Record<string, number> = {};
  for (const { name } of kernel.inputs) {
    const data = buffers[name];
    if (!data) throw new EngineError(`The kernel ${kernel.name} got no input ${name}.`);
    sizes[name] = data.length;
  }
  const outputs: Record<string, GpuBuffer> = {};
  recorder.record(() => {
    const temporary: DeviceBuffer[] = [];
    const bindings: Record<string, { buffer: DeviceBuffer; length: number }> = {};
    for (const { name } of kernel.inputs)
      bindings[name] = { buffer: storageOf(recorder, buffers[name], name, temporary), length: sizes[name] };
    for (const { name, length } of kernel.outputs) {
      const count = length(sizes, params);
      const storage = device.acquire(4 * count);
      bindings[name] = { buffer: storage, length: count };
      outputs[name] = new GpuBuffer(recorder, storage, count);
    }
    recorder.dispatch(made, bindings, params, kernel.workgroups(sizes, params));
    device.release(...temporary);
  });
  await device.settle();
  return outputs;
}
