// Attention backward, the queries' part. With p_j = exp(q·k_j/√headDim − lse) recomputed,
//   D = dO·o,   dq = Σ_{j ≤ t} p_j·(dO·v_j − D)·k_j/√headDim.
//
// qkv     [count, 3·inner]   rotated queries and keys, values; inner = heads·HEAD_DIM
// batch   [..]               blocks at `blocks`: (row start, row length, first query in the row), 64 queries each
// o       [count, inner]     the forward pass's output
// lse     [count, heads]
// dO      [count, inner]     ∂L/∂o
// dqkv    [count, 3·inner]   out: the q part, still rotated
// delta   [count, heads]     out: D, for the keys' part
// One invocation a query; grid (blocks, heads). Included with it: attention_head.wgsl.

@group(0) @binding(3) var<storage, read> o: array<f32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> dO: array<f32>;
@group(0) @binding(6) var<storage, read_write> dqkv: array<f32>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;

var<workgroup> keys: array<vec4<f32>, TILE * PARTS>;
var<workgroup> values: array<vec4<f32>, TILE * PARTS>;

// Four channels, zero beyond the width of the head, which is even.
fn loadGradient(at: u32, part: u32) -> vec4<f32> {
  let i = at + part * 4u;
  if (HEAD_DIM % 4u == 0u || part + 1u < PARTS) {
    return vec4<f32>(dO[i], dO[i + 1u], dO[i + 2u], dO[i + 3u]);
  }
  return vec4<f32>(dO[i], dO[i + 1u], 0.0, 0.0);
}

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
  let at = (start + query) * inner + head * HEAD_DIM;
  var q: array<vec4<f32>, PARTS>;
  var g: array<vec4<f32>, PARTS>;
  var dq: array<vec4<f32>, PARTS>;
  var d = 0.0;
  var shift = 0.0;
  if (inside) {
    for (var c = 0u; c < PARTS; c++) {
      q[c] = params.scale * load((start + query) * 3u * inner + head * HEAD_DIM, c);
      g[c] = loadGradient(at, c);
    }
    for (var c = 0u; c < HEAD_DIM; c++) {
      d += g[c / 4u][c % 4u] * o[at + c];
    }
    shift = lse[(start + query) * params.heads + head];
  }
  let end = min(length, firstQuery + 64u);
  for (var tile = 0u; tile < end; tile += TILE) {
    for (var i = local; i < TILE * PARTS; i += 64u) {
      let key = tile + i / PARTS;
      if (key < end) {
        let source = (start + key) * 3u * inner + inner + head * HEAD_DIM;
        keys[i] = load(source, i % PARTS);
        values[i] = load(source + inner, i % PARTS);
      }
    }
    workgroupBarrier();
    if (inside) {
      let stop = min(TILE, min(end, query + 1u) - min(tile, query + 1u));
      for (var j = 0u; j < stop; j++) {
        var s = 0.0;
        var dp = 0.0;
        for (var c = 0u; c < PARTS; c++) {
          s += dot(q[c], keys[j * PARTS + c]);
          dp += dot(g[c], values[j * PARTS + c]);
        }
        let ds = exp(s - shift) * (dp - d);
        for (var c = 0u; c < PARTS; c++) {
          dq[c] += ds * keys[j * PARTS + c];
        }
      }
    }
    workgroupBarrier();
  }
  if (!inside) {
    return;
  }
  for (var c = 0u; c < HEAD_DIM; c++) {
    dqkv[(start + query) * 3u * inner + head * HEAD_DIM + c] = params.scale * dq[c / 4u][c % 4u];
  }
  delta[(start + query) * params.heads + head] = d;
}
