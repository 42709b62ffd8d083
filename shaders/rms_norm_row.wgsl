// What RMSNorm and its backward pass share: sixteen invocations to a row. Included by rms_norm.wgsl and rms_norm_backward.wgsl.

// How weights are stored; arithmetic is always float32.
alias Weight = f32;
const GATHER = false;
const LANES = 16u;

struct Params {
  count: u32,
  width: u32,
  weight: u32,
  index: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> theta: array<Weight>;
@group(0) @binding(3) var<storage, read> batch: array<u32>;

var<workgroup> partial: array<f32, 64>;

// The row of x that number i means.
fn rowOf(i: u32) -> u32 {
  if (GATHER) {
    return batch[params.index + i];
  }
  return i;
}

// The sum over the invocations of a row, in a fixed order.
fn sumOfLanes(local: u32, value: f32) -> f32 {
  partial[local] = value;
  workgroupBarrier();
  var total = 0.0;
  for (var l = 0u; l < LANES; l++) {
    total += partial[local / LANES * LANES + l];
  }
  return total;
}
