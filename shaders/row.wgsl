// What passes by whole rows share: where a row's numbers lie, and how a matrix product is told. Included by row_forward.wgsl and
// row_backward.wgsl, which declare `params`, `batch` and the buffers of the product.

// How weights are stored; arithmetic is always float32.
alias Weight = f32;
const NONE = 0xffffffffu;
// Columns after the row are not used; inner numbers after the row are zero; those before the row, or before the column, are zero.
const COLUMNS_UP_TO_ROW = 1u;
const INNER_UP_TO_ROW = 2u;
const INNER_FROM_ROW = 3u;
const INNER_FROM_COLUMN = 4u;

struct Product {
  // c[i, j] = Σ_k a[i, k]·b[j, k], rows × columns, for each of `heads`.
  rows: u32,
  columns: u32,
  inner: u32,
  heads: u32,
  // Where an operand begins, and its steps by row (of b: by column), by k and by head.
  a: u32,
  aRow: u32,
  aInner: u32,
  aHead: u32,
  b: u32,
  bColumn: u32,
  bInner: u32,
  bHead: u32,
  c: u32,
  cRow: u32,
  cColumn: u32,
  cHead: u32,
  // Added to c, with c's steps; NONE: nothing.
  residual: u32,
  // Whether b lies in theta; else in kept.
  weights: bool,
  // What may be left out because it is not used, or zero.
  causal: u32,
}

struct Row {
  start: u32,
  count: u32,
  firstPrediction: u32,
  predictions: u32,
}

// Beyond the last row there is an empty one: invocations that share weights must all be there.
fn rowAt(row: u32) -> Row {
  let entry = params.rows + min(row, params.rowCount - 1u) * 4u;
  let there = row < params.rowCount;
  return Row(batch[entry], select(0u, batch[entry + 1u], there), batch[entry + 2u], select(0u, batch[entry + 3u], there));
}

// θ: where a layer's tensors begin; qkv follows the first norm.
struct Tensors {
  norm1: u32,
  qkv: u32,
  o: u32,
  norm2: u32,
  gateUp: u32,
  down: u32,
}

fn tensorsOf(layer: u32) -> Tensors {
  let d = params.hidden;
  let inner = params.heads * params.headDim;
  let m = params.intermediate;
  // From the layer's start.
  let o = d + 3u * inner * d;
  let norm2 = o + d * inner;
  let gateUp = norm2 + d;
  let down = gateUp + 2u * m * d;
  let start = params.vocab * d + layer * (down + d * m);
  return Tensors(start, start + d, start + o, start + norm2, start + gateUp, start + down);
}

// Where a row's part begins of each array that the forward pass makes in a layer.
struct Activations {
  x: u32,
  n1: u32,
  inverse1: u32,
  qkv: u32,
  o: u32,
  lse: u32,
  x1: u32,
  n2: u32,
  inverse2: u32,
  gateUp: u32,
  h: u32,
}

// The layer's arrays begin at `base`, the row at token `start`.
fn activationsAt(base: u32, start: u32) -> Activations {
  let d = params.hidden;
  let inner = params.heads * params.headDim;
  let m = params.intermediate;
  let after = base + params.tokens * (2u * d + 1u + 4u * inner + params.heads);
  return Activations(
    base + start * d,
    base + params.tokens * d + start * d,
    base + params.tokens * 2u * d + start,
    base + params.tokens * (2u * d + 1u) + start * 3u * inner,
    base + params.tokens * (2u * d + 1u + 3u * inner) + start * inner,
    base + params.tokens * (2u * d + 1u + 4u * inner) + start * params.heads,
    after + start * d,
    after + params.tokens * d + start * d,
    after + params.tokens * 2u * d + start,
    after + params.tokens * (2u * d + 1u) + start * 2u * m,
    after + params.tokens * (2u * d + 1u + 2u * m) + start * m,
  );
}
