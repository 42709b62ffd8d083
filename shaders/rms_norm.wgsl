// RMSNorm with weight: r = 1/√(mean(x²) + eps),  y[i, j] = x[s, j]·r·w[j].
// s = i, or with GATHER the row batch[index + i] of x.
//
// x        [.., width]
// theta    [P]            w [width] starts at `weight`
// batch    [..]           row numbers at `index` (GATHER only)
// y        [count, width] out
// inverse  [count]        out: r, which the backward pass needs
// A workgroup normalises four rows, sixteen invocations a row; sums run in a fixed order. Included with it: rms_norm_row.wgsl.

@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> inverse: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 4u + local / LANES;
  let lane = local % LANES;
  let inside = i < params.count;
  var start = 0u;
  var sum = 0.0;
  if (inside) {
    start = rowOf(i) * params.width;
    for (var j = lane; j < params.width; j += LANES) {
      let value = x[start + j];
      sum += value * value;
    }
  }
  let total = sumOfLanes(local, sum);
  if (!inside) {
    return;
  }
  let r = 1.0 / sqrt(total / f32(params.width) + params.eps);
  for (var j = lane; j < params.width; j += LANES) {
    y[i * params.width + j] = x[start + j] * r * f32(theta[params.weight + j]);
  }
  if (lane == 0u) {
    inverse[i] = r;
  }
}
