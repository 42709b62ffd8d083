// Drawing the next token of ROWS sequences from their logits z, all rows at once: a vector component is a row.
// No bindings of its own: included after a kernel that declares them (decode.wgsl, decode_draw.wgsl).
//
//   policy:  logProb = z_a − ln Σ exp z,  H = −Σ p ln p, at temperature 1, nothing removed; its most probable tokens
//   sampler: w_v = exp((z_v − max)/T) without the banned tokens, then top-k, then top-p, then min-p;
//            the token is the smallest a with Σ_{v ≤ a} w_v > u·Σ w, u = uniform01(key, position);
//            samplerLogProb = ln(w_a/Σ w).
// Ties go to the lower id everywhere. Sums run over segments of eight tokens in the order of ids.
//
// scratch[v] holds z on entry; scratch[VOCAB + v] and scratch[2·VOCAB + v] are work space.

alias Lanes = vec4<f32>;
const ROWS = 4u;
// Elements of `scratch`: what the including kernel needs, and at least 3·VOCAB; of the partial sums likewise, and at least SEGMENTS.
const SCRATCH = 512u;
const PARTIALS = 16u;
const BANNED = 1u;
const STOP = 2u;
const VOCAB = 104u;
const SEGMENT = 8u;
const SEGMENTS = (VOCAB + SEGMENT - 1u) / SEGMENT;

struct Row {
  token: u32,
  position: i32,
  produced: u32,
  finished: u32,
  limit: u32,
  key: vec2<u32>,
}

var<workgroup> rows: array<Row, ROWS>;
var<workgroup> scratch: array<Lanes, SCRATCH>;
var<workgroup> partialA: array<Lanes, PARTIALS>;
var<workgroup> partialB: array<Lanes, PARTIALS>;
var<workgroup> partialC: array<Lanes, PARTIALS>;
var<private> firstSlot: u32;

fn outputAt(r: u32, step: u32) -> u32 {
  return ((firstSlot + r) * params.maxNew + step) * (4u + 2u * params.alternatives);
}

// From `state` and `control` to the workgroup's rows; those beyond the last slot have ended. A barrier must follow.
fn loadRows(group: u32, local: u32) {
  firstSlot = group * ROWS;
  if (local < ROWS) {
    var row = Row(0u, -1, 0u, 0u, 0u, vec2<u32>());
    let slot = firstSlot + local;
    if (slot < params.count) {
      let entry = params.slots + slot * 3u;
      row = Row(
        u32(state[slot * 4u]),
        state[slot * 4u + 1u],
        u32(state[slot * 4u + 2u]),
        u32(state[slot * 4u + 3u]),
        control[entry],
        vec2<u32>(control[entry + 1u], control[entry + 2u]),
      );
    }
    rows[local] = row;
  }
}

fn storeRows(local: u32) {
  if (local < ROWS && firstSlot + local < params.count) {
    let at = (firstSlot + local) * 4u;
    state[at] = i32(rows[local].token);
    state[at + 1u] = rows[local].position;
    state[at + 2u] = i32(rows[local].produced);
    state[at + 3u] = i32(rows[local].finished);
  }
}

// A bound that compilers do not unroll.
fn segments() -> u32 {
  return (params.vocab + SEGMENT - 1u) / SEGMENT;
}

fn sampleTokens(local: u32, step: u32) {
  let inverseTemperature = bitcast<f32>(control[params.temperatures + step]);

  // Maxima of all tokens and of the allowed ones, and the first allowed token that reaches it.
  if (local < SEGMENTS) {
    var top = Lanes(-1e30);
    var allowedTop = Lanes(-1e30);
    var best = Lanes(0.0);
    for (var v = local * SEGMENT; v < min(params.vocab, (local + 1u) * SEGMENT); v++) {
      let z = scratch[v];
      top = max(top, z);
      if ((control[params.flags + v] & BANNED) == 0u) {
        best = select(best, Lanes(f32(v)), z > allowedTop);
        allowedTop = max(allowedTop, z);
      }
    }
    partialA[local] = top;
    partialB[local] = allowedTop;
    partialC[local] = best;
  }
  workgroupBarrier();
  var top = partialA[0];
  var allowedTop = partialB[0];
  var best = partialC[0];
  for (var i = 1u; i < segments(); i++) {
    top = max(top, partialA[i]);
    best = select(best, partialC[i], partialB[i] > allowedTop);
    allowedTop = max(allowedTop, partialB[i]);
  }
  for (var v = local; v < params.vocab; v += THREADS) {
    let z = scratch[v];
    scratch[2u * VOCAB + v] = exp(z - top);
    let banned = (control[params.flags + v] & BANNED) != 0u;
    scratch[VOCAB + v] = select(exp((z - allowedTop) * inverseTemperature), Lanes(0.0), banned);
  }
  workgroupBarrier();
  if (local < SEGMENTS) {
    var sum = Lanes(0.0);
    var weighted = Lanes(0.0);
    var kept = Lanes(0.0);
    for (var v = local * SEGMENT; v < min(params.vocab, (local + 1u) * SEGMENT); v++) {
      let e = scratch[2u * VOCAB + v];
      sum += e;
      weighted += e * (scratch[v] - top);
      kept += scratch[VOCAB + v];
    }
    partialA[local] = sum;
    partialB[local] = weighted;
    partialC[local] = kept;
  }
  workgroupBarrier();
  var sum = Lanes(0.0);
  var weighted = Lanes(0.0);
  for (var i = 0u; i < segments(); i++) {
    sum += partialA[i];
    weighted += partialB[i];
  }
  let logSum = top + log(sum);
  let entropy = log(sum) - weighted / sum;

  if (params.truncate != 0u || params.alternatives > 0u) {
    rankTokens(local, step, logSum);
  }
  if (local < ROWS && rows[local].position >= 0) {
    drawToken(local, step, u32(best[local]), allowedTop[local], inverseTemperature, logSum[local], entropy[local]);
  }
  workgroupBarrier();
}

