import { EngineError } from "../engine.ts";
import type { Device, DeviceBuffer, Range } from "./device.ts";

/** A kernel as its WGSL file declares it: the file is the only place where bindings and parameters are written down. */
export interface Program {
  readonly name: string;
  /** WGSL, already specialised. */
  readonly source: string;
  /** Storage bindings 1, 2, … in order. */
  readonly bindings: readonly { readonly name: string; readonly writable: boolean }[];
  /** Fields of the uniform at binding 0, in order, four bytes each. */
  readonly params: readonly { readonly name: string; readonly type: "u32" | "i32" | "f32" }[];
}

/**
 * Reads a kernel's bindings and parameters out of its WGSL and sets its module constants.
 * `constants` replaces the value of `const NAME = …;` (or `const NAME: type = …;`, or `alias NAME = …;`); one that is f16 enables 16-bit numbers.
 * @throws EngineError if a constant is not declared there.
 */
export function program(
  name: string,
  sources: string | readonly string[],
  constants: Record<string, number | boolean | string> = {},
): Program {
  let source = typeof sources === "string" ? sources : sources.join("\n");
  for (const [key, value] of Object.entries(constants)) {
    const declaration = new RegExp(`^((?:const|alias) ${key}(?:: \\w+)? = )[^;]+;`, "m");
    if (!declaration.test(source)) throw new EngineError(`The kernel ${name} declares no constant ${key}.`);
    source = source.replace(declaration, `$1${value};`);
  }
  if (Object.values(constants).includes("f16")) source = `enable f16;\n${source}`;
  const bindings: { name: string; writable: boolean }[] = [];
  for (const [, index, access, variable] of source.matchAll(/@group\(0\) @binding\((\d+)\) var<storage, (read|read_write)> (\w+)/g)) {
    bindings[Number(index) - 1] = { name: variable, writable: access === "read_write" };
  }
  const struct = /struct Params \{([^}]*)\}/.exec(source)?.[1] ?? "";
  const params = [...struct.replace(/\/\/.*$/gm, "").matchAll(/(\w+): (u32|i32|f32)/g)].map(([, field, type]) => ({
    name: field,
    type: type as "u32" | "i32" | "f32",
  }));
  return { name, source, bindings, params };
}

interface Compiled {
  readonly program: Program;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly id: number;
}

/** What a dispatch binds: a whole buffer, or its first `length` elements. */
export type Binding = DeviceBuffer | { readonly buffer: DeviceBuffer; readonly length: number };

type RecordedCommand =
  | {
      readonly kind: "dispatch";
      readonly pipeline: GPUComputePipeline;
      readonly group: GPUBindGroup;
      readonly uniforms: readonly number[];
      readonly workgroups: readonly [number, number, number];
    }
  | {
      readonly kind: "copy";
      readonly source: GPUBuffer;
      readonly from: number;
      readonly target: GPUBuffer;
      readonly to: number;
      readonly bytes: number;
    }
  | { readonly kind: "clear"; readonly target: GPUBuffer; readonly bytes: number };

const SLOT = 256;
const SLOTS = 4096;
/** Calls that together recorded so many dispatches, or floating-point operations, are submitted without waiting for more. */
const ENOUGH = 2048;
/** A second of the slowest GPUs at hand: what keeps one of them busy for long should not be a single submit. */
const ENOUGH_WORK = 50e9;

/**
 * Compiles kernels and records what the device is to do. Nothing is submitted until somebody reads a result, or says `submit`: what
 * several calls recorded until then shares one command encoder and one compute pass, and results travel in the same submit. Uniforms lie
 * in one arena that is uploaded once a submit; bind groups are cached by the buffers they bind.
 *
 * Recording is synchronous: prepare programs first, then record within `record`, without awaiting in between, so that calls never
 * interleave, and one that fails half-way leaves nothing behind.
 */
export class Recorder {
  readonly device: Device;
  private readonly compiled = new Map<string, Promise<Compiled>>();
  private readonly ready = new Map<string, Compiled>();
  private readonly layouts = new Map<string, { layout: GPUBindGroupLayout; pipelineLayout: GPUPipelineLayout; id: number }>();
  private readonly bindGroups = new Map<string, GPUBindGroup>();
  private readonly arena: GPUBuffer;
  private readonly host = new ArrayBuffer(SLOT * SLOTS);
  private readonly hostU32 = new Uint32Array(this.host);
  private readonly hostI32 = new Int32Array(this.host);
  private readonly hostF32 = new Float32Array(this.host);
  private slots = 0;
  private operations = 0;
  private sent = 0;
  private commands: RecordedCommand[] = [];
  private reads: { range: Range; done: (data: ArrayBuffer) => void; fail: (error: unknown) => void }[] = [];

