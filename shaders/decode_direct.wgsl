// Decoding, whole steps of the network in one dispatch, for adapters that run on a processor: an invocation carries ROWS sequences, alone but
// for the weights, which it loads together with its neighbours; barriers would cost more there than cache lines. What it does is what
// decode.wgsl and sampler.wgsl say, with the same bindings but for the weights, which lie as in θ. Included with it: share.wgsl, threefry.wgsl.
//
// theta    [P]       weights, in the order of parameterLayout
// control  [..]      at `flags`: BANNED and STOP bits per token; at `temperatures`: 1/T per step;
//                    at `slots`: (limit of new tokens, key word 0, key word 1) per slot
// table    [context, headDim/2, 2]   rotary cos and sin
// cache    [slots, layers, 2, inner·capacity]  keys as [inner, capacity], values as [capacity, inner]; rotated keys
// state    [slots, 4]  in place: last token, its position (−1 once the row has ended), tokens produced, whether a stop token ended it
// output   [slots, maxNew, 4 + 2·alternatives]  token, samplerLogProb, logProb, entropy, alternatives, their log-probs
// work     [8·⌈slots/(8·ROWS)⌉, workWidth]   activations; a vector component is a row
// Grid ⌈slots/(8·ROWS)⌉: workgroups as small as they make use of a processor, so that few rows reach several cores.

// How weights are stored; arithmetic is always float32.
alias Weight = f32;
alias Lanes = vec2<f32>;
const ROWS = 2u;
const BANNED = 1u;
const STOP = 2u;
const NONE = 0xffffffffu;

struct Params {
  layers: u32,
  hidden: u32,
  inner: u32,
  headDim: u32,
  intermediate: u32,
  vocab: u32,
  count: u32,
  firstStep: u32,
  steps: u32,
  maxNew: u32,
  capacity: u32,
  flags: u32,
  temperatures: u32,
  slots: u32,
  alternatives: u32,
  greedy: u32,
  truncate: u32,
  topK: u32,
  workWidth: u32,
  topP: f32,
  minP: f32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> theta: array<Weight>;
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read_write> cache: array<f32>;
@group(0) @binding(5) var<storage, read_write> state: array<i32>;
@group(0) @binding(6) var<storage, read_write> output: array<u32>;
@group(0) @binding(7) var<storage, read_write> work: array<Lanes>;

// Positions of the rows, −1 once they have ended.
var<private> positions: vec2<i32>;
var<private> firstSlot: u32;
// ROWS, or fewer if there are not as many; not a constant, so that loops stay loops when compiled.
var<private> rows: u32;

fn outer(v: Lanes, w: vec4<f32>) -> mat4x2<f32> {
  return mat4x2<f32>(v * w.x, v * w.y, v * w.z, v * w.w);
}

// work[goal + n] = Σ_k work[source + k]·W[n, k] (+ work[residual + n], unless that is NONE), 16 columns at a time.
fn product(source: u32, w: u32, outputs: u32, inputs: u32, goal: u32, residual: u32) {
  for (var n = 0u; n < outputs; n += 16u) {
    let columns0 = w + sharedColumns(n, outputs) * inputs;
    let columns1 = w + sharedColumns(n + 8u, outputs) * inputs;
    var sum0 = mat4x2<f32>();
    var sum1 = mat4x2<f32>();
    var sum2 = mat4x2<f32>();
    var sum3 = mat4x2<f32>();
    for (var k = 0u; k < inputs; k++) {
      let v = work[source + k];
      let w0 = share(f32(theta[columns0.x + k]), f32(theta[columns0.y + k]));
      let w1 = share(f32(theta[columns1.x + k]), f32(theta[columns1.y + k]));
      sum0 += outer(v, w0[0]);
      sum1 += outer(v, w0[1]);
      sum2 += outer(v, w1[0]);
      sum3 += outer(v, w1[1]);
    }
    var sums = array<mat4x2<f32>, 4>(sum0, sum1, sum2, sum3);
    for (var i = 0u; i < min(16u, outputs - n); i++) {
      var sum = sums[i / 4u][i % 4u];
      if (residual != NONE) {
        sum += work[residual + n + i];
      }
      work[goal + n + i] = sum;
    }
  }
}

fn normalise(source: u32, w: u32, goal: u32) {
  var sum = Lanes(0.0);
  for (var j = 0u; j < params.hidden; j++) {
    sum += work[source + j] * work[source + j];
  }
  let r = Lanes(1.0) / sqrt(sum / f32(params.hidden) + Lanes(params.eps));
  for (var j = 0u; j < params.hidden; j++) {
    work[goal + j] = work[source + j] * r * f32(theta[w + j]);
  }
}

// Rotary positions, this position's keys and values into the cache, and o = softmax(q·kᵀ/√headDim)·v, row by row.
fn attend(qkv: u32, scores: u32, o: u32, layer: u32) {
  let inner = params.inner;
  let half = params.headDim / 2u;
  let scale = 1.0 / sqrt(f32(params.headDim));
  for (var r = 0u; r < rows; r++) {
    if (positions[r] < 0) {
      continue;
    }
    let position = u32(positions[r]);
    let keys = ((firstSlot + r) * params.layers + layer) * 2u * inner * params.capacity;
    let values = keys + inner * params.capacity;
    for (var i = 0u; i < inner; i++) {
      let pair = i % half;
      let entry = (position * half + pair) * 2u;
      // q's pairs first, then k's.
      let which = i / (inner / 2u);
      let channel = i % (inner / 2u) / half * params.headDim + pair;
      let at = qkv + which * inner + channel;
      let a = work[at][r];
      let b = work[at + half][r];
      let first = a * table[entry] - b * table[entry + 1u];
      let second = b * table[entry] + a * table[entry + 1u];
      if (which == 0u) {
        work[at][r] = first;
        work[at + half][r] = second;
      } else {
        cache[keys + channel * params.capacity + position] = first;
        cache[keys + (channel + half) * params.capacity + position] = second;
      }
    }
    for (var c = 0u; c < inner; c++) {
      cache[values + position * inner + c] = work[qkv + 2u * inner + c][r];
    }
    for (var head = 0u; head < inner; head += params.headDim) {
      var largest = -1e30;
      // Eight keys at once; those beyond the end are read from the last one.
      for (var j = 0u; j <= position; j += 8u) {
        let places0 = keys + head * params.capacity + min(j + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(position));
        let places1 = keys + head * params.capacity + min(j + vec4<u32>(4u, 5u, 6u, 7u), vec4<u32>(position));
        var s0 = vec4<f32>();
        var s1 = vec4<f32>();
        for (var c = 0u; c < params.headDim; c++) {
          let q = scale * work[qkv + head + c][r];
          let at0 = places0 + c * params.capacity;
          let at1 = places1 + c * params.capacity;
          s0 += q * vec4<f32>(cache[at0.x], cache[at0.y], cache[at0.z], cache[at0.w]);
          s1 += q * vec4<f32>(cache[at1.x], cache[at1.y], cache[at1.z], cache[at1.w]);
        }
        var s = array<f32, 8>(s0.x, s0.y, s0.z, s0.w, s1.x, s1.y, s1.z, s1.w);
        for (var i = 0u; i < min(8u, position + 1u - j); i++) {
          largest = max(largest, s[i]);
          work[scores + j + i][r] = s[i];
        }
      }
      var total = 0.0;
      for (var j = 0u; j <= position; j++) {
        let p = exp(work[scores + j][r] - largest);
        work[scores + j][r] = p;
        total += p;
      }
      for (var c = 0u; c < params.headDim; c += 4u) {
        // Beyond the head, the last channel is read again.
        let places = values + head + min(c + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.headDim - 1u));
        var sum = vec4<f32>();
        for (var j = 0u; j <= position; j++) {
          let at = places + j * inner;
          sum += work[scores + j][r] * vec4<f32>(cache[at.x], cache[at.y], cache[at.z], cache[at.w]);
        }
        sum /= total;
        for (var i = 0u; i < min(4u, params.headDim - c); i++) {
          work[o + head + c + i][r] = sum[i];
        }
      }
    }
  }
}

