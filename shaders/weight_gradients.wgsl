// Gradients of all weights from the gradients of every matrix's output, in one dispatch: a workgroup does one job, a part of one tensor.
// Included with it: weight_product_direct.wgsl or weight_product_tiled.wgsl. Sums run in a fixed order.
//
// jobs     [.., 8]  kind; tensor's place in θ; outputs; inputs; where dy and where x lie in their layers' arrays, in widths;
//                   where the norm's inverse lies; number of the first tile (of matrices) or column (of norms)
//   kind 0: a matrix, dW = Σ_t dy_tᵀ·x_t                   kind 1: the tied embedding: the head's part, then the embedding's
//   kind 2: a layer's norm, dw = Σ_t dy_t·x_t·inverse_t    kind 3: the last norm, over predicting tokens
// batch    [..]  at `predictors`: the token before each predicted one; at `starts` and `sorted`: the chunk's positions by token
// acts     [..]  what row_forward.wgsl kept: logits, hidden and inverse by prediction, then from `actsAt` the layers' arrays
// work     [..]  what row_backward.wgsl made: dLogits and dHidden by prediction, then from `workAt` the layers' arrays
// gradient       [P], added to, if there is one slice; else [slices, P], written, and reduce_gradients.wgsl adds the slices.
// Slice z covers a z-th part of the tokens or predictions. Grid (jobs, 1, slices).

struct Params {
  tokens: u32,
  predictions: u32,
  hidden: u32,
  vocab: u32,
  predictors: u32,
  starts: u32,
  sorted: u32,
  actsAt: u32,
  workAt: u32,
  // Where the last layer's output lies in its layers' arrays.
  lastX: u32,
  slices: u32,
  parameters: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> jobs: array<u32>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
@group(0) @binding(3) var<storage, read> acts: array<f32>;
@group(0) @binding(4) var<storage, read> work: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;

struct WeightProduct {
  kind: u32,
  slice: u32,
  place: u32,
  outputs: u32,
  inputs: u32,
  dy: u32,
  x: u32,
  first: u32,
  last: u32,
  tile: u32,
}

fn put(slice: u32, at: u32, value: f32) {
  if (params.slices == 1u) {
    gradient[at] += value;
  } else {
    gradient[slice * params.parameters + at] = value;
  }
}

// An element of a matrix's gradient; the embedding also gets dx of the positions where its token stands.
fn putElement(p: WeightProduct, m: u32, n: u32, value: f32) {
  var sum = value;
  if (p.kind == 1u && p.slice == 0u) {
    let end = batch[params.starts + m + 1u];
    for (var i = batch[params.starts + m]; i < end; i++) {
      sum += work[params.workAt + batch[params.sorted + i] * params.hidden + n];
    }
  }
  put(p.slice, p.place + m * p.inputs + n, sum);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let job = group.x * 8u;
  let kind = jobs[job];
  let place = jobs[job + 1u];
  let outputs = jobs[job + 2u];
  let inputs = jobs[job + 3u];
  let byPrediction = kind % 2u == 1u;
  let count = select(params.tokens, params.predictions, byPrediction);
  let length = (count + params.slices - 1u) / params.slices;
  let first = min(group.z * length, count);
  let last = min(first + length, count);
  var dy = params.workAt + jobs[job + 4u] * params.tokens;
  var x = params.actsAt + jobs[job + 5u] * params.tokens;
  var inverse = params.actsAt + jobs[job + 6u] * params.tokens;
  if (kind == 1u) {
    dy = 0u;
    x = params.predictions * params.vocab;
  } else if (kind == 3u) {
    dy = params.predictions * params.vocab;
    x = params.actsAt + params.lastX * params.tokens;
    inverse = params.predictions * (params.vocab + params.hidden);
  }
  if (kind < 2u) {
    weightProduct(local, WeightProduct(kind, group.z, place, outputs, inputs, dy, x, first, last, jobs[job + 7u]));
    return;
  }
  let column = jobs[job + 7u] + local % NORM_COLUMNS;
  var sum = 0.0;
  if (column < inputs) {
    for (var i = first + local / NORM_COLUMNS; i < last; i += THREADS / NORM_COLUMNS) {
      var s = i;
      if (byPrediction) {
        s = batch[params.predictors + i];
      }
      sum += work[dy + i * inputs + column] * acts[x + s * inputs + column] * acts[inverse + i];
    }
  }
  sum = sumOfColumn(local, sum);
  if (local < NORM_COLUMNS && column < inputs) {
    put(group.z, place + column, sum);
  }
}
