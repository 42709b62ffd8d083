// Embedding lookup: y[t, j] = E[token(t), j].
//
// theta  [P]            flat weights; E [vocab, width] starts at `table`
// batch  [..]           token ids at `tokens` + t
// y      [count, width] out
// One invocation an element.

// How weights are stored; arithmetic is always float32.
alias Weight = f32;

struct Params {
  count: u32,
  width: u32,
  tokens: u32,
  table: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> theta: array<Weight>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= params.count * params.width) {
    return;
  }
  let t = i / params.width;
  y[i] = f32(theta[params.table + batch[params.tokens + t] * params.width + i % params.width]);
}
