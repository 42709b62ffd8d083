// RMSNorm backward, the input's part: with n = x·r,
//   dx[s, j] = r·(w[j]·dy[i, j] − n[j]·mean_k(w[k]·dy[i, k]·n[k])) + residual[s, j].
// s = i, or with GATHER the row batch[index + i]; every s occurs once.
//
// x         [.., width]
// theta     [P]            w [width] starts at `weight`
// batch     [..]           row numbers at `index` (GATHER only)
// inverse   [count]        r
// dy        [count, width]
// residual  [.., width]    the gradient that arrives along the skip connection (RESIDUAL only)
// dx        [.., width]    out
// A workgroup handles four rows, sixteen invocations a row; sums run in a fixed order.

const GATHER = false;
const RESIDUAL = true;
const LANES = 16u;

struct Params {
  count: u32,
  width: u32,
  weight: u32,
  index: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> theta: array<f32>;
@group(0) @binding(3) var<storage, read> batch: array<u32>;
@group(0) @binding(4) var<storage, read> inverse: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read> residual: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 4u + local / LANES;
  let lane = local % LANES;
  let inside = i < params.count;
  var start = 0u;
  var r = 0.0;
  var sum = 0.0;
  if (inside) {
    var s = i;
    if (GATHER) {
      s = batch[params.index + i];
    }
    start = s * params.width;
    r = inverse[i];
    for (var j = lane; j < params.width; j += LANES) {
      sum += theta[params.weight + j] * dy[i * params.width + j] * x[start + j] * r;
    }
  }
  partial[local] = sum;
  workgroupBarrier();
  if (!inside) {
    return;
  }
  var total = 0.0;
  for (var l = 0u; l < LANES; l++) {
    total += partial[local - lane + l];
  }
  let mean = total / f32(params.width);
  for (var j = lane; j < params.width; j += LANES) {
    var value = r * (theta[params.weight + j] * dy[i * params.width + j] - x[start + j] * r * mean);
    if (RESIDUAL) {
      value += residual[start + j];
    }
    dx[start + j] = value;
  }
}
