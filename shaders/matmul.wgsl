// Matrix product: c[m, n] = Σ_k a(m, k)·b(k, n)  (+ residual[m, n] with RESIDUAL).
// a(m, k) = a[aOffset + m·aStride + k], or a[aOffset + k·aStride + m] with TRANSPOSE_A;
// b(k, n) = b[bOffset + k·bStride + n], or b[bOffset + n·bStride + k] with TRANSPOSE_B.
//
// With slices > 1 along z the sum is cut: slice z covers k = z·length … min((z+1)·length, k) − 1 and writes
// c[cOffset + z·cSlice + m·n + …]; reduce_gradients adds the slices in order, so the result never depends on timing.
//
// a, b      flat, as above
// residual  [m, n]  (RESIDUAL only)
// c         [m, n] at cOffset
// A workgroup of 16×16 makes a 64×64 tile, 4×4 elements an invocation, k in steps of 16 through workgroup memory.
// Grid (⌈n/64⌉, ⌈m/64⌉, slices). Included with it: matmul_operands.wgsl.

const TILE = 64u;
const DEPTH = 16u;
// One element of padding keeps rows of a tile out of one memory bank.
const PITCH = 65u;

var<workgroup> tileA: array<f32, 1040>;
var<workgroup> tileB: array<f32, 1040>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = group.y * TILE;
  let column = group.x * TILE;
  let first = group.z * params.length;
  let last = min(first + params.length, params.k);
  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  let steps = (params.length + DEPTH - 1u) / DEPTH;
  for (var step = 0u; step < steps; step++) {
    let start = first + step * DEPTH;
    for (var i = local; i < TILE * DEPTH; i += 256u) {
      // Neighbouring invocations read neighbouring addresses, whichever way the matrix lies.
      let am = select(i / DEPTH, i % TILE, TRANSPOSE_A);
      let ak = select(i % DEPTH, i / TILE, TRANSPOSE_A);
      var va = 0.0;
      if (row + am < params.m && start + ak < last) {
        va = a[params.aOffset + select((row + am) * params.aStride + start + ak, (start + ak) * params.aStride + row + am, TRANSPOSE_A)];
      }
      tileA[ak * PITCH + am] = va;
      let bn = select(i % TILE, i / DEPTH, TRANSPOSE_B);
      let bk = select(i / TILE, i % DEPTH, TRANSPOSE_B);
      var vb = 0.0;
      if (column + bn < params.n && start + bk < last) {
        let at = select((start + bk) * params.bStride + column + bn, (column + bn) * params.bStride + start + bk, TRANSPOSE_B);
        vb = f32(b[params.bOffset + at]);
      }
      tileB[bk * PITCH + bn] = vb;
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let ra = k * PITCH + id.y;
      let rb = k * PITCH + id.x;
      let vb = vec4<f32>(tileB[rb], tileB[rb + 16u], tileB[rb + 32u], tileB[rb + 48u]);
      sum0 += tileA[ra] * vb;
      sum1 += tileA[ra + 16u] * vb;
      sum2 += tileA[ra + 32u] * vb;
      sum3 += tileA[ra + 48u] * vb;
    }
    workgroupBarrier();
  }
  let out = params.cOffset + group.z * params.cSlice;
  store(out, row + id.y, column + id.x, sum0);
  store(out, row + id.y + 16u, column + id.x, sum1);
  store(out, row + id.y + 32u, column + id.x, sum2);
  store(out, row + id.y + 48u, column + id.x, sum3);
}

fn store(out: u32, m: u32, n0: u32, value: vec4<f32>) {
  if (m >= params.m) {
    return;
  }
  for (var i = 0u; i < 4u; i++) {
    let n = n0 + i * 16u;
    if (n < params.n) {
      var sum = value[i];
      if (RESIDUAL) {
        sum += residual[m * params.n + n];
      }
      c[out + m * params.n + n] = sum;
    }
  }
}
