// Step by step decoding: attention of each slot's new position over its cache. Rotary positions on q and k; keys and values go into the cache;
//   o[s, h] = Σ_j softmax_j(q·k_j/√headDim)·v_j.
//
// qkv     [slots, 3·inner]  inner = heads·headDim
// table   [context, headDim/2, 2]   rotary cos and sin
// state   [slots, 4]        the position second, −1 once the slot has ended: then nothing happens
// cache   [slots, layers, 2, inner·capacity]  keys as [inner, capacity], values as [capacity, inner]
// scores  [slots, heads, capacity]  work space
// o       [slots, inner]    out
// A workgroup a slot and head; grid (heads, slots).

struct Params {
  heads: u32,
  headDim: u32,
  layers: u32,
  layer: u32,
  capacity: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read> state: array<i32>;
@group(0) @binding(4) var<storage, read_write> cache: array<f32>;
@group(0) @binding(5) var<storage, read_write> scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> o: array<f32>;

var<workgroup> partial: array<f32, 64>;

// Channel c of the head after the rotation, from element `at` on.
fn rotated(at: u32, c: u32, position: u32) -> f32 {
  let half = params.headDim / 2u;
  let entry = (position * half + c % half) * 2u;
  let other = select(-qkv[at + (c + half) % params.headDim], qkv[at + (c + half) % params.headDim], c >= half);
  return qkv[at + c] * table[entry] + other * table[entry + 1u];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let head = group.x;
  let slot = group.y;
  let newest = state[slot * 4u + 1u];
  if (newest < 0) {
    return;
  }
  let position = u32(newest);
  let inner = params.heads * params.headDim;
  let q = slot * 3u * inner + head * params.headDim;
  let keys = (slot * params.layers + params.layer) * 2u * inner * params.capacity + head * params.headDim * params.capacity;
  let values = (slot * params.layers + params.layer) * 2u * inner * params.capacity + inner * params.capacity + head * params.headDim;
  let row = (slot * params.heads + head) * params.capacity;
  for (var c = local; c < params.headDim; c += 64u) {
    cache[keys + c * params.capacity + position] = rotated(q + inner, c, position);
    cache[values + position * inner + c] = qkv[q + 2u * inner + c];
  }
  storageBarrier();
  let scale = 1.0 / sqrt(f32(params.headDim));
  var largest = -1e30;
  for (var j = local; j <= position; j += 64u) {
    var s = 0.0;
    for (var c = 0u; c < params.headDim; c++) {
      s += rotated(q, c, position) * cache[keys + c * params.capacity + j];
    }
    scores[row + j] = s * scale;
    largest = max(largest, s * scale);
  }
  partial[local] = largest;
  workgroupBarrier();
  for (var i = 0u; i < 64u; i++) {
    largest = max(largest, partial[i]);
  }
  var total = 0.0;
  for (var j = local; j <= position; j += 64u) {
    let p = exp(scores[row + j] - largest);
    scores[row + j] = p;
    total += p;
  }
  workgroupBarrier();
  partial[local] = total;
  storageBarrier();
  workgroupBarrier();
  total = 0.0;
  for (var i = 0u; i < 64u; i++) {
    total += partial[i];
  }
  for (var c = local; c < params.headDim; c += 64u) {
    var sum = 0.0;
    for (var j = 0u; j <= position; j++) {
      sum += scores[row + j] * cache[values + j * inner + c];
    }
    o[slot * inner + head * params.headDim + c] = sum / total;
  }
}
