// Group-relative advantages: A_r = (reward_r − b_r) / (scale + eps).
//
// baseline 0: b = mean of the group's rewards            1: mean of the others in the group      2: median of the group's rewards
// scale    0: A = reward − b, no division                1: standard deviation, √(Σ(x − mean)²/(n − ddof))
//          2: mean absolute deviation, Σ|x − mean|/n
// scope    0: the scale's mean and sums run over the group   1: over the batch
//
// Edges: a reward that is no finite number is unscorable: it counts nowhere and gets A = 0. A lone reward is its own baseline, so A = 0 (leave-one-out too).
// Where n − ddof is 0 the scale is 1. A reward equal to its baseline has A = 0 even where scale + eps is 0.
// An even median is the mean of the middle two. Means are the row's own reward plus the mean distance from it, so that equal rewards are
// exactly their own mean.
//
// rewards     [rows]
// groups      [rows]      any numbers; members need not be neighbours
// offsets     [rows + 1]  where each row's tokens begin
// advantages  [tokens]    out: every token has its row's
// One invocation a row; sums run in the order of rows.

struct Params {
  rows: u32,
  baseline: u32,
  scale: u32,
  ddof: u32,
  scope: u32,
  eps: f32,
  tokens: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rewards: array<f32>;
@group(0) @binding(2) var<storage, read> groups: array<u32>;
@group(0) @binding(3) var<storage, read> offsets: array<u32>;
@group(0) @binding(4) var<storage, read_write> advantages: array<f32>;

// Compilers may assume that floats are finite; the bits tell.
fn scorable(r: u32) -> bool {
  return (bitcast<u32>(rewards[r]) & 0x7fffffffu) < 0x7f800000u;
}

fn counts(r: u32, group: u32, everyone: bool) -> bool {
  return (everyone || groups[r] == group) && scorable(r);
}

// The reward of rank ⌊(n − 1)/2⌋ and of rank ⌊n/2⌋ in the group, averaged.
fn median(group: u32, n: u32) -> f32 {
  var low = 0.0;
  var high = 0.0;
  for (var i = 0u; i < params.rows; i++) {
    if (!counts(i, group, false)) {
      continue;
    }
    var rank = 0u;
    for (var j = 0u; j < params.rows; j++) {
      if (counts(j, group, false) && (rewards[j] < rewards[i] || (rewards[j] == rewards[i] && j < i))) {
        rank++;
      }
    }
    if (rank == (n - 1u) / 2u) {
      low = rewards[i];
    }
    if (rank == n / 2u) {
      high = rewards[i];
    }
  }
  return 0.5 * (low + high);
}

fn deviation(group: u32, reward: f32) -> f32 {
  let everyone = params.scope == 1u;
  var n = 0u;
  var sum = 0.0;
  for (var i = 0u; i < params.rows; i++) {
    if (counts(i, group, everyone)) {
      n++;
      sum += rewards[i] - reward;
    }
  }
  let mean = reward + sum / f32(n);
  var spread = 0.0;
  for (var i = 0u; i < params.rows; i++) {
    if (counts(i, group, everyone)) {
      let d = rewards[i] - mean;
      spread += select(d * d, abs(d), params.scale == 2u);
    }
  }
  if (params.scale == 2u) {
    return spread / f32(n);
  }
  if (n <= params.ddof) {
    return 1.0;
  }
  return sqrt(spread / f32(n - params.ddof));
}

fn estimate(r: u32) -> f32 {
  let group = groups[r];
  let reward = rewards[r];
  var n = 0u;
  var sum = 0.0;
  for (var i = 0u; i < params.rows; i++) {
    if (counts(i, group, false)) {
      n++;
      sum += rewards[i] - reward;
    }
  }
  var baseline = reward + sum / f32(n);
  if (n == 1u) {
    baseline = reward;
  } else if (params.baseline == 1u) {
    baseline = reward + sum / f32(n - 1u);
  } else if (params.baseline == 2u) {
    baseline = median(group, n);
  }
  let advantage = reward - baseline;
  if (params.scale == 0u || advantage == 0.0) {
    return advantage;
  }
  return advantage / (deviation(group, reward) + params.eps);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let r = id.x;
  if (r >= params.rows) {
    return;
  }
  var advantage = 0.0;
  if (scorable(r)) {
    advantage = estimate(r);
  }
  for (var t = offsets[r]; t < offsets[r + 1u]; t++) {
    advantages[t] = advantage;
  }
}
