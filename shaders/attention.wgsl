// Causal attention over packed rows: o[t, h] = Σ_{j ≤ t} softmax_j(q[t, h]·k[j, h]/√headDim)·v[j, h], and lse[t, h] = ln Σ_j exp(…).
// Keys pass through workgroup memory once; the softmax runs along (https://arxiv.org/abs/2205.14135), so no score matrix is stored.
//
// qkv     [count, 3·inner]  rotated queries and keys, values; inner = heads·HEAD_DIM
// batch   [..]              blocks at `blocks`: (row start, row length, first query in the row), 64 queries each
// o       [count, inner]    out
// lse     [count, heads]    out
// One invocation a query; grid (blocks, heads). Included with it: attention_head.wgsl.

@group(0) @binding(3) var<storage, read_write> o: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

var<workgroup> keys: array<vec4<f32>, TILE * PARTS>;
var<workgroup> values: array<vec4<f32>, TILE * PARTS>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let block = params.blocks + group.x * 3u;
  let start = batch[block];
  let length = batch[block + 1u];
  let firstQuery = batch[block + 2u];
  let head = group.y;
  let inner = params.heads * HEAD_DIM;
  let query = firstQuery + local;
  let inside = query < length;
  var q: array<vec4<f32>, PARTS>;
  var sum: array<vec4<f32>, PARTS>;
  if (inside) {
    for (var c = 0u; c < PARTS; c++) {
      q[c] = params.scale * load((start + query) * 3u * inner + head * HEAD_DIM, c);
    }
  }
  var largest = -1e30;
  var total = 0.0;
  let end = min(length, firstQuery + 64u);
  for (var tile = 0u; tile < end; tile += TILE) {
    for (var i = local; i < TILE * PARTS; i += 64u) {
      let key = tile + i / PARTS;
      if (key < end) {
        let at = (start + key) * 3u * inner + inner + head * HEAD_DIM;
        keys[i] = load(at, i % PARTS);
        values[i] = load(at + inner, i % PARTS);
      }
    }
    workgroupBarrier();
    if (inside) {
      let stop = min(TILE, min(end, query + 1u) - min(tile, query + 1u));
      for (var j = 0u; j < stop; j++) {
        var s = 0.0;
        for (var c = 0u; c < PARTS; c++) {
          s += dot(q[c], keys[j * PARTS + c]);
        }
        let before = largest;
        largest = max(largest, s);
        let shrink = exp(before - largest);
        let p = exp(s - largest);
        total = total * shrink + p;
        for (var c = 0u; c < PARTS; c++) {
          sum[c] = sum[c] * shrink + p * values[j * PARTS + c];
        }
      }
    }
    workgroupBarrier();
  }
  if (!inside) {
    return;
  }
  for (var c = 0u; c < HEAD_DIM; c++) {
    o[(start + query) * inner + head * HEAD_DIM + c] = sum[c / 4u][c % 4u] / total;
  }
  lse[(start + query) * params.heads + head] = largest + log(total);
}
