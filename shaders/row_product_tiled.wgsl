// Matrix products of a row's workgroup, through workgroup memory, as GPUs like it.
//   work[c + …] = Σ_k work[a + …]·b  (+ work[residual + …]); see Product in row.wgsl.
// Included by row_forward.wgsl and row_backward.wgsl, which declare the buffers, and call it in one place: compilers put functions that
// synchronise where they are called, and some take time quadratic in what that makes.
// 16×16 invocations make 64×64 elements, 4×4 each, k in steps of 16.

const WORKGROUP = 256u;
// Invocations to a row, and those that share a sum over the width of a row of numbers.
const THREADS = 256u;
const NORM_LANES = 8u;
const TILE = 64u;
const DEPTH = 16u;
// One element of padding keeps rows of a tile out of one memory bank.
const PITCH = 65u;

var<workgroup> tileA: array<f32, 1040>;
var<workgroup> tileB: array<f32, 1040>;

fn product(local: u32, p: Product) {
  let y = local / 16u;
  let x = local % 16u;
  // Neighbouring invocations read neighbouring numbers, whichever way the operands lie.
  let aInnerFirst = p.aInner == 1u;
  let bInnerFirst = p.bInner == 1u;
  let down = (p.rows + TILE - 1u) / TILE;
  let across = (p.columns + TILE - 1u) / TILE;
  for (var tile = 0u; tile < across * down * p.heads; tile++) {
    let head = tile / (across * down);
    let row = tile / across % down * TILE;
    let column = tile % across * TILE;
    var sum = mat4x4<f32>();
    for (var start = 0u; start < p.inner; start += DEPTH) {
      for (var i = local; i < TILE * DEPTH; i += THREADS) {
        let am = select(i % TILE, i / DEPTH, aInnerFirst);
        let ak = select(i / TILE, i % DEPTH, aInnerFirst);
        var va = 0.0;
        if (row + am < p.rows && start + ak < p.inner) {
          va = work[p.a + head * p.aHead + (row + am) * p.aRow + (start + ak) * p.aInner];
        }
        tileA[ak * PITCH + am] = va;
        let bn = select(i % TILE, i / DEPTH, bInnerFirst);
        let bk = select(i / TILE, i % DEPTH, bInnerFirst);
        var vb = 0.0;
        if (column + bn < p.columns && start + bk < p.inner) {
          let source = p.b + head * p.bHead + (column + bn) * p.bColumn + (start + bk) * p.bInner;
          if (p.weights) {
            vb = f32(theta[source]);
          } else {
            vb = kept[source];
          }
        }
        tileB[bk * PITCH + bn] = vb;
      }
      workgroupBarrier();
      for (var k = 0u; k < DEPTH; k++) {
        let ra = k * PITCH + y;
        let rb = k * PITCH + x;
        let vb = vec4<f32>(tileB[rb], tileB[rb + 16u], tileB[rb + 32u], tileB[rb + 48u]);
        sum += mat4x4<f32>(tileA[ra] * vb, tileA[ra + 16u] * vb, tileA[ra + 32u] * vb, tileA[ra + 48u] * vb);
      }
      workgroupBarrier();
    }
    for (var i = 0u; i < 16u; i++) {
      let m = row + y + i / 4u * 16u;
      let n = column + x + i % 4u * 16u;
      if (m < p.rows && n < p.columns) {
        let at = m * p.cRow + n * p.cColumn + head * p.cHead;
        var value = sum[i / 4u][i % 4u];
        if (p.residual != NONE) {
          value += work[p.residual + at];
        }
        work[p.c + at] = value;
      }
    }
  }
  synchronise();
}

var<workgroup> partial: array<f32, THREADS>;

// The sum over NORM_LANES neighbouring invocations, in a fixed order.
fn sumOfLanes(local: u32, value: f32) -> f32 {
  workgroupBarrier();
  partial[local] = value;
  workgroupBarrier();
  var sum = 0.0;
  for (var l = 0u; l < NORM_LANES; l++) {
    sum += partial[local / NORM_LANES * NORM_LANES + l];
  }
  return sum;
}

// The row of an invocation, and its number among those that share it.
fn rowOf(group: u32, local: u32) -> u32 {
  return group;
}

fn threadOf(local: u32) -> u32 {
  return local;
}

fn synchronise() {
  storageBarrier();
}
