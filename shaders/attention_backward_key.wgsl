// Attention backward, the keys' and values' part. With p_t = exp(q_t·k/√headDim − lse_t) recomputed for every query t at or after key j,
//   dv = Σ_{t ≥ j} p_t·dO_t,   dk = Σ_{t ≥ j} p_t·(dO_t·v − D_t)·q_t/√headDim.
// A pass of its own instead of atomic additions: the sums run in a fixed order.
//
// qkv     [count, 3·inner]   rotated queries and keys, values; inner = heads·HEAD_DIM
// batch   [..]               blocks at `blocks`: (row start, row length, first key in the row), 64 keys each
// lse     [count, heads]
// delta   [count, heads]     D, from the queries' part
// dO      [count, inner]
// dqkv    [count, 3·inner]   out: the k part, still rotated, and the v part
// One invocation a key; grid (blocks, heads). Included with it: attention_head.wgsl.

@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read> dO: array<f32>;
@group(0) @binding(6) var<storage, read_write> dqkv: array<f32>;

var<workgroup> queries: array<vec4<f32>, TILE * PARTS>;
var<workgroup> gradients: array<vec4<f32>, TILE * PARTS>;
// (lse, D) of each query.
var<workgroup> statistics: array<vec2<f32>, TILE>;

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
  let firstKey = batch[block + 2u];
  let head = group.y;
  let inner = params.heads * HEAD_DIM;
  let key = firstKey + local;
  let inside = key < length;
  let at = (start + key) * 3u * inner + inner + head * HEAD_DIM;
  var k: array<vec4<f32>, PARTS>;
  var v: array<vec4<f32>, PARTS>;
  var dk: array<vec4<f32>, PARTS>;
  var dv: array<vec4<f32>, PARTS>;
  if (inside) {
    for (var c = 0u; c < PARTS; c++) {
      k[c] = params.scale * load(at, c);
      v[c] = load(at + inner, c);
    }
  }
  for (var tile = firstKey; tile < length; tile += TILE) {
    for (var i = local; i < TILE * PARTS; i += 64u) {
      let query = tile + i / PARTS;
      if (query < length) {
        let part = i % PARTS;
        queries[i] = load((start + query) * 3u * inner + head * HEAD_DIM, part);
        gradients[i] = loadGradient((start + query) * inner + head * HEAD_DIM, part);
      }
    }
    for (var i = local; i < TILE; i += 64u) {
      if (tile + i < length) {
        let row = (start + tile + i) * params.heads + head;
        statistics[i] = vec2<f32>(lse[row], delta[row]);
      }
    }
    workgroupBarrier();
    if (inside) {
      let stop = min(TILE, length - tile);
      for (var i = max(key, tile) - tile; i < stop; i++) {
        var s = 0.0;
        var dp = 0.0;
        for (var c = 0u; c < PARTS; c++) {
          s += dot(k[c], queries[i * PARTS + c]);
          dp += dot(v[c], gradients[i * PARTS + c]);
        }
        let p = exp(s - statistics[i].x);
        let ds = p * (dp - statistics[i].y);
        for (var c = 0u; c < PARTS; c++) {
          dk[c] += ds * queries[i * PARTS + c];
          dv[c] += p * gradients[i * PARTS + c];
        }
      }
    }
    workgroupBarrier();
  }
  if (!inside) {
    return;
  }
  for (var c = 0u; c < HEAD_DIM; c++) {
    dqkv[at + c] = params.scale * dk[c / 4u][c % 4u];
    dqkv[at + inner + c] = dv[c / 4u][c % 4u];
  }
}