fn banned(v: u32) -> bool {
  return (control[params.flags + v] & BANNED) != 0u;
}

// Draws row r's next token; z are its logits. `kept` and `ranks` are work space of a vocabulary each.
fn draw(r: u32, step: u32, z: u32, kept: u32, ranks: u32) {
  let vocab = params.vocab;
  let inverseTemperature = bitcast<f32>(control[params.temperatures + step]);
  let slot = firstSlot + r;
  let at = (slot * params.maxNew + step) * (4u + 2u * params.alternatives);
  var top = -1e30;
  var allowedTop = -1e30;
  var token = 0u;
  for (var v = 0u; v < vocab; v++) {
    let value = work[z + v][r];
    top = max(top, value);
    if (value > allowedTop && !banned(v)) {
      allowedTop = value;
      token = v;
    }
  }
  var sum = 0.0;
  var weighted = 0.0;
  var total = 0.0;
  for (var v = 0u; v < vocab; v++) {
    let value = work[z + v][r];
    let e = exp(value - top);
    sum += e;
    weighted += e * (value - top);
    let w = select(exp((value - allowedTop) * inverseTemperature), 0.0, banned(v));
    work[kept + v][r] = w;
    total += w;
  }
  let logSum = top + log(sum);
  if (params.truncate != 0u || params.alternatives > 0u) {
    for (var v = 0u; v < vocab; v++) {
      let value = work[z + v][r];
      var rank = 0u;
      var allowedRank = 0u;
      // Weight of the allowed tokens that rank before this one.
      var before = 0.0;
      for (var u = 0u; u < vocab; u++) {
        let other = work[z + u][r];
        if (other > value || (other == value && u < v)) {
          rank++;
          if (!banned(u)) {
            allowedRank++;
            before += work[kept + u][r];
          }
        }
      }
      if (rank < params.alternatives) {
        output[at + 4u + rank] = v;
        output[at + 4u + rank + params.alternatives] = bitcast<u32>(value - logSum);
      }
      work[ranks + v][r] = select(-1.0, before, allowedRank < params.topK && !banned(v));
    }
  }
  if (params.truncate != 0u) {
    var inTopK = 0.0;
    for (var v = 0u; v < vocab; v++) {
      inTopK += select(0.0, work[kept + v][r], work[ranks + v][r] >= 0.0);
    }
    // A token stays while those before it do not reach topP of what top-k left; topP 1 keeps all, whatever rounding says.
    let reach = select(inTopK * params.topP, 1e30, params.topP >= 1.0);
    total = 0.0;
    for (var v = 0u; v < vocab; v++) {
      let before = work[ranks + v][r];
      var w = work[kept + v][r];
      if (before < 0.0 || before >= reach || w < params.minP) {
        w = 0.0;
      }
      work[kept + v][r] = w;
      total += w;
    }
  }
  let entry = params.slots + slot * 3u;
  if (params.greedy == 0u) {
    let mark = total * uniform01(vec2<u32>(control[entry + 1u], control[entry + 2u]), u32(positions[r]) + 1u);
    var reached = 0.0;
    // Rounding may leave the mark at the very end: then the last kept token is the one.
    for (var v = 0u; v < vocab; v++) {
      let w = work[kept + v][r];
      if (w > 0.0) {
        token = v;
        reached += w;
        if (reached > mark) {
          break;
        }
      }
    }
  }
  let value = work[z + token][r];
  output[at] = token;
  output[at + 1u] = bitcast<u32>((value - allowedTop) * inverseTemperature - log(total));
  output[at + 2u] = bitcast<u32>(value - logSum);
  output[at + 3u] = bitcast<u32>(log(sum) - weighted / sum);

  let produced = u32(state[slot * 4u + 2u]) + 1u;
  let stopped = (control[params.flags + token] & STOP) != 0u;
  positions[r] = select(positions[r] + 1, -1, stopped || produced >= control[entry]);
  state[slot * 4u] = i32(token);
  state[slot * 4u + 1u] = positions[r];
  state[slot * 4u + 2u] = i32(produced);
  state[slot * 4u + 3u] = select(0, 1, stopped);
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // Invocations beyond the last row help with the weights.
  firstSlot = id.x * ROWS;
  rows = min(ROWS, params.count);
  positions = vec2<i32>(-1);
  findSharer();
  for (var r = 0u; r < rows; r++) {
    if (firstSlot + r < params.count) {
      positions[r] = state[(firstSlot + r) * 4u + 1u];
    }
  }
  let d = params.hidden;
  let inner = params.inner;
  let m = params.intermediate;
  let vocab = params.vocab;
  // θ: where a layer's tensors begin, from the layer's start.
  let oAt = d + 3u * inner * d;
  let norm2At = oAt + d * inner;
  let gateUpAt = norm2At + d;
  let downAt = gateUpAt + 2u * m * d;
  let layerSize = downAt + d * m;
  // Work: the stream, what is normalised of it, and what a step of a layer needs besides.
  let x = id.x * params.workWidth;
  let y = x + d;
  let wide = y + d;

  for (var step = 0u; step < params.steps; step++) {
    if (subgroupAll(all(positions < vec2<i32>(0)))) {
      break;
    }
    for (var r = 0u; r < rows; r++) {
      if (positions[r] >= 0) {
        let token = u32(state[(firstSlot + r) * 4u]);
        for (var j = 0u; j < d; j++) {
          work[x + j][r] = f32(theta[token * d + j]);
        }
      }
    }
    // A phase is a matrix product with what goes before it; four to a layer, and the head.
    for (var phase = 0u; phase <= 4u * params.layers; phase++) {
      let layer = phase / 4u;
      let weights = vocab * d + layer * layerSize;
      var source = y;
      var w = weights + d;
      var outputs = 3u * inner;
      var inputs = d;
      var goal = wide;
      var residual = NONE;
      var weight = weights;
      switch (select(phase % 4u, 4u, layer == params.layers)) {
        case 0u: {}
        case 1u: {
          let o = wide + 3u * inner;
          attend(wide, o + inner, o, layer);
          source = o;
          w = weights + oAt;
          outputs = d;
          inputs = inner;
          goal = x;
          residual = x;
        }
        case 2u: {
          weight = weights + norm2At;
          w = weights + gateUpAt;
          outputs = 2u * m;
        }
        case 3u: {
          for (var j = 0u; j < m; j++) {
            let g = work[wide + j];
            work[wide + j] = g / (Lanes(1.0) + exp(min(-g, Lanes(80.0)))) * work[wide + m + j];
          }
          source = wide;
          w = weights + downAt;
          outputs = d;
          inputs = m;
          goal = x;
          residual = x;
        }
        default: {
          w = 0u;
          outputs = vocab;
        }
      }
      if (phase % 2u == 0u) {
        normalise(x, weight, y);
      }
      product(source, w, outputs, inputs, goal, residual);
    }
    for (var r = 0u; r < rows; r++) {
      if (positions[r] >= 0) {
        draw(r, params.firstStep + step, wide, wide + vocab, wide + 2u * vocab);
      }
    }
  }
}
