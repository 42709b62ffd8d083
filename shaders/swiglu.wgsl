// SwiGLU: h[t, i] = g·σ(g)·u with g = gateUp[t, i], u = gateUp[t, width + i].
//
// gateUp  [count, 2·width]
// h       [count, width]  out
// One invocation an element.

struct Params {
  count: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gateUp: array<f32>;
@group(0) @binding(2) var<storage, read_write> h: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= params.count * params.width) {
    return;
  }
  let at = i / params.width * 2u * params.width + i % params.width;
  let g = gateUp[at];
  // exp may overflow to infinity only beyond 88, where σ is 0 in float32 anyway.
  h[i] = g / (1.0 + exp(min(-g, 80.0))) * gateUp[at + params.width];
}
