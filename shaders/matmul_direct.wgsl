// Matrix product without workgroup memory, for adapters that run on a processor: there a barrier costs more than a cache line.
// Same meaning as matmul.wgsl, and included with it matmul_operands.wgsl, too:
//   c[m, n] = Σ_k a(m, k)·b(k, n)  (+ residual[m, n] with RESIDUAL), in slices along z.
//
// One invocation makes an 8×8 tile; grid (⌈⌈n/8⌉·⌈m/8⌉ / 64⌉, 1, slices).

// Beyond the edge the last row or column is read again; what comes of it is not stored.
fn rowStart(m: u32) -> u32 {
  return params.aOffset + min(m, params.m - 1u) * select(params.aStride, 1u, TRANSPOSE_A);
}

fn columnStart(n: u32) -> u32 {
  return params.bOffset + min(n, params.n - 1u) * select(1u, params.bStride, TRANSPOSE_B);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let across = (params.n + 7u) / 8u;
  let tile = id.y * groups.x * 64u + id.x;
  let m = tile / across * 8u;
  let n = tile % across * 8u;
  if (m >= params.m) {
    return;
  }
  let aStep = select(1u, params.aStride, TRANSPOSE_A);
  let bStep = select(params.bStride, 1u, TRANSPOSE_B);
  let first = id.z * params.length;
  let last = min(first + params.length, params.k);
  let rows0 = vec4<u32>(rowStart(m), rowStart(m + 1u), rowStart(m + 2u), rowStart(m + 3u));
  let rows1 = vec4<u32>(rowStart(m + 4u), rowStart(m + 5u), rowStart(m + 6u), rowStart(m + 7u));
  let columns0 = vec4<u32>(columnStart(n), columnStart(n + 1u), columnStart(n + 2u), columnStart(n + 3u));
  let columns1 = vec4<u32>(columnStart(n + 4u), columnStart(n + 5u), columnStart(n + 6u), columnStart(n + 7u));
  // Rows m … m + 3 and m + 4 … m + 7, by columns n … n + 3 and n + 4 … n + 7.
  var sum00 = mat4x4<f32>();
  var sum01 = mat4x4<f32>();
  var sum10 = mat4x4<f32>();
  var sum11 = mat4x4<f32>();
  for (var k = first; k < last; k++) {
    let i = k * aStep;
    let j = k * bStep;
    let a0 = vec4<f32>(a[rows0.x + i], a[rows0.y + i], a[rows0.z + i], a[rows0.w + i]);
    let a1 = vec4<f32>(a[rows1.x + i], a[rows1.y + i], a[rows1.z + i], a[rows1.w + i]);
    let b0 = vec4<f32>(vec4<Weight>(b[columns0.x + j], b[columns0.y + j], b[columns0.z + j], b[columns0.w + j]));
    let b1 = vec4<f32>(vec4<Weight>(b[columns1.x + j], b[columns1.y + j], b[columns1.z + j], b[columns1.w + j]));
    sum00 += mat4x4<f32>(a0.x * b0, a0.y * b0, a0.z * b0, a0.w * b0);
    sum01 += mat4x4<f32>(a0.x * b1, a0.y * b1, a0.z * b1, a0.w * b1);
    sum10 += mat4x4<f32>(a1.x * b0, a1.y * b0, a1.z * b0, a1.w * b0);
    sum11 += mat4x4<f32>(a1.x * b1, a1.y * b1, a1.z * b1, a1.w * b1);
  }
  let out = params.cOffset + id.z * params.cSlice;
  storeBlock(out, m, n, sum00);
  storeBlock(out, m, n + 4u, sum01);
  storeBlock(out, m + 4u, n, sum10);
  storeBlock(out, m + 4u, n + 4u, sum11);
}

fn storeBlock(out: u32, m0: u32, n0: u32, block: mat4x4<f32>) {
  var rows = block;
  for (var i = 0u; i < min(4u, max(params.m, m0) - m0); i++) {
    for (var j = 0u; j < min(4u, max(params.n, n0) - n0); j++) {
      let at = (m0 + i) * params.n + n0 + j;
      var sum = rows[i][j];
      if (RESIDUAL) {
        sum += residual[at];
      }
      c[out + at] = sum;
    }
  }
}
