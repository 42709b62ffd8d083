// dW = Σ_t dy_tᵀ·x_t over one slice of the tokens, without workgroup memory, for adapters that run on a processor.
// Included by weight_gradients.wgsl. A job is THREADS tiles of 8×8 elements, one an invocation.

const THREADS = 64u;
// Columns of a norm in a job.
const NORM_COLUMNS = 64u;

fn sumOfColumn(local: u32, value: f32) -> f32 {
  return value;
}

fn weightProduct(local: u32, p: WeightProduct) {
  let across = (p.inputs + 7u) / 8u;
  let tile = p.tile + local;
  let m = tile / across * 8u;
  let n = tile % across * 8u;
  if (m >= p.outputs) {
    return;
  }
  // Beyond the edge the last row or column is read again; what comes of it is not stored.
  let rows0 = min(m + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.outputs - 1u)) + p.dy;
  let rows1 = min(m + vec4<u32>(4u, 5u, 6u, 7u), vec4<u32>(p.outputs - 1u)) + p.dy;
  let columns0 = min(n + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.inputs - 1u)) + p.x;
  let columns1 = min(n + vec4<u32>(4u, 5u, 6u, 7u), vec4<u32>(p.inputs - 1u)) + p.x;
  var sum00 = mat4x4<f32>();
  var sum01 = mat4x4<f32>();
  var sum10 = mat4x4<f32>();
  var sum11 = mat4x4<f32>();
  for (var t = p.first; t < p.last; t++) {
    let i = t * p.outputs;
    let j = t * p.inputs;
    let a0 = vec4<f32>(work[rows0.x + i], work[rows0.y + i], work[rows0.z + i], work[rows0.w + i]);
    let a1 = vec4<f32>(work[rows1.x + i], work[rows1.y + i], work[rows1.z + i], work[rows1.w + i]);
    let b0 = vec4<f32>(acts[columns0.x + j], acts[columns0.y + j], acts[columns0.z + j], acts[columns0.w + j]);
    let b1 = vec4<f32>(acts[columns1.x + j], acts[columns1.y + j], acts[columns1.z + j], acts[columns1.w + j]);
    sum00 += mat4x4<f32>(a0.x * b0, a0.y * b0, a0.z * b0, a0.w * b0);
    sum01 += mat4x4<f32>(a0.x * b1, a0.y * b1, a0.z * b1, a0.w * b1);
    sum10 += mat4x4<f32>(a1.x * b0, a1.y * b0, a1.z * b0, a1.w * b0);
    sum11 += mat4x4<f32>(a1.x * b1, a1.y * b1, a1.z * b1, a1.w * b1);
  }
  store(p, m, n, sum00);
  store(p, m, n + 4u, sum01);
  store(p, m + 4u, n, sum10);
  store(p, m + 4u, n + 4u, sum11);
}

fn store(p: WeightProduct, m0: u32, n0: u32, block: mat4x4<f32>) {
  var rows = block;
  for (var i = 0u; i < min(4u, max(p.outputs, m0) - m0); i++) {
    for (var j = 0u; j < min(4u, max(p.inputs, n0) - n0); j++) {
      putElement(p, m0 + i, n0 + j, rows[i][j]);
    }
  }
}
