// The clipped surrogate (PPO, https://arxiv.org/abs/1707.06347; dual clip https://arxiv.org/abs/1912.09729) with a k3 penalty
// (http://joschu.net/blog/kl-approx.html), token by token. With ρ = exp(ℓ − ℓ_old), x = ℓ_ref − ℓ, both exponents clamped to ±20:
//
//   P = max(−ρA, −clip(ρ, 1 − clipLow, 1 + clipHigh)·A), and if A < 0 and dualClip > 0, min(P, −dualClip·A)
//   loss = w·P + beta·w·(e^x − x − 1),      L = Σ loss
//   coefficient = ∂L/∂ℓ = w·∂P/∂ℓ + beta·w·(1 − e^x),
//   ∂P/∂ℓ = −ρA where the unclipped branch is taken, else 0 (0 too where the exponent was clamped).
//
// clipped: +1 where the upper bound stops the gradient (A > 0, ρ > 1 + clipHigh), −1 where the lower one does (A < 0, ρ < 1 − clipLow), else 0;
// the dual clip (A < 0, ρ > dualClip) is −2.
// A token of weight 0 (masked) has loss, coefficient, flag and k3 0.
//
// logProb, oldLogProb, advantage, weight  [N]  weight holds mask and aggregation
// reference    [N]     ℓ_ref; read only if beta ≠ 0 (else any array will do)
// coefficient  [N]     out, in the form that the engine's backward pass takes
// terms        [4, N]  out: loss, ρ, clipped, k3 (0 if beta is 0)
// One invocation a token.

struct Params {
  clipLow: f32,
  clipHigh: f32,
  dualClip: f32,
  beta: f32,
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logProb: array<f32>;
@group(0) @binding(2) var<storage, read> oldLogProb: array<f32>;
@group(0) @binding(3) var<storage, read> advantage: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> reference: array<f32>;
@group(0) @binding(6) var<storage, read_write> coefficient: array<f32>;
@group(0) @binding(7) var<storage, read_write> terms: array<f32>;

const LIMIT = 20.0;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let t = id.y * groups.x * 64u + id.x;
  if (t >= params.count) {
    return;
  }
  let w = weight[t];
  let a = advantage[t];
  let difference = logProb[t] - oldLogProb[t];
  let ratio = exp(clamp(difference, -LIMIT, LIMIT));
  var loss = 0.0;
  var slope = 0.0;
  var clipped = 0.0;
  var kl = 0.0;
  if (w != 0.0) {
    loss = -ratio * a;
    slope = select(-ratio * a, 0.0, abs(difference) > LIMIT);
    if (a > 0.0 && ratio > 1.0 + params.clipHigh) {
      loss = -(1.0 + params.clipHigh) * a;
      slope = 0.0;
      clipped = 1.0;
    } else if (a < 0.0 && ratio < 1.0 - params.clipLow) {
      loss = -(1.0 - params.clipLow) * a;
      slope = 0.0;
      clipped = -1.0;
    }
    if (a < 0.0 && params.dualClip > 0.0 && loss > -params.dualClip * a) {
      loss = -params.dualClip * a;
      slope = 0.0;
      clipped = -2.0;
    }
    if (params.beta != 0.0) {
      let gap = reference[t] - logProb[t];
      let x = clamp(gap, -LIMIT, LIMIT);
      let e = exp(x);
      // e^x − x − 1 loses everything to rounding near 0.
      kl = select(e - x - 1.0, x * x * (0.5 + x * (1.0 / 6.0 + x / 24.0)), abs(x) < 0.05);
      loss += params.beta * kl;
      slope += select(params.beta * (1.0 - e), 0.0, abs(gap) > LIMIT);
    }
  }
  coefficient[t] = w * slope;
  terms[t] = w * loss;
  terms[params.count + t] = ratio;
  terms[2u * params.count + t] = clipped;
  terms[3u * params.count + t] = kl;
}
