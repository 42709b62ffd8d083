// Step by step decoding: each slot's last token to its embedding, x[s, j] = E[token(s), j]; slots that have ended keep their last token.
//
// theta  [P]            E [vocab, width] at its beginning
// state  [slots, 4]     the last token first
// x      [count, width] out
// One invocation an element.

// How weights are stored; arithmetic is always float32.
alias Weight = f32;

struct Params {
  count: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> theta: array<Weight>;
@group(0) @binding(2) var<storage, read> state: array<i32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.y * groups.x * 64u + id.x;
  if (i < params.count * params.width) {
    x[i] = f32(theta[u32(state[i / params.width * 4u]) * params.width + i % params.width]);
  }
}
