// The forward pass of whole rows: a workgroup (or, on a processor, an invocation) carries one row of a packed batch through embedding,
// layers and head, so that nobody else ever waits for it. Included with it: row.wgsl, and row_product_direct.wgsl or row_product_tiled.wgsl.
//
// theta  [P]     weights, in the order of parameterLayout
// batch  [..]    tokens at `tokenIds`; at `rows`: (first token, tokens, first prediction, predictions) per row
// table  [context, headDim/2, 2]   rotary cos and sin
// work   [..]    activations. First logits [predictions, vocab], hidden [predictions, hidden] and the last norm's inverse [predictions]; then,
//                from `layersAt`, for each layer the arrays x, n1, inverse1, qkv, o, lse, x1, n2, inverse2, gateUp and h, each
//                [tokens, its width], `layerWidth` wide together (0: every layer uses the same place); then the last layer's output;
//                at `scoresAt` scores of attention [tokens, heads, span], which every layer uses anew
//
// A phase is a matrix product with what goes before it; a dispatch runs phases firstPhase … lastPhase − 1 of all rows:
//   6·layer      (embedding,) n1 = norm(x); qkv = n1·Wᵀ
//   6·layer + 1  rotary positions on q and k; scores = q·kᵀ
//   6·layer + 2  p = softmax(scores/√headDim), causal; o = p·v
//   6·layer + 3  x1 = x + o·Wᵀ
//   6·layer + 4  n2 = norm(x1); gateUp = n2·Wᵀ
//   6·layer + 5  h = gate·σ(gate)·up; the next layer's x = x1 + h·Wᵀ
//   6·layers     hidden = norm(x) at the predicting tokens; logits = hidden·Eᵀ


