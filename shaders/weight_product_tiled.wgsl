// dW = Σ_t dy_tᵀ·x_t over one slice of the tokens, through workgroup memory, as GPUs like it. Included by weight_gradients.wgsl.
// A job is a tile of 64×64 elements: 16×16 invocations, 4×4 each, tokens in steps of 16.

const THREADS = 256u;
const TILE = 64u;
const DEPTH = 16u;
// Columns of a norm in a job, each summed by THREADS/NORM_COLUMNS invocations.
const NORM_COLUMNS = 8u;

var<workgroup> partial: array<f32, THREADS>;

// For the first NORM_COLUMNS invocations, the sum over those that have the same column, in a fixed order.
fn sumOfColumn(local: u32, value: f32) -> f32 {
  partial[local] = value;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = local % NORM_COLUMNS; i < THREADS; i += NORM_COLUMNS) {
    sum += partial[i];
  }
  return sum;
}

var<workgroup> tileA: array<f32, 1024>;
var<workgroup> tileB: array<f32, 1024>;

fn weightProduct(local: u32, p: WeightProduct) {
  let across = (p.inputs + TILE - 1u) / TILE;
  let row = p.tile / across * TILE;
  let column = p.tile % across * TILE;
  let y = local / 16u;
  let x = local % 16u;
  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  for (var start = p.first; start < p.last; start += DEPTH) {
    for (var i = local; i < TILE * DEPTH; i += THREADS) {
      let t = start + i / TILE;
      let m = row + i % TILE;
      let n = column + i % TILE;
      var va = 0.0;
      if (m < p.outputs && t < p.last) {
        va = work[p.dy + t * p.outputs + m];
      }
      tileA[i] = va;
      var vb = 0.0;
      if (n < p.inputs && t < p.last) {
        vb = acts[p.x + t * p.inputs + n];
      }
      tileB[i] = vb;
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let ra = k * TILE + y;
      let rb = k * TILE + x;
      let vb = vec4<f32>(tileB[rb], tileB[rb + 16u], tileB[rb + 32u], tileB[rb + 48u]);
      sum0 += tileA[ra] * vb;
      sum1 += tileA[ra + 16u] * vb;
      sum2 += tileA[ra + 32u] * vb;
      sum3 += tileA[ra + 48u] * vb;
    }
    workgroupBarrier();
  }
  store(p, row + y, column + x, sum0);
  store(p, row + y + 16u, column + x, sum1);
  store(p, row + y + 32u, column + x, sum2);
  store(p, row + y + 48u, column + x, sum3);
}

fn store(p: WeightProduct, m: u32, n0: u32, value: vec4<f32>) {
  if (m >= p.outputs) {
    return;
  }
  for (var i = 0u; i < 4u; i++) {
    if (n0 + i * 16u < p.inputs) {
      putElement(p, m, n0 + i * 16u, value[i]);
    }
  }
}
