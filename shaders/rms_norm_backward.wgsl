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
// A workgroup handles four rows, sixteen invocations a row; sums run in a fixed order. Included with it: rms_norm_row.wgsl.

const RESIDUAL = true;

@group(0) @binding(4) var<storage, read> inverse: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read> residual: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 4u + local / LANES;
  let lane = local % LANES;
  let inside = i < params.count;
  var start = 0u;
  var r = 0.0;
  var sum = 0.0;
  if (inside) {
    start = rowOf(i) * params.width;
    r = inverse[i];
    for (var j = lane; j < params.width; j += LANES) {
      sum += f32(theta[params.weight + j]) * dy[i * params.width + j] * x[start + j] * r;
    }
  }
  let total = sumOfLanes(local, sum);
  if (!inside) {
    return;
  }
  let mean = total / f32(params.width);
  for (var j = lane; j < params.width; j += LANES) {
    var value = r * (f32(theta[params.weight + j]) * dy[i * params.width + j] - x[start + j] * r * mean);
    if (RESIDUAL) {
      value += residual[start + j];
    }
    dx[start + j] = value;
  }
}
