// The backward pass of whole rows, down to the gradients of every matrix's output; weight_gradients.wgsl makes the weights' own from them.
// A workgroup (or, on a processor, an invocation) carries one row. Included with it: row.wgsl, and row_product_direct.wgsl or row_product_tiled.wgsl.
//
// theta  [P]     weights, in the order of parameterLayout
// batch  [..]    at `rows`: (first token, tokens, first prediction, predictions) per row
// table  [context, headDim/2, 2]   rotary cos and sin
// acts   [..]    what row_forward.wgsl kept
// work   [..]    gradients. First dLogits [predictions, vocab] (given) and dHidden [predictions, hidden]; from `layersAt`, for each layer dx, dn1,
//                dqkv, dx1, dn2 and dGateUp, each [tokens, its width], `layerWidth` wide together; then the dx of the last layer's output; then
//                dh, dO, a copy of q and ds, which every layer uses anew
//
// A dispatch runs phases firstPhase … lastPhase − 1 of all rows. Phases count from the head down; a phase is a matrix
// product with what comes after it:
//   0          dHidden = dLogits·E; dx of the last layer's output
//   9·i + 1    dh = dx'·W, with dx' the gradient of the layer's output; dGateUp       (layer = layers − 1 − i)
//   9·i + 2    dn2 = dGateUp·W; dx1 = dx' + the norm's part
//   9·i + 3    dO = dx1·W; a copy of q
//   9·i + 4    scores = q·kᵀ; p
//   9·i + 5    dp = dO·vᵀ; ds
//   9·i + 6    dq = ds·k
//   9·i + 7    dk = dsᵀ·q
//   9·i + 8    dv = pᵀ·dO; the rotation of dq and dk
//   9·i + 9    dn1 = dqkv·W; dx = dx1 + the norm's part


