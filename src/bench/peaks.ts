import type { Peaks } from "./costs.ts";

/** Through workgroup memory: a workgroup makes a tile of 64×64, a thread 4×4 of it. */
const TILED = (n: number) => /* wgsl */ `
const N = ${n}u;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
var<workgroup> tileA: array<array<f32, 64>, 16>;
var<workgroup> tileB: array<array<f32, 64>, 16>;
@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u, @builtin(local_invocation_index) index: u32) {
  var sum: array<vec4f, 4>;
  for (var k = 0u; k < N; k += 16u) {
    for (var i = index; i < 1024u; i += 256u) {
      tileA[i % 16u][i / 16u] = a[(group.y * 64u + i / 16u) * N + k + i % 16u];
      tileB[i / 64u][i % 64u] = b[(k + i / 64u) * N + group.x * 64u + i % 64u];
    }
    workgroupBarrier();
    for (var j = 0u; j < 16u; j++) {
      let x = thread.x * 4u;
      let right = vec4f(tileB[j][x], tileB[j][x + 1u], tileB[j][x + 2u], tileB[j][x + 3u]);
      for (var i = 0u; i < 4u; i++) { sum[i] += tileA[j][thread.y * 4u + i] * right; }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) { c[(group.y * 64u + thread.y * 4u + i) * N + group.x * 64u + thread.x * 4u + j] = sum[i][j]; }
  }
}`;

/** Without it, as processors like it: a thread makes a tile of 8×8. */
const DIRECT = (n: number) => /* wgsl */ `
const N = ${n}u;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at: vec3u) {
  let row = at.y * 8u;
  let column = at.x * 2u;
  var s00 = mat4x4f(); var s01 = mat4x4f(); var s10 = mat4x4f(); var s11 = mat4x4f();
  for (var k = 0u; k < N; k++) {
    let place = row * N + k;
    let x0 = vec4f(a[place], a[place + N], a[place + 2u * N], a[place + 3u * N]);
    let x1 = vec4f(a[place + 4u * N], a[place + 5u * N], a[place + 6u * N], a[place + 7u * N]);
    let y0 = b[k * (N / 4u) + column];
    let y1 = b[k * (N / 4u) + column + 1u];
    s00 += mat4x4f(x0.x * y0, x0.y * y0, x0.z * y0, x0.w * y0);
    s01 += mat4x4f(x0.x * y1, x0.y * y1, x0.z * y1, x0.w * y1);
    s10 += mat4x4f(x1.x * y0, x1.y * y0, x1.z * y0, x1.w * y0);
    s11 += mat4x4f(x1.x * y1, x1.y * y1, x1.z * y1, x1.w * y1);
  }
  for (var i = 0u; i < 4u; i++) {
    c[(row + i) * (N / 4u) + column] = s00[i];
    c[(row + i) * (N / 4u) + column + 1u] = s01[i];
    c[(row + 4u + i) * (N / 4u) + column] = s10[i];
    c[(row + 4u + i) * (N / 4u) + column + 1u] = s11[i];
  }
}`;

const COPY = /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = at.y * groups.x * 64u + at.x;
  c[i] = a[i];
}`;

/**
 * Measures what the device reaches: the faster of two products of float32 matrices, and a copy. Each is dispatched several times between two
 * fences. Measure again beside whatever is held against it: a busy machine slows both.
 */
export interface PeakMeter {
  measure(): Promise<Peaks>;
  dispose(): void;
}

/** @param n Rows and columns of the matrices, a multiple of 64. */
export async function peakMeter(device: GPUDevice, software: boolean, n = software ? 512 : 2048): Promise<PeakMeter> {
  const DISPATCHES = 4;
  const copied = software ? 2 ** 24 : 2 ** 26;
  const size = Math.max(4 * n * n, copied);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const buffers = [0, 1, 2].map((binding) => ({ binding, resource: { buffer: device.createBuffer({ size, usage }) } }));
  // Ordinary numbers: zeros could be cheaper.
  const numbers = Float32Array.from({ length: n * n }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5);
  for (const { resource } of buffers.slice(0, 2)) device.queue.writeBuffer(resource.buffer, 0, numbers);

  /** Compiles a kernel, runs it once, and returns how to time it: seconds a dispatch. */
  const timer = async (code: string, groups: [number, number]): Promise<() => Promise<number>> => {
    const module = device.createShaderModule({ code });
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
    const entries = buffers.filter(({ binding }) => code.includes(`@binding(${binding})`));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const time = async () => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < DISPATCHES; i++) pass.dispatchWorkgroups(...groups);
      pass.end();
      const started = performance.now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      return (performance.now() - started) / DISPATCHES / 1000;
    };
    await time();
    return time;
  };
  const tiled = await timer(TILED(n), [n / 64, n / 64]);
  const direct = await timer(DIRECT(n), [n / 64, n / 64]);
  // Workgroups of 64 threads with 16 bytes each; at most 65,535 along one dimension.
  const copy = await timer(COPY, [2 ** 10, copied / (1024 * 2 ** 10)]);
  return {
    async measure() {
      const product = Math.min(await tiled(), await direct());
      return { flops: (2 * n ** 3) / product, bytes: (2 * copied) / (await copy()) };
    },
    dispose() {
      for (const { resource } of buffers) resource.buffer.destroy();
    },
  };
}
