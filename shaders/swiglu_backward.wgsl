// SwiGLU backward: with s = σ(g),
//   dg = dh·u·s·(1 + g·(1 − s)),   du = dh·g·s.
//
// gateUp   [count, 2·width]
// dh       [count, width]
// dGateUp  [count, 2·width]  out
// One invocation an element of dh.

struct Params {
  count: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gateUp: array<f32>;
@group(0) @binding(2) var<storage, read> dh: array<f32>;
@group(0) @binding(3) var<storage, read_write> dGateUp: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= params.count * params.width) {
    return;
  }
  let at = i / params.width * 2u * params.width + i % params.width;
  let g = gateUp[at];
  let s = 1.0 / (1.0 + exp(min(-g, 80.0)));
  dGateUp[at] = dh[i] * gateUp[at + params.width] * s * (1.0 + g * (1.0 - s));
  dGateUp[at + params.width] = dh[i] * g * s;
}
