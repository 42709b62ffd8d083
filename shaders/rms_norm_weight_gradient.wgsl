// RMSNorm backward, the weight's part, for one slice of the rows:
//   partials[z, weight + j] = Σ_{i in slice z} dy[i, j]·x[s, j]·inverse[i].
// s = i, or with GATHER the row batch[index + i]. Slice z holds rows z·length … min((z+1)·length, count) − 1.
//
// x         [.., width]
// batch     [..]             row numbers at `index` (GATHER only)
// inverse   [count]
// dy        [count, width]
// partials  [slices, P]      out, summed later by reduce_gradients; `parameters` is P
// One invocation a column and slice; grid (⌈width/64⌉, 1, slices).

const GATHER = false;

struct Params {
  count: u32,
  width: u32,
  weight: u32,
  index: u32,
  length: u32,
  parameters: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
@group(0) @binding(3) var<storage, read> inverse: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let j = id.x;
  if (j >= params.width) {
    return;
  }
  let end = min((id.z + 1u) * params.length, params.count);
  var sum = 0.0;
  for (var i = id.z * params.length; i < end; i++) {
    var s = i;
    if (GATHER) {
      s = batch[params.index + i];
    }
    sum += dy[i * params.width + j] * x[s * params.width + j] * inverse[i];
  }
  partials[id.z * params.parameters + params.weight + j] = sum;
}
