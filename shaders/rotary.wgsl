// Rotary positions in the half-split convention, in place on the q and k parts of qkv: with the pair (a, b) = (x[i], x[i + headDim/2]),
//   a' = a·cos φ − b·sin φ,  b' = b·cos φ + a·sin φ,  φ = sign·position·base^(−2i/headDim).
// sign −1 is the inverse, which is also the backward pass.
//
// qkv    [count, 3·heads·headDim]  in place
// batch  [..]                      positions at `positions` + t
// table  [context, headDim/2, 2]   cos and sin of φ, made in float64 on the host
// One invocation a pair.

struct Params {
  count: u32,
  heads: u32,
  headDim: u32,
  positions: u32,
  sign: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let half = params.headDim / 2u;
  let pairs = 2u * params.heads * half;
  let i = id.y * groups.x * 64u + id.x;
  if (i >= params.count * pairs) {
    return;
  }
  let t = i / pairs;
  let head = (i % pairs) / half;
  let pair = i % half;
  let entry = (batch[params.positions + t] * half + pair) * 2u;
  let cosine = table[entry];
  let sine = params.sign * table[entry + 1u];
  let at = t * 3u * params.heads * params.headDim + head * params.headDim + pair;
  let a = qkv[at];
  let b = qkv[at + half];
  qkv[at] = a * cosine - b * sine;
  qkv[at + half] = b * cosine + a * sine;
}