struct Params {
  tokens: u32,
  predictions: u32,
  tokenIds: u32,
  rows: u32,
  rowCount: u32,
  firstPhase: u32,
  lastPhase: u32,
  layers: u32,
  hidden: u32,
  heads: u32,
  headDim: u32,
  intermediate: u32,
  vocab: u32,
  layersAt: u32,
  layerWidth: u32,
  // Where attention's probabilities are for the time of a layer, and the longest row.
  scoresAt: u32,
  span: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> theta: array<Weight>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read_write> work: array<f32>;

// A product with a matrix of θ, [columns, inner] as it lies there.
fn linear(rows: u32, columns: u32, inner: u32, a: u32, b: u32, c: u32, residual: u32) -> Product {
  return Product(rows, columns, inner, 1u, a, inner, 1u, 0u, b, inner, 1u, 0u, c, columns, 1u, 0u, residual, true, 0u);
}

// goal[i] = source[i]·inverse[i]·w, inverse[i] = 1/√(mean(source[i]²) + eps).
fn normalise(local: u32, count: u32, source: u32, w: u32, goal: u32, inverse: u32) {
  let width = params.hidden;
  let lane = local % NORM_LANES;
  for (var first = 0u; first < count; first += THREADS / NORM_LANES) {
    let row = first + local / NORM_LANES;
    let at = source + row * width;
    var sum = 0.0;
    if (row < count) {
      for (var j = lane; j < width; j += NORM_LANES) {
        sum += work[at + j] * work[at + j];
      }
    }
    sum = sumOfLanes(local, sum);
    if (row < count) {
      let r = 1.0 / sqrt(sum / f32(width) + params.eps);
      for (var j = lane; j < width; j += NORM_LANES) {
        work[goal + row * width + j] = work[at + j] * r * f32(theta[w + j]);
      }
      if (lane == 0u) {
        work[inverse + row] = r;
      }
    }
  }
  synchronise();
}

// With the pair (a, b) = (x[i], x[i + headDim/2]): a' = a·cos φ − b·sin φ, b' = b·cos φ + a·sin φ, on q and k in place.
fn rotate(local: u32, count: u32, qkv: u32) {
  let half = params.headDim / 2u;
  let pairs = 2u * params.heads * half;
  for (var i = local; i < count * pairs; i += THREADS) {
    let position = i / pairs;
    let pair = i % half;
    let entry = (position * half + pair) * 2u;
    let at = qkv + position * 3u * params.heads * params.headDim + i % pairs / half * params.headDim + pair;
    let a = work[at];
    let b = work[at + half];
    work[at] = a * table[entry] - b * table[entry + 1u];
    work[at + half] = b * table[entry] + a * table[entry + 1u];
  }
  synchronise();
}

// Scores to probabilities, in place: p[query, head, j] = softmax over j ≤ query of p/√headDim, 0 beyond; lse = ln Σ exp.
fn softmax(local: u32, count: u32, p: u32, lse: u32) {
  let scale = 1.0 / sqrt(f32(params.headDim));
  for (var item = local; item < count * params.heads; item += THREADS) {
    let query = item / params.heads;
    let at = p + item * params.span;
    var largest = -1e30;
    for (var j = 0u; j <= query; j++) {
      largest = max(largest, work[at + j]);
    }
    var total = 0.0;
    for (var j = 0u; j <= query; j++) {
      total += exp(scale * (work[at + j] - largest));
    }
    for (var j = 0u; j < count; j++) {
      work[at + j] = select(0.0, exp(scale * (work[at + j] - largest)) / total, j <= query);
    }
    work[lse + item] = scale * largest + log(total);
  }
  synchronise();
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let local = threadOf(index);
  let at = rowAt(rowOf(group.x, index));
  let start = at.start;
  let count = at.count;
  let predictions = at.predictions;
  let d = params.hidden;
  let inner = params.heads * params.headDim;
  let m = params.intermediate;

  if (params.firstPhase == 0u) {
    let x = params.layersAt + start * d;
    for (var i = local; i < count * d; i += THREADS) {
      work[x + i] = f32(theta[batch[params.tokenIds + start + i / d] * d + i % d]);
    }
    synchronise();
  }
  for (var phase = params.firstPhase; phase < params.lastPhase; phase++) {
    let layer = phase / 6u;
    let kind = select(phase % 6u, 6u, layer == params.layers);
    let weights = tensorsOf(layer);
    let a = activationsAt(params.layersAt + layer * params.layerWidth * params.tokens, start);
    let scores = params.scoresAt + start * params.heads * params.span;

    var p: Product;
    // What is normalised before the product: rows, from where, by which weight, to where, and where the inverse goes.
    var normalised = false;
    var rows = count;
    var source = a.x;
    var weight = weights.norm1;
    var goal = a.n1;
    var inverse = a.inverse1;
    switch (kind) {
      case 0u: {
        normalised = true;
        p = linear(count, 3u * inner, d, a.n1, weights.qkv, a.qkv, NONE);
      }
      case 1u: {
        rotate(local, count, a.qkv);
        let step = params.heads * params.span;
        p = Product(
          count, count, params.headDim, params.heads, a.qkv, 3u * inner, 1u, params.headDim, a.qkv + inner, 3u * inner, 1u, params.headDim,
          scores, step, 1u, params.span, NONE, false, COLUMNS_UP_TO_ROW,
        );
      }
      case 2u: {
        softmax(local, count, scores, a.lse);
        let step = params.heads * params.span;
        p = Product(
          count, params.headDim, count, params.heads, scores, step, 1u, params.span, a.qkv + 2u * inner, 1u, 3u * inner, params.headDim,
          a.o, inner, 1u, params.headDim, NONE, false, INNER_UP_TO_ROW,
        );
      }
      case 3u: {
        p = linear(count, d, inner, a.o, weights.o, a.x1, a.x);
      }
      case 4u: {
        normalised = true;
        source = a.x1;
        weight = weights.norm2;
        goal = a.n2;
        inverse = a.inverse2;
        p = linear(count, 2u * m, d, a.n2, weights.gateUp, a.gateUp, NONE);
      }
      case 5u: {
        for (var i = local; i < count * m; i += THREADS) {
          let gate = a.gateUp + i / m * 2u * m + i % m;
          let g = work[gate];
          // exp may overflow to infinity only beyond 88, where σ is 0 in float32 anyway.
          work[a.h + i] = g / (1.0 + exp(min(-g, 80.0))) * work[gate + m];
        }
        synchronise();
        p = linear(count, d, m, a.h, weights.down, a.x + params.layerWidth * params.tokens, a.x1);
      }
      default: {
        // The predicting tokens are the row's last ones but one.
        normalised = true;
        rows = predictions;
        source = a.x + (count - predictions - 1u) * d;
        goal = params.predictions * params.vocab + at.firstPrediction * d;
        inverse = params.predictions * (params.vocab + d) + at.firstPrediction;
        p = linear(predictions, params.vocab, d, goal, 0u, at.firstPrediction * params.vocab, NONE);
      }
    }
    if (normalised) {
      normalise(local, rows, source, weight, goal, inverse);
    }
    product(local, p);
  }
}
