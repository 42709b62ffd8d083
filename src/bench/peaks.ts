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

/** Without it, as processors like it: a thread makes 4 rows of 16 columns. */
const DIRECT = (n: number) => /* wgsl */ `
const N = ${n}u;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at: vec3u) {
  let row = at.y * 4u;
  let column = at.x * 4u;
  var s0: array<vec4f, 4>; var s1: array<vec4f, 4>; var s2: array<vec4f, 4>; var s3: array<vec4f, 4>;
  for (var k = 0u; k < N; k++) {
    let from = k * (N / 4u) + column;
    let x0 = a[row * N + k]; let x1 = a[(row + 1u) * N + k]; let x2 = a[(row + 2u) * N + k]; let x3 = a[(row + 3u) * N + k];
    for (var j = 0u; j < 4u; j++) {
      let y = b[from + j];
      s0[j] += x0 * y; s1[j] += x1 * y; s2[j] += x2 * y; s3[j] += x3 * y;
    }
  }
  for (var j = 0u; j < 4u; j++) {
    c[row * (N / 4u) + column + j] = s0[j];
    c[(row + 1u) * (N / 4u) + column + j] = s1[j];
    c[(row + 2u) * (N / 4u) + column + j] = s2[j];
    c[(row + 3u) * (N / 4u) + column + j] = s3[j];
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
 * What the device reaches: the faster of two products of float32 matrices, and a copy. Each is dispatched several times between two fences;
 * the fastest of `repeat` rounds counts.
 */
export async function measurePeaks(device: GPUDevice, software: boolean, repeat: number): Promise<Peaks> {
  const n = software ? 512 : 2048;
  const copied = software ? 2 ** 24 : 2 ** 26;
  const size = Math.max(4 * n * n, copied);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const [a, b, c] = [0, 1, 2].map(() => device.createBuffer({ size, usage }));
  // Ordinary numbers: zeros could be cheaper.
  const numbers = Float32Array.from({ length: n * n }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5);
  device.queue.writeBuffer(a, 0, numbers);
  device.queue.writeBuffer(b, 0, numbers);
  const time = async (code: string, groups: [number, number], repeats: number): Promise<number> => {
    const module = device.createShaderModule({ code });
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
    const buffers = [a, b, c].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const entries = buffers.filter(({ binding }) => code.includes(`@binding(${binding})`));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    let best = Number.POSITIVE_INFINITY;
    for (let round = -1; round < repeat; round++) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < repeats; i++) pass.dispatchWorkgroups(...groups);
      pass.end();
      const started = performance.now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      if (round >= 0) best = Math.min(best, (performance.now() - started) / repeats);
    }
    return best / 1000;
  };
  const matmul = Math.min(await time(TILED(n), [n / 64, n / 64], 4), await time(DIRECT(n), [n / 128, n / 32], 4));
  // Workgroups of 64 threads with 16 bytes each; at most 65,535 along one dimension.
  const copy = await time(COPY, [2 ** 10, copied / (1024 * 2 ** 10)], 4);
  for (const buffer of [a, b, c]) buffer.destroy();
  return { flops: (2 * n ** 3) / matmul, bytes: (2 * copied) / copy };
}
