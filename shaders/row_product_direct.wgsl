// Matrix products of a row, for adapters that run on a processor: an invocation carries a row all alone, and nobody waits for anybody.
// Barriers would cost more than cache lines there.
//   work[c + …] = Σ_k work[a + …]·b  (+ work[residual + …]); see Product in row.wgsl.
// Included by row_forward.wgsl and row_backward.wgsl, which declare the buffers. 8×8 elements at a time.

const WORKGROUP = 8u;
// Invocations to a row, and those that share a sum over the width of a row of numbers.
const THREADS = 1u;
const NORM_LANES = 1u;

fn product(local: u32, p: Product) {
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
    if (p.weights) {
      for (var k = first; k < last; k++) {
        let i = k * p.aInner;
        let j = k * p.bInner;
        let a0 = vec4<f32>(work[rows0.x + i], work[rows0.y + i], work[rows0.z + i], work[rows0.w + i]);
        let a1 = vec4<f32>(work[rows1.x + i], work[rows1.y + i], work[rows1.z + i], work[rows1.w + i]);
        let b0 = vec4<f32>(vec4<Weight>(theta[columns0.x + j], theta[columns0.y + j], theta[columns0.z + j], theta[columns0.w + j]));
        let b1 = vec4<f32>(vec4<Weight>(theta[columns1.x + j], theta[columns1.y + j], theta[columns1.z + j], theta[columns1.w + j]));
        sum00 += mat4x4<f32>(a0.x * b0, a0.y * b0, a0.z * b0, a0.w * b0);
        sum01 += mat4x4<f32>(a0.x * b1, a0.y * b1, a0.z * b1, a0.w * b1);
        sum10 += mat4x4<f32>(a1.x * b0, a1.y * b0, a1.z * b0, a1.w * b0);
        sum11 += mat4x4<f32>(a1.x * b1, a1.y * b1, a1.z * b1, a1.w * b1);
      }
    } else {
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
      var sum = block[row + column / 4u * 8u][column % 4u];
      if (p.residual != NONE) {
        sum += work[p.residual + at];
      }
      work[p.c + at] = sum;
    }
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