struct Params {
  tokens: u32,
  predictions: u32,
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
  // Where the layers' arrays begin in kept and in work, and how wide they are.
  keptAt: u32,
  keptWidth: u32,
  layersAt: u32,
  layerWidth: u32,
  // Where attention's probabilities are in kept for the time of a layer, and the longest row.
  scoresAt: u32,
  span: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> theta: array<Weight>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read_write> kept: array<f32>;
@group(0) @binding(5) var<storage, read_write> work: array<f32>;

// A product with the transpose of a matrix of θ, [inner, columns] as it lies there.
fn linear(rows: u32, columns: u32, inner: u32, a: u32, b: u32, c: u32) -> Product {
  return Product(rows, columns, inner, 1u, a, inner, 1u, 0u, b, 1u, columns, 0u, c, columns, 1u, 0u, NONE, true, 0u);
}

// With n = x·inverse: dx[i] = inverse·(w·dy[i] − n·mean(w·dy[i]·n)) + residual[i]. x and inverse lie in kept.
fn normaliseBackward(local: u32, count: u32, x: u32, inverse: u32, w: u32, dy: u32, residual: u32, dx: u32) {
  let width = params.hidden;
  let lane = local % NORM_LANES;
  for (var first = 0u; first < count; first += THREADS / NORM_LANES) {
    let row = first + local / NORM_LANES;
    let at = row * width;
    var sum = 0.0;
    if (row < count) {
      for (var j = lane; j < width; j += NORM_LANES) {
        sum += f32(theta[w + j]) * work[dy + at + j] * kept[x + at + j];
      }
    }
    sum = sumOfLanes(local, sum);
    if (row < count) {
      let r = kept[inverse + row];
      let mean = sum * r * r / f32(width);
      for (var j = lane; j < width; j += NORM_LANES) {
        var value = r * (f32(theta[w + j]) * work[dy + at + j] - kept[x + at + j] * mean);
        if (residual != NONE) {
          value += work[residual + at + j];
        }
        work[dx + at + j] = value;
      }
    }
  }
  synchronise();
}

// From scores to p = exp(scores/√headDim − lse), 0 for j > query, in kept.
fn probabilities(local: u32, count: u32, scores: u32, lse: u32, p: u32) {
  let scale = 1.0 / sqrt(f32(params.headDim));
  for (var item = local; item < count * params.heads; item += THREADS) {
    let shift = kept[lse + item];
    for (var j = 0u; j < count; j++) {
      let i = item * params.span + j;
      kept[p + i] = select(0.0, exp(scale * work[scores + i] - shift), j <= item / params.heads);
    }
  }
  synchronise();
}

// From dp to ds = p·(dp − Σ p·dp)/√headDim, in place.
fn softmaxBackward(local: u32, count: u32, dp: u32, p: u32) {
  let scale = 1.0 / sqrt(f32(params.headDim));
  for (var item = local; item < count * params.heads; item += THREADS) {
    let query = item / params.heads;
    var dot = 0.0;
    for (var j = 0u; j <= query; j++) {
      dot += kept[p + item * params.span + j] * work[dp + item * params.span + j];
    }
    for (var j = 0u; j < count; j++) {
      let i = item * params.span + j;
      work[dp + i] = select(0.0, scale * kept[p + i] * (work[dp + i] - dot), j <= query);
    }
  }
  synchronise();
}

// The rotation by the opposite angle, on dq and dk in place.
fn rotateBack(local: u32, count: u32, dqkv: u32) {
  let half = params.headDim / 2u;
  let pairs = 2u * params.heads * half;
  for (var i = local; i < count * pairs; i += THREADS) {
    let position = i / pairs;
    let pair = i % half;
    let entry = (position * half + pair) * 2u;
    let at = dqkv + position * 3u * params.heads * params.headDim + i % pairs / half * params.headDim + pair;
    let a = work[at];
    let b = work[at + half];
    work[at] = a * table[entry] + b * table[entry + 1u];
    work[at + half] = b * table[entry] - a * table[entry + 1u];
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
  let tokens = params.tokens;

  // Shared by all layers, after the last one's dx.
  let spare = params.layersAt + (params.layers * params.layerWidth + d) * tokens;
  let dh = spare + start * m;
  let dO = spare + tokens * m + start * inner;
  let qCopy = spare + tokens * (m + inner) + start * inner;
  let ds = spare + tokens * (m + 2u * inner) + start * params.heads * params.span;
  let scores = params.scoresAt + start * params.heads * params.span;

  for (var phase = params.firstPhase; phase < params.lastPhase; phase++) {
    let layer = params.layers - (phase + 8u) / 9u;
    let weights = tensorsOf(layer);
    // In kept.
    let a = activationsAt(params.keptAt + layer * params.keptWidth * tokens, start);
    // In work.
    let base = params.layersAt + layer * params.layerWidth * tokens;
    let dx = base + start * d;
    let dn1 = base + tokens * d + start * d;
    let dqkv = base + tokens * 2u * d + start * 3u * inner;
    let dx1 = base + tokens * (2u * d + 3u * inner) + start * d;
    let dn2 = base + tokens * (3u * d + 3u * inner) + start * d;
    let dGateUp = base + tokens * (4u * d + 3u * inner) + start * 2u * m;
    let above = dx + params.layerWidth * tokens;

    let span = params.span;

    var p: Product;
    // The norm after the product, if there is one.
    var normalised = false;
    var rows = count;
    var source = a.x;
    var inverse = a.inverse1;
    var weight = weights.norm1;
    var residual = dx1;
    var goal = dx;
    let kind = select((phase + 8u) % 9u, 9u, phase == 0u);
    switch (kind) {
      case 0u: {
        p = linear(count, m, d, above, weights.down, dh);
      }
      case 1u: {
        normalised = true;
        source = a.x1;
        inverse = a.inverse2;
        weight = weights.norm2;
        residual = above;
        goal = dx1;
        p = linear(count, d, 2u * m, dGateUp, weights.gateUp, dn2);
      }
      case 2u: {
        p = linear(count, inner, d, dx1, weights.o, dO);
      }
      case 3u, 4u: {
        p = Product(
          count, count, params.headDim, params.heads, select(dO, qCopy, kind == 3u), inner, 1u, params.headDim,
          a.qkv + select(2u, 1u, kind == 3u) * inner, 3u * inner, 1u, params.headDim,
          ds, params.heads * span, 1u, span, NONE, false, COLUMNS_UP_TO_ROW,
        );
      }
      case 5u: {
        p = Product(
          count, params.headDim, count, params.heads, ds, params.heads * span, 1u, span, a.qkv + inner, 1u, 3u * inner, params.headDim,
          dqkv, 3u * inner, 1u, params.headDim, NONE, false, INNER_UP_TO_ROW,
        );
      }
      case 6u: {
        p = Product(
          count, params.headDim, count, params.heads, ds, 1u, params.heads * span, span, a.qkv, 1u, 3u * inner, params.headDim,
          dqkv + inner, 3u * inner, 1u, params.headDim, NONE, false, INNER_FROM_ROW,
        );
      }
      case 7u: {
        // Turned: rows are channels, columns keys.
        p = Product(
          params.headDim, count, count, params.heads, dO, 1u, inner, params.headDim, scores, 1u, params.heads * span, span,
          dqkv + 2u * inner, 1u, 3u * inner, params.headDim, NONE, false, INNER_FROM_COLUMN,
        );
      }
      case 8u: {
        normalised = true;
        p = linear(count, d, 3u * inner, dqkv, weights.qkv, dn1);
      }
      default: {
        normalised = true;
        rows = predictions;
        let silent = (count - predictions - 1u) * d;
        source = a.x + silent;
        inverse = params.predictions * (params.vocab + d) + at.firstPrediction;
        residual = NONE;
        goal = dx + silent;
        p = linear(predictions, d, params.vocab, at.firstPrediction * params.vocab, 0u, params.predictions * params.vocab + at.firstPrediction * d);
        // The other tokens predict nothing that counts.
        for (var i = local; i < silent + d; i += THREADS) {
          work[dx + select(i, i - silent + (count - 1u) * d, i >= silent)] = 0.0;
        }
      }
    }
    product(local, p);
    if (normalised) {
      normaliseBackward(local, rows, source, inverse, weight, p.c, residual, goal);
    } else if (kind == 0u) {
      for (var i = local; i < count * m; i += THREADS) {
        let pair = i / m * 2u * m + i % m;
        let g = kept[a.gateUp + pair];
        let s = 1.0 / (1.0 + exp(min(-g, 80.0)));
        let gradient = work[dh + i];
        work[dGateUp + pair] = gradient * kept[a.gateUp + pair + m] * s * (1.0 + g * (1.0 - s));
        work[dGateUp + pair + m] = gradient * g * s;
      }
      synchronise();
    } else if (kind == 2u) {
      for (var i = local; i < count * inner; i += THREADS) {
        work[qCopy + i] = kept[a.qkv + i / inner * 3u * inner + i % inner];
      }
      synchronise();
    } else if (kind == 3u) {
      probabilities(local, count, ds, a.lse, scores);
    } else if (kind == 4u) {
      softmaxBackward(local, count, ds, scores);
    } else if (kind == 7u) {
      rotateBack(local, count, dqkv);
    }
  }
}
