// dW = Σ_t dy_tᵀ·x_t over one slice of the tokens, without workgroup memory, for adapters that run on a processor.
// Included by weight_gradients.wgsl, together with share.wgsl. A job is a tile of 16×32 elements; an invocation makes four of its columns.

const THREADS = 8u;
// Columns of a norm in a job.
const NORM_COLUMNS = 8u;

fn sumOfColumn(local: u32, value: f32) -> f32 {
  return value;
}

fn outerProduct(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn weightProduct(local: u32, p: WeightProduct) {
  findSharer();
  let across = (p.inputs + 31u) / 32u;
  let m = p.tile / across * 16u;
  let n = p.tile % across * 32u + local * 4u;
  // Beyond the edge the last row or column is read again; what comes of it is not stored.
  let rows0 = p.dy + sharedColumns(m, p.outputs);
  let rows1 = p.dy + sharedColumns(m + 8u, p.outputs);
  let columns = p.x + min(n + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.inputs - 1u));
  var sum0 = mat4x4<f32>();
  var sum1 = mat4x4<f32>();
  var sum2 = mat4x4<f32>();
  var sum3 = mat4x4<f32>();
  for (var t = p.first; t < p.last; t++) {
    let i = t * p.outputs;
    let j = t * p.inputs;
    let a0 = share(work[rows0.x + i], work[rows0.y + i]);
    let a1 = share(work[rows1.x + i], work[rows1.y + i]);
    let b = vec4<f32>(acts[columns.x + j], acts[columns.y + j], acts[columns.z + j], acts[columns.w + j]);
    sum0 += outerProduct(a0[0], b);
    sum1 += outerProduct(a0[1], b);
    sum2 += outerProduct(a1[0], b);
    sum3 += outerProduct(a1[1], b);
  }
  store(p, m, n, sum0);
  store(p, m + 4u, n, sum1);
  store(p, m + 8u, n, sum2);
  store(p, m + 12u, n, sum3);
}

fn store(p: WeightProduct, m0: u32, n0: u32, block: mat4x4<f32>) {
  var rows = block;
  for (var i = 0u; i < min(4u, max(p.outputs, m0) - m0); i++) {
    for (var j = 0u; j < min(4u, max(p.inputs, n0) - n0); j++) {
      putElement(p, m0 + i, n0 + j, rows[i][j]);
    }
  }
}