// Alternatives by rank, and the truncated weights with their segment sums.
fn rankTokens(local: u32, step: u32, logSum: Lanes) {
  for (var v = local; v < params.vocab; v += THREADS) {
    let z = scratch[v];
    var rank = Lanes(0.0);
    var allowedRank = Lanes(0.0);
    // Weight of the allowed tokens that rank before this one.
    var before = Lanes(0.0);
    for (var u = 0u; u < params.vocab; u++) {
      let other = scratch[u];
      var ahead = select(Lanes(0.0), Lanes(1.0), other > z);
      if (u < v) {
        ahead = select(Lanes(0.0), Lanes(1.0), other >= z);
      }
      rank += ahead;
      if ((control[params.flags + u] & BANNED) == 0u) {
        allowedRank += ahead;
        before += ahead * scratch[VOCAB + u];
      }
    }
    for (var r = 0u; r < ROWS; r++) {
      if (rows[r].position >= 0 && rank[r] < f32(params.alternatives)) {
        let at = outputAt(r, step) + 4u + u32(rank[r]);
        output[at] = v;
        output[at + params.alternatives] = bitcast<u32>(z[r] - logSum[r]);
      }
    }
    let banned = (control[params.flags + v] & BANNED) != 0u;
    scratch[2u * VOCAB + v] = select(select(Lanes(-1.0), before, allowedRank < Lanes(f32(params.topK))), Lanes(-1.0), banned);
  }
  workgroupBarrier();
  if (params.truncate == 0u) {
    return;
  }
  if (local < SEGMENTS) {
    var kept = Lanes(0.0);
    for (var v = local * SEGMENT; v < min(params.vocab, (local + 1u) * SEGMENT); v++) {
      kept += select(Lanes(0.0), scratch[VOCAB + v], scratch[2u * VOCAB + v] >= Lanes(0.0));
    }
    partialA[local] = kept;
  }
  workgroupBarrier();
  var inTopK = Lanes(0.0);
  for (var i = 0u; i < segments(); i++) {
    inTopK += partialA[i];
  }
  // A token stays while those before it do not reach topP of what top-k left; topP 1 keeps all, whatever rounding says.
  let reach = select(inTopK * params.topP, Lanes(1e30), params.topP >= 1.0);
  for (var v = local; v < params.vocab; v += THREADS) {
    let before = scratch[2u * VOCAB + v];
    let w = scratch[VOCAB + v];
    scratch[VOCAB + v] = select(Lanes(0.0), w, (before >= Lanes(0.0)) & (before < reach) & (w >= Lanes(params.minP)));
  }
  workgroupBarrier();
  if (local < SEGMENTS) {
    var kept = Lanes(0.0);
    for (var v = local * SEGMENT; v < min(params.vocab, (local + 1u) * SEGMENT); v++) {
      kept += scratch[VOCAB + v];
    }
    partialC[local] = kept;
  }
  workgroupBarrier();
}

// One invocation a row: partialC has the segment sums of the kept weights.
fn drawToken(r: u32, step: u32, best: u32, allowedTop: f32, inverseTemperature: f32, logSum: f32, entropy: f32) {
  var total = 0.0;
  for (var i = 0u; i < segments(); i++) {
    total += partialC[i][r];
  }
  var token = best;
  if (params.greedy == 0u) {
    let draw = uniform01(rows[r].key, u32(rows[r].position) + 1u);
    let mark = draw * total;
    var segment = 0u;
    var sum = 0.0;
    // Rounding may leave the mark at the very end: then the last kept token is the one.
    while (segment + 1u < segments() && sum + partialC[segment][r] <= mark) {
      sum += partialC[segment][r];
      segment++;
    }
    for (var v = segment * SEGMENT; v < min(params.vocab, (segment + 1u) * SEGMENT); v++) {
      let w = scratch[VOCAB + v][r];
      if (w > 0.0) {
        token = v;
        sum += w;
        if (sum > mark) {
          break;
        }
      }
    }
  }
  let z = scratch[token][r];
  let at = outputAt(r, step);
  output[at] = token;
  output[at + 1u] = bitcast<u32>((z - allowedTop) * inverseTemperature - log(total));
  output[at + 2u] = bitcast<u32>(z - logSum);
  output[at + 3u] = bitcast<u32>(entropy);

  rows[r].token = token;
  rows[r].produced += 1u;
  rows[r].position += 1;
  if ((control[params.flags + token] & STOP) != 0u) {
    rows[r].finished = 1u;
  }
  if (rows[r].finished != 0u || rows[r].produced >= rows[r].limit) {
    rows[r].position = -1;
  }
}
