// Statistics of the next-token distribution p = softmax(z/T), for each of `count` positions:
//   lse = ln Σ_v exp(z_v/T),  logProb = z_a/T − lse,  entropy = −Σ p ln p,  sumSquares = Σ p²,
//   and the TOP most probable tokens (ties to the lower id) with their log-probs.
//
// logits       [count, vocab]
// batch        [..]           the token a at `targets` + i
// logProb, lse, entropy, sumSquares  [count]      out
// topTokens, topLogProbs             [count, TOP] out (TOP > 0 only)
// A workgroup handles four positions, sixteen invocations a position; sums run in a fixed order.

const TOP = 0u;
const LANES = 16u;

struct Params {
  count: u32,
  vocab: u32,
  targets: u32,
  inverseTemperature: f32,
  // Position 0 is number `first` of the outputs.
  first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
@group(0) @binding(3) var<storage, read_write> logProb: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(6) var<storage, read_write> sumSquares: array<f32>;
@group(0) @binding(7) var<storage, read_write> topTokens: array<f32>;
@group(0) @binding(8) var<storage, read_write> topLogProbs: array<f32>;

var<workgroup> maxima: array<f32, 64>;
// Σ e, Σ e·s, Σ e² with s = z/T − max and e = exp(s).
var<workgroup> sums: array<vec3<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 4u + local / LANES;
  let lane = local % LANES;
  let base = local - lane;
  let inside = i < params.count;
  let row = i * params.vocab;
  var largest = -1e30;
  if (inside) {
    for (var v = lane; v < params.vocab; v += LANES) {
      largest = max(largest, logits[row + v] * params.inverseTemperature);
    }
  }
  maxima[local] = largest;
  workgroupBarrier();
  for (var l = 0u; l < LANES; l++) {
    largest = max(largest, maxima[base + l]);
  }
  var sum = vec3<f32>();
  if (inside) {
    for (var v = lane; v < params.vocab; v += LANES) {
      let s = logits[row + v] * params.inverseTemperature - largest;
      let e = exp(s);
      sum += vec3<f32>(e, e * s, e * e);
    }
  }
  sums[local] = sum;
  workgroupBarrier();
  if (!inside) {
    return;
  }
  sum = vec3<f32>();
  for (var l = 0u; l < LANES; l++) {
    sum += sums[base + l];
  }
  let logSum = log(sum.x);
  let out = params.first + i;
  if (lane == 0u) {
    logProb[out] = logits[row + batch[params.targets + i]] * params.inverseTemperature - largest - logSum;
    lse[out] = largest + logSum;
    entropy[out] = logSum - sum.y / sum.x;
    sumSquares[out] = sum.z / (sum.x * sum.x);
  }
  if (TOP > 0u) {
    for (var v = lane; v < params.vocab; v += LANES) {
      let z = logits[row + v];
      var rank = 0u;
      for (var u = 0u; u < params.vocab; u++) {
        let other = logits[row + u];
        rank += select(0u, 1u, other > z || (other == z && u < v));
      }
      if (rank < TOP) {
        topTokens[out * TOP + rank] = f32(v);
        topLogProbs[out * TOP + rank] = z * params.inverseTemperature - largest - logSum;
      }
    }
  }
}
