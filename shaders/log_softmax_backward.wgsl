// From token coefficients to the logits: with p = exp(z/T − lse),
//   dLogits[i, v] = (c_i·(δ(v, a_i) − p_v) − e_i·p_v·(ln p_v + H_i))/T + dense[i, v].
//
// logits   [count, vocab]
// batch    [..]            the token a at `targets` + i
// lse, entropy             numbered from `first`, as are the coefficients
// c, e     ∂L/∂logProb, ∂L/∂H (used if hasC, hasE)
// dense    [.., vocab]     (used if hasDense)
// dLogits  [count, vocab]  out
// One invocation an element.

struct Params {
  count: u32,
  vocab: u32,
  targets: u32,
  first: u32,
  hasC: u32,
  hasE: u32,
  hasDense: u32,
  inverseTemperature: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> entropy: array<f32>;
@group(0) @binding(5) var<storage, read> c: array<f32>;
@group(0) @binding(6) var<storage, read> e: array<f32>;
@group(0) @binding(7) var<storage, read> dense: array<f32>;
@group(0) @binding(8) var<storage, read_write> dLogits: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let n = id.y * groups.x * 64u + id.x;
  if (n >= params.count * params.vocab) {
    return;
  }
  let i = n / params.vocab;
  let v = n % params.vocab;
  let at = params.first + i;
  let logP = logits[n] * params.inverseTemperature - lse[at];
  let p = exp(logP);
  var value = 0.0;
  if (params.hasC != 0u) {
    value += c[at] * (select(0.0, 1.0, v == batch[params.targets + i]) - p);
  }
  if (params.hasE != 0u) {
    value -= e[at] * p * (logP + entropy[at]);
  }
  value *= params.inverseTemperature;
  if (params.hasDense != 0u) {
    value += dense[at * params.vocab + v];
  }
  dLogits[n] = value;
}
