// Matrix products of a row, for adapters that run on a processor: an invocation carries a row all alone, and nobody waits for anybody.
// Barriers would cost more than cache lines there.
//   work[c + …] = Σ_k work[a + …]·b  (+ work[residual + …]); see Product in row.wgsl.
// Included by row_forward.wgsl and row_backward.wgsl, which declare the buffers, together with share.wgsl.

const WORKGROUP = 8u;
// Invocations to a row, and those that share a sum over the width of a row of numbers.
const THREADS = 1u;
const NORM_LANES = 1u;

// With a matrix of θ, 4×16 elements at a time; the weights are loaded for all rows together.
fn weightProduct(p: Product) {
  findSharer();
  // The shorter rows wait for the longest.
  let longest = subgroupMax(p.rows);
  for (var n = 0u; n < p.columns; n += 16u) {
    let columns0 = p.b + sharedColumns(n, p.columns) * p.bColumn;
    let columns1 = p.b + sharedColumns(n + 8u, p.columns) * p.bColumn;
    for (var m = 0u; m < longest; m += 4u) {
      let rows = p.a + min(m + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(max(p.rows, 1u) - 1u)) * p.aRow;
      var sum0 = mat4x4<f32>();
      var sum1 = mat4x4<f32>();
      var sum2 = mat4x4<f32>();
      var sum3 = mat4x4<f32>();
      for (var k = 0u; k < p.inner; k++) {
        let j = k * p.bInner;
        let a = vec4<f32>(work[rows.x + k], work[rows.y + k], work[rows.z + k], work[rows.w + k]);
        let b0 = share(f32(theta[columns0.x + j]), f32(theta[columns0.y + j]));
        let b1 = share(f32(theta[columns1.x + j]), f32(theta[columns1.y + j]));
        sum0 += outerProduct(a, b0[0]);
        sum1 += outerProduct(a, b0[1]);
        sum2 += outerProduct(a, b1[0]);
        sum3 += outerProduct(a, b1[1]);
      }
      // Four columns each, of four rows.
      var block = array<mat4x4<f32>, 4>(sum0, sum1, sum2, sum3);
      let high = min(4u, max(p.rows, m) - m);
      for (var i = 0u; i < high * min(16u, p.columns - n); i++) {
        let row = i % high;
        let column = i / high;
        let at = (m + row) * p.cRow + (n + column) * p.cColumn;
        var sum = block[column / 4u][row][column % 4u];
        if (p.residual != NONE) {
          sum += work[p.residual + at];
        }
        work[p.c + at] = sum;
      }
    }
  }
}

fn outerProduct(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

// Of two of the row's own matrices, 8×8 elements at a time.
fn ownProduct(local: u32, p: Product) {
  let across = (p.columns + 7u) / 8u;
  let down = (p.rows + 7u) / 8u;
  for (var tile = local; tile < across * down * p.heads; tile += THREADS) {
    let head = tile / (across * down);
    let m = tile / across % down * 8u;
    let n = tile % across * 8u;
    var first = select(0u, m, p.causal == INNER_FROM_ROW);
    first = select(first, n, p.causal == INNER_FROM_COLUMN);
    var last = select(p.inner, min(p.inner, m + 8u), p.causal == INNER_UP_TO_ROW);
    last = select(last, 0u, p.causal == COLUMNS_UP_TO_ROW && n > m + 7u);
    // Beyond the edge the last row or column is read again; what comes of it is not stored.
    let a = p.a + head * p.aHead;
    let b = p.b + head * p.bHead;
    let rows0 = a + min(m + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.rows - 1u)) * p.aRow;
    let rows1 = a + min(m + vec4<u32>(4u, 5u, 6u, 7u), vec4<u32>(p.rows - 1u)) * p.aRow;
    let columns0 = b + min(n + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.columns - 1u)) * p.bColumn;
    let columns1 = b + min(n + vec4<u32>(4u, 5u, 6u, 7u), vec4<u32>(p.columns - 1u)) * p.bColumn;
    var sum00 = mat4x4<f32>();
    var sum01 = mat4x4<f32>();
    var sum10 = mat4x4<f32>();
    var sum11 = mat4x4<f32>();
    for (var k = first; k < last; k++) {
      let i = k * p.aInner;
      let j = k * p.bInner;
      let a0 = vec4<f32>(work[rows0.x + i], work[rows0.y + i], work[rows0.z + i], work[rows0.w + i]);
      let a1 = vec4<f32>(work[rows1.x + i], work[rows1.y + i], work[rows1.z + i], work[rows1.w + i]);
      let b0 = vec4<f32>(kept[columns0.x + j], kept[columns0.y + j], kept[columns0.z + j], kept[columns0.w + j]);
      let b1 = vec4<f32>(kept[columns1.x + j], kept[columns1.y + j], kept[columns1.z + j], kept[columns1.w + j]);
      sum00 += mat4x4<f32>(a0.x * b0, a0.y * b0, a0.z * b0, a0.w * b0);
      sum01 += mat4x4<f32>(a0.x * b1, a0.y * b1, a0.z * b1, a0.w * b1);
      sum10 += mat4x4<f32>(a1.x * b0, a1.y * b0, a1.z * b0, a1.w * b0);
      sum11 += mat4x4<f32>(a1.x * b1, a1.y * b1, a1.z * b1, a1.w * b1);
    }
    // Four columns each: rows m … m + 7 at columns n …, then the same rows at columns n + 4 ….
    var block = array<vec4<f32>, 16>(
      sum00[0], sum00[1], sum00[2], sum00[3], sum10[0], sum10[1], sum10[2], sum10[3],
      sum01[0], sum01[1], sum01[2], sum01[3], sum11[0], sum11[1], sum11[2], sum11[3],
    );
    let high = min(8u, p.rows - m);
    for (var i = 0u; i < high * min(8u, p.columns - n); i++) {
      let row = i % high;
      let column = i / high;
      let at = (m + row) * p.cRow + (n + column) * p.cColumn + head * p.cHead;
      work[p.c + at] = block[row + column / 4u * 8u][column % 4u];
    }
  }
}

fn product(local: u32, p: Product) {
  if (p.weights) {
    weightProduct(p);
  } else {
    ownProduct(local, p);
  }
}

fn sumOfLanes(local: u32, value: f32) -> f32 {
  return value;
}

// The row of an invocation, and its number among those that share it.
fn rowOf(group: u32, local: u32) -> u32 {
  return group * WORKGROUP + local;
}

fn threadOf(local: u32) -> u32 {
  return 0u;
}

fn synchronise() {}
