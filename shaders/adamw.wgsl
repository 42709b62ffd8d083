// AdamW with decoupled weight decay (https://arxiv.org/abs/1711.05101), with g = factor·gradient:
//   m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  θ ← θ·(1 − rate·decay) − rate·(m/c₁)/(√v/√c₂ + eps);
// decay only where the block says so. The gradient becomes zero. Nothing else happens if `applied` is 0.
//
// blocks    [blocks, 4]    (first element, elements ≤ 1024, tensor, decays)
// result    [≥ 5]          from clip_gradient: g, applied, factor, c₁, √c₂
// theta, m, v, gradient  [P]  in place
// copy      [P]            out, with COPY: θ as kernels read it, the nearest 16-bit numbers
// A workgroup a block.

alias Weight = f32;
const COPY = false;

struct Params {
  rate: f32,
  beta1: f32,
  // 1 − β, subtracted in float64.
  rest1: f32,
  beta2: f32,
  rest2: f32,
  eps: f32,
  decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> blocks: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> result: array<f32>;
@group(0) @binding(3) var<storage, read_write> theta: array<f32>;
@group(0) @binding(4) var<storage, read_write> m: array<f32>;
@group(0) @binding(5) var<storage, read_write> v: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(7) var<storage, read_write> copy: array<Weight>;

// The nearest number that 16 bits hold, ties to the even one; never beyond the largest. WGSL leaves the rounding of f16(x) open, so that
// nothing is left for it to round. src/policy/half.ts rounds the same way.
fn half(x: f32) -> f32 {
  let bounded = clamp(x, -65504.0, 65504.0);
  if (abs(bounded) < 6.103515625e-5) {
    return round(bounded * 16777216.0) * 5.9604644775390625e-8;
  }
  let bits = bitcast<u32>(bounded);
  return bitcast<f32>((bits + 0xfffu + ((bits >> 13u) & 1u)) & 0xffffe000u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let block = blocks[group.x];
  let applied = result[1] != 0.0;
  let factor = result[2];
  let correction1 = result[3];
  let root2 = result[4];
  let shrink = select(1.0, 1.0 - params.rate * params.decay, block.w != 0u);
  for (var n = local; n < block.y; n += 64u) {
    let i = block.x + n;
    if (applied) {
      let g = gradient[i] * factor;
      let mean = params.beta1 * m[i] + params.rest1 * g;
      let square = params.beta2 * v[i] + params.rest2 * g * g;
      m[i] = mean;
      v[i] = square;
      let updated = theta[i] * shrink - params.rate * (mean / correction1) / (sqrt(square) / root2 + params.eps);
      theta[i] = updated;
      if (COPY) {
        copy[i] = Weight(half(updated));
      }
    }
    gradient[i] = 0.0;
  }
}