  constructor(device: Device) {
    this.device = device;
    this.arena = device.gpu.createBuffer({ size: SLOT * SLOTS, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    device.onDestroy = () => this.bindGroups.clear();
    device.recorder = this;
  }

  /**
   * Compiles programs that are not compiled yet, side by side.
   * @throws EngineError with the compiler's first message.
   */
  async prepare(programs: readonly Program[]): Promise<void> {
    await Promise.all(
      programs.map((p) => {
        let promise = this.compiled.get(p.source);
        if (!promise) {
          promise = this.compile(p);
          this.compiled.set(p.source, promise);
        }
        return promise;
      }),
    );
  }

  private async compile(p: Program): Promise<Compiled> {
    const { gpu } = this.device;
    this.device.checkAlive();
    const fail = (message: string): never => {
      this.device.fault(message);
      throw new EngineError(message);
    };
    if (p.bindings.length > gpu.limits.maxStorageBuffersPerShaderStage) fail(`The kernel ${p.name} binds too many buffers.`);
    gpu.pushErrorScope("validation");
    const module = gpu.createShaderModule({ label: p.name, code: p.source });
    const scope = gpu.popErrorScope();
    const info = await module.getCompilationInfo();
    const message = info.messages.find((m) => m.type === "error");
    if (message) fail(`The kernel ${p.name} does not compile: ${message.message} (line ${message.lineNum})`);
    const invalid = await scope;
    if (invalid) fail(`The kernel ${p.name} is not valid: ${invalid.message}`);
    const signature = p.bindings.map((b) => (b.writable ? "w" : "r")).join("") + (p.params.length > 0 ? "u" : "");
    const { layout, pipelineLayout, id } = this.layout(signature);
    try {
      const pipeline = await gpu.createComputePipelineAsync({
        label: p.name,
        layout: pipelineLayout,
        compute: { module, entryPoint: "main" },
      });
      const compiled = { program: p, pipeline, layout, id };
      this.ready.set(p.source, compiled);
      return compiled;
    } catch (error) {
      return fail(`The kernel ${p.name} cannot run here: ${(error as Error).message}`);
    }
  }

  private layout(signature: string) {
    const known = this.layouts.get(signature);
    if (known) return known;
    const { gpu } = this.device;
    const entries: GPUBindGroupLayoutEntry[] = [];
    for (const [i, kind] of [...signature].entries()) {
      if (kind === "u")
        entries.push({ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true } });
      else {
        const type = kind === "w" ? "storage" : "read-only-storage";
        entries.push({ binding: i + 1, visibility: GPUShaderStage.COMPUTE, buffer: { type } });
      }
    }
    const layout = gpu.createBindGroupLayout({ entries });
    const made = { layout, pipelineLayout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }), id: this.layouts.size };
    this.layouts.set(signature, made);
    return made;
  }

  /** Whether recorded work waits to be submitted. */
  waiting(): boolean {
    return this.commands.length > 0;
  }

  /** Records all of `work`, or nothing if it throws. */
  record<T>(work: () => T): T {
    const { slots, sent } = this;
    const commands = this.commands.length;
    try {
      const result = work();
      if (this.slots >= ENOUGH || this.operations >= ENOUGH_WORK) this.submit();
      return result;
    } catch (error) {
      const whole = this.sent === sent;
      this.commands.length = whole ? commands : 0;
      this.slots = whole ? slots : 0;
      if (!whole) this.device.fault(`Work of the GPU broke off half-way: ${(error as Error).message}`);
      throw error;
    }
  }

  /** Says that what is being recorded takes about so many floating-point operations. */
  weigh(operations: number): void {
    this.operations += operations;
  }

  /**
   * Records one dispatch. `groups` is the number of workgroups; a zero anywhere records nothing.
   * @throws EngineError if the program was not prepared, or a binding or parameter is missing.
   */
  dispatch(p: Program, buffers: Record<string, Binding>, params: Record<string, number>, groups: readonly number[]): void {
    const [x, y = 1, z = 1] = groups;
    if (x * y * z === 0) return;
    const compiled = this.ready.get(p.source);
    if (!compiled) throw new EngineError(`The kernel ${p.name} was used before it was compiled.`);
    if (this.slots === SLOTS) this.submit();
    const offset = this.slots * SLOT;
    compiled.program.params.forEach(({ name, type }, i) => {
      const value = params[name];
      if (value === undefined) throw new EngineError(`The kernel ${p.name} got no parameter ${name}.`);
      const at = offset / 4 + i;
      if (type === "f32") this.hostF32[at] = value;
      else if (type === "i32") this.hostI32[at] = value;
      else this.hostU32[at] = value;
    });
    const group = this.bindGroup(compiled, buffers);
    const uniforms = compiled.program.params.length > 0 ? [offset] : [];
    this.commands.push({ kind: "dispatch", pipeline: compiled.pipeline, group, uniforms, workgroups: [x, y, z] });
    this.slots += uniforms.length;
  }

  private bindGroup(compiled: Compiled, buffers: Record<string, Binding>): GPUBindGroup {
    let key = `${compiled.id}`;
    const resources = compiled.program.bindings.map(({ name }) => {
      const binding = buffers[name];
      if (!binding) throw new EngineError(`The kernel ${compiled.program.name} got no buffer ${name}.`);
      const whole = "id" in binding;
      const b = whole ? binding : binding.buffer;
      const size = whole ? b.bytes : Math.max(4, binding.length * 4);
      key += `,${b.id}:${size}`;
      return { buffer: b.buffer, size };
    });
    const known = this.bindGroups.get(key);
    if (known) return known;
    const entries: GPUBindGroupEntry[] = resources.map((resource, i) => ({ binding: i + 1, resource }));
    if (compiled.program.params.length > 0) entries.push({ binding: 0, resource: { buffer: this.arena, size: SLOT } });
    const group = this.device.gpu.createBindGroup({ layout: compiled.layout, entries });
    if (this.bindGroups.size >= 4096) this.bindGroups.clear();
    this.bindGroups.set(key, group);
    return group;
  }

  /** Records a copy of `bytes` (a multiple of 4) between buffers. */
  copy(source: DeviceBuffer, target: DeviceBuffer, bytes: number, sourceOffset = 0, targetOffset = 0): void {
    if (bytes === 0) return;
    this.commands.push({ kind: "copy", source: source.buffer, from: sourceOffset, target: target.buffer, to: targetOffset, bytes });
  }

  /** Records zeroing a buffer's first `bytes` (a multiple of 4). */
  clear(target: DeviceBuffer, bytes: number): void {
    if (bytes > 0) this.commands.push({ kind: "clear", target: target.buffer, bytes });
  }

  /** Sends what was recorded to the device. */
  submit(): void {
    if (this.waiting()) this.send([]);
  }

  /** Sends what was recorded, and copies ranges out after it in the same submit. */
  submitAndRead(ranges: readonly Range[]): Promise<ArrayBuffer[]> {
    return this.send(ranges)();
  }

  /** Copies device data out, after all that is recorded. Reads asked for in the same turn share one submit and one map. */
  read(range: Range): Promise<ArrayBuffer> {
    this.device.checkAlive();
    if (range.bytes === 0) return Promise.resolve(new ArrayBuffer(0));
    return new Promise((done, fail) => {
      this.reads.push({ range, done, fail });
      if (this.reads.length === 1) queueMicrotask(() => this.flushReads());
    });
  }

  private async flushReads(): Promise<void> {
    const reads = this.reads;
    this.reads = [];
    try {
      const copies = await this.submitAndRead(reads.map((r) => r.range));
      reads.forEach((r, i) => {
        r.done(copies[i]);
      });
    } catch (error) {
      for (const r of reads) r.fail(error);
    }
  }

  /** Encodes and submits everything at once; what it returns brings the ranges. */
  private send(ranges: readonly Range[]): () => Promise<ArrayBuffer[]> {
    const { device, commands, slots } = this;
    this.commands = [];
    this.slots = 0;
    this.operations = 0;
    this.sent++;
    try {
      device.checkAlive();
      const encoder = device.gpu.createCommandEncoder();
      let pass: GPUComputePassEncoder | undefined;
      for (const command of commands) {
        if (command.kind === "dispatch") {
          pass ??= encoder.beginComputePass();
          pass.setPipeline(command.pipeline);
          pass.setBindGroup(0, command.group, command.uniforms);
          pass.dispatchWorkgroups(...command.workgroups);
          device.counters.dispatches++;
          continue;
        }
        pass?.end();
        pass = undefined;
        if (command.kind === "clear") encoder.clearBuffer(command.target, 0, command.bytes);
        else encoder.copyBufferToBuffer(command.source, command.from, command.target, command.to, command.bytes);
      }
      pass?.end();
      const collect = ranges.length > 0 ? device.stage(encoder, ranges) : async () => [];
      if (slots > 0) {
        device.gpu.queue.writeBuffer(this.arena, 0, this.host, 0, slots * SLOT);
        device.counters.bytesUploaded += slots * SLOT;
      }
      device.submit(encoder);
      return collect;
    } finally {
      device.submitted();
    }
  }
}

/** Workgroups along x and y for `count` of them: WebGPU allows 65,535 along one dimension. A kernel numbers them `y·x_count + x`. */
export function grid(count: number): [number, number] {
  if (count <= 65535) return [count, 1];
  const y = Math.ceil(count / 65535);
  return [Math.ceil(count / y), y];
}
