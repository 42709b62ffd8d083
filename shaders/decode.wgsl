// Decoding, whole steps of the network in one dispatch: a workgroup carries ROWS sequences through embedding, layers, head and
// sampler, `steps` tokens long, with keys and values in a cache on the device. Rows that have ended do nothing;
// a workgroup whose rows have all ended stops. Included with it: threefry.wgsl, sampler.wgsl.
//
// weights  [P]       every matrix of θ transposed to [in, out], so that neighbouring invocations read neighbouring weights
// control  [..]      at `flags`: BANNED and STOP bits per token; at `temperatures`: 1/T per step;
//                    at `slots`: (limit of new tokens, key word 0, key word 1) per slot
// table    [context, HEAD_DIM/2, 2]   rotary cos and sin
// cache    [slots, LAYERS, 2, INNER·capacity]  keys as [INNER, capacity], values as [capacity, INNER]; rotated keys
// state    [slots, 4]  in place: last token, its position (−1 once the row has ended), tokens produced, whether a stop token ended it
// output   [slots, maxNew, 4 + 2·alternatives]  token, samplerLogProb, logProb, entropy, alternatives, their log-probs
// Activations live in workgroup memory, ROWS to a vector. Grid ⌈slots/ROWS⌉.

// How weights are stored; arithmetic is always float32.
alias Weight = f32;
const THREADS = 128u;
const HIDDEN = 64u;
const HEADS = 4u;
const HEAD_DIM = 16u;
const INTERMEDIATE = 176u;
const LAYERS = 2u;
const EPS = 1e-5;
// Longest sequence whose attention scores fit.
const SPAN = 128u;

const INNER = HEADS * HEAD_DIM;
const HALF = HEAD_DIM / 2u;

// Where the tensors of a layer begin, from the layer's start.
const QKV = HIDDEN;
const O = QKV + 3u * INNER * HIDDEN;
const NORM2 = O + HIDDEN * INNER;
const GATE_UP = NORM2 + HIDDEN;
const DOWN = GATE_UP + 2u * INTERMEDIATE * HIDDEN;
const LAYER = DOWN + HIDDEN * INTERMEDIATE;

// The sizes are here again as loop bounds: a compiler that sees constants unrolls the whole network, for half a minute.
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
  topP: f32,
  minP: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<Weight>;
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read_write> cache: array<f32>;
@group(0) @binding(5) var<storage, read_write> state: array<i32>;
@group(0) @binding(6) var<storage, read_write> output: array<u32>;

var<workgroup> running: u32;
var<workgroup> longest: u32;
var<workgroup> x: array<Lanes, HIDDEN>;
var<workgroup> y: array<Lanes, max(HIDDEN, INNER)>;
var<workgroup> q: array<Lanes, INNER>;

// Where the keys of row r and a layer begin; the values follow INNER·capacity later.
fn cacheAt(r: u32, layer: u32) -> u32 {
  return ((firstSlot + r) * LAYERS + layer) * 2u * INNER * params.capacity;
}

// y = RMSNorm(x)·w.
fn normalise(local: u32, weight: u32) {
  for (var s = local; s < (HIDDEN + 7u) / 8u; s += THREADS) {
    var sum = Lanes(0.0);
    for (var i = s * 8u; i < min(HIDDEN, s * 8u + 8u); i++) {
      sum += x[i] * x[i];
    }
    partialA[s] = sum;
  }
  workgroupBarrier();
  var sum = Lanes(0.0);
  for (var s = 0u; s < (params.hidden + 7u) / 8u; s++) {
    sum += partialA[s];
  }
  let r = Lanes(1.0) / sqrt(sum / f32(HIDDEN) + Lanes(EPS));
  for (var i = local; i < params.hidden; i += THREADS) {
    y[i] = x[i] * r * f32(weights[weight + i]);
  }
  workgroupBarrier();
}

// q, and this position's keys and values into the cache; an invocation makes the two channels that rotate together.
fn project(local: u32, base: u32, layer: u32) {
  for (var item = local; item < 3u * INNER / 2u; item += THREADS) {
    let part = item / (INNER / 2u);
    let pair = item % HALF;
    let channel = item % (INNER / 2u) / HALF * HEAD_DIM + pair;
    let column = base + part * INNER + channel;
    var a = Lanes(0.0);
    var b = Lanes(0.0);
    for (var k = 0u; k < params.hidden; k++) {
      let row = column + k * 3u * INNER;
      a += y[k] * f32(weights[row]);
      b += y[k] * f32(weights[row + HALF]);
    }
    if (part < 2u) {
      var cosine = Lanes(1.0);
      var sine = Lanes(0.0);
      for (var r = 0u; r < ROWS; r++) {
        let entry = (u32(max(rows[r].position, 0)) * HALF + pair) * 2u;
        cosine[r] = table[entry];
        sine[r] = table[entry + 1u];
      }
      let rotated = a * cosine - b * sine;
      b = b * cosine + a * sine;
      a = rotated;
    }
    if (part == 0u) {
      q[channel] = a;
      q[channel + HALF] = b;
      continue;
    }
    for (var r = 0u; r < ROWS; r++) {
      if (rows[r].position >= 0) {
        let at = cacheAt(r, layer);
        let position = u32(rows[r].position);
        if (part == 1u) {
          cache[at + channel * params.capacity + position] = a[r];
          cache[at + (channel + HALF) * params.capacity + position] = b[r];
        } else {
          let value = at + INNER * params.capacity + position * INNER + channel;
          cache[value] = a[r];
          cache[value + HALF] = b[r];
        }
      }
    }
  }
  storageBarrier();
  workgroupBarrier();
}

