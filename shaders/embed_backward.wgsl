// Embedding backward: partials[0, table + v·width + j] += Σ_{t: token(t) = v} dx[t, j].
// The host sorts positions by token, so each sum runs in the order of the batch, with no atomic addition.
// Slice 0 of the partials already holds the output head's part of the same (tied) matrix.
//
// batch     [..]            at `starts`: vocab + 1 offsets; at `sorted`: positions, by token
// dx        [count, width]
// partials  [slices, P]     in place
// Grid (⌈width/64⌉, vocab); one invocation a column of one token's row.

struct Params {
  width: u32,
  starts: u32,
  sorted: u32,
  table: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> batch: array<u32>;
@group(0) @binding(2) var<storage, read> dx: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let j = id.x;
  let v = id.y;
  if (j >= params.width) {
    return;
  }
  let end = batch[params.starts + v + 1u];
  var sum = 0.0;
  for (var i = batch[params.starts + v]; i < end; i++) {
    sum += dx[batch[params.sorted + i] * params.width + j];
  }
  partials[params.table + v * params.width + j] += sum;
}
