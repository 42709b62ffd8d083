// Squared norms, second pass, and the decision about the update: per-tensor norms, the global norm g, the clipping factor
// min(1, maxNorm/(g + 1e-6)) (1 if maxNorm is 0), and bias corrections 1 − β^t with t the update's number.
// If g is not finite the update does not happen: `applied` is 0 and t stays.
//
// partials  [blocks]
// starts    [tensors + 1]   first block of each tensor
// state     [4]             in place: (updates so far, spare)
// result    [8 + tensors]   out: g, applied, factor, 1 − β₁^t, √(1 − β₂^t), 0, 0, 0, norm of each tensor
// One workgroup.

struct Params {
  tensors: u32,
  maxNorm: f32,
  // ln β, so that β^t is exact enough for β near 1.
  logBeta1: f32,
  logBeta2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

var<workgroup> sums: array<f32, 64>;

// 1 − exp(x) for x ≤ 0, without cancellation near 0.
fn oneMinusExp(x: f32) -> f32 {
  if (x < -0.3) {
    return 1.0 - exp(x);
  }
  return -x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0 * (1.0 + x / 7.0))))));
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var total = 0.0;
  for (var tensor = local; tensor < params.tensors; tensor += 64u) {
    var sum = 0.0;
    for (var b = starts[tensor]; b < starts[tensor + 1u]; b++) {
      sum += partials[b];
    }
    result[8u + tensor] = sqrt(sum);
    total += sum;
  }
  sums[local] = total;
  workgroupBarrier();
  if (local != 0u) {
    return;
  }
  total = 0.0;
  for (var i = 0u; i < 64u; i++) {
    total += sums[i];
  }
  let norm = sqrt(total);
  // Compilers may assume that floats are finite; the bits tell.
  let finite = (bitcast<u32>(total) & 0x7f800000u) != 0x7f800000u;
  var updates = state[0];
  if (finite) {
    updates += 1u;
    state[0] = updates;
  }
  result[0] = norm;
  result[1] = select(0.0, 1.0, finite);
  result[2] = select(1.0, min(1.0, params.maxNorm / (norm + 1e-6)), params.maxNorm > 0.0);
  result[3] = oneMinusExp(f32(updates) * params.logBeta1);
  result[4] = sqrt(oneMinusExp(f32(updates) * params.logBeta2));
}