// y = softmax(q·kᵀ/√HEAD_DIM)·v over each row's cache.
fn attend(local: u32, layer: u32) {
  let scale = 1.0 / sqrt(f32(HEAD_DIM));
  let span = longest;
  for (var item = local; item < HEADS * span; item += THREADS) {
    let head = item / span;
    let j = item % span;
    var s = Lanes(-1e30);
    for (var r = 0u; r < ROWS; r++) {
      if (i32(j) <= rows[r].position) {
        let at = cacheAt(r, layer) + head * HEAD_DIM * params.capacity + j;
        var sum = 0.0;
        for (var i = 0u; i < params.headDim; i++) {
          sum += q[head * HEAD_DIM + i][r] * cache[at + i * params.capacity];
        }
        s[r] = sum * scale;
      }
    }
    scratch[head * SPAN + j] = s;
  }
  workgroupBarrier();
  for (var head = local; head < HEADS; head += THREADS) {
    var top = Lanes(-1e30);
    for (var j = 0u; j < span; j++) {
      top = max(top, scratch[head * SPAN + j]);
    }
    partialA[head] = top;
  }
  workgroupBarrier();
  for (var item = local; item < HEADS * span; item += THREADS) {
    let at = item / span * SPAN + item % span;
    scratch[at] = exp(scratch[at] - partialA[item / span]);
  }
  workgroupBarrier();
  for (var channel = local; channel < params.inner; channel += THREADS) {
    let head = channel / HEAD_DIM;
    var sum = Lanes(0.0);
    var total = Lanes(0.0);
    for (var j = 0u; j < span; j++) {
      let p = scratch[head * SPAN + j];
      total += p;
      for (var r = 0u; r < ROWS; r++) {
        // What lies beyond a row's end in the cache may be anything.
        if (i32(j) <= rows[r].position) {
          sum[r] += p[r] * cache[cacheAt(r, layer) + (params.capacity + j) * INNER + channel];
        }
      }
    }
    y[channel] = sum / total;
  }
  workgroupBarrier();
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  loadRows(group.x, local);
  workgroupBarrier();
  for (var step = 0u; step < params.steps; step++) {
    if (local == 0u) {
      running = 0u;
      longest = 0u;
      for (var r = 0u; r < ROWS; r++) {
        if (rows[r].position >= 0) {
          running++;
          longest = max(longest, u32(rows[r].position) + 1u);
        }
      }
    }
    if (workgroupUniformLoad(&running) == 0u) {
      break;
    }
    for (var i = local; i < params.hidden; i += THREADS) {
      var e = Lanes(0.0);
      for (var r = 0u; r < ROWS; r++) {
        e[r] = f32(weights[i * VOCAB + rows[r].token]);
      }
      x[i] = e;
    }
    workgroupBarrier();
    for (var layer = 0u; layer < params.layers; layer++) {
      let base = VOCAB * HIDDEN + layer * LAYER;
      normalise(local, base);
      project(local, base + QKV, layer);
      attend(local, layer);
      for (var n = local; n < params.hidden; n += THREADS) {
        var sum = x[n];
        for (var k = 0u; k < params.inner; k++) {
          sum += y[k] * f32(weights[base + O + k * HIDDEN + n]);
        }
        x[n] = sum;
      }
      workgroupBarrier();
      normalise(local, base + NORM2);
      for (var n = local; n < params.intermediate; n += THREADS) {
        var gate = Lanes(0.0);
        var up = Lanes(0.0);
        for (var k = 0u; k < params.hidden; k++) {
          let row = base + GATE_UP + k * 2u * INTERMEDIATE + n;
          gate += y[k] * f32(weights[row]);
          up += y[k] * f32(weights[row + INTERMEDIATE]);
        }
        scratch[n] = gate / (Lanes(1.0) + exp(min(-gate, Lanes(80.0)))) * up;
      }
      workgroupBarrier();
      for (var n = local; n < params.hidden; n += THREADS) {
        var sum = x[n];
        for (var k = 0u; k < params.intermediate; k++) {
          sum += scratch[k] * f32(weights[base + DOWN + k * HIDDEN + n]);
        }
        x[n] = sum;
      }
      workgroupBarrier();
    }
    normalise(local, VOCAB * HIDDEN + LAYERS * LAYER);
    for (var v = local; v < params.vocab; v += THREADS) {
      var sum = Lanes(0.0);
      for (var k = 0u; k < params.hidden; k++) {
        sum += y[k] * f32(weights[k * VOCAB + v]);
      }
      scratch[v] = sum;
    }
    workgroupBarrier();
    sampleTokens(local, params.firstStep + step);
  }
  storeRows(local);
}
