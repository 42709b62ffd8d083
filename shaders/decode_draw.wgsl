// Step by step decoding: draws every slot's next token from its logits. A workgroup draws for ROWS slots.
// Included with it: sampler.wgsl, threefry.wgsl.
//
// logits   [slots, vocab]
// control  [..]        at `flags`: BANNED and STOP bits per token; at `temperatures`: 1/T per step;
//                      at `slots`: (limit of new tokens, key word 0, key word 1) per slot
// state    [slots, 4]  in place: last token, its position (−1 once the row has ended), tokens produced, whether a stop token ended it
// output   [slots, maxNew, 4 + 2·alternatives]  token, samplerLogProb, logProb, entropy, alternatives, their log-probs
// Grid ⌈slots/ROWS⌉.

alias Lanes = vec4<f32>;
const ROWS = 4u;
const THREADS = 64u;
// Elements of `scratch`: 3·VOCAB; of the partial sums: SEGMENTS.
const SCRATCH = 312u;
const PARTIALS = 13u;
const BANNED = 1u;
const STOP = 2u;

struct Params {
  vocab: u32,
  count: u32,
  step: u32,
  maxNew: u32,
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

struct Row {
  token: u32,
  position: i32,
  produced: u32,
  finished: u32,
  limit: u32,
  key: vec2<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<i32>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;

var<workgroup> rows: array<Row, ROWS>;
var<workgroup> scratch: array<Lanes, SCRATCH>;
var<workgroup> partialA: array<Lanes, PARTIALS>;
var<workgroup> partialB: array<Lanes, PARTIALS>;
var<workgroup> partialC: array<Lanes, PARTIALS>;
var<private> firstSlot: u32;

fn outputAt(r: u32, step: u32) -> u32 {
  return ((firstSlot + r) * params.maxNew + step) * (4u + 2u * params.alternatives);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  firstSlot = group.x * ROWS;
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
  for (var v = local; v < params.vocab; v += THREADS) {
    var z = Lanes(0.0);
    for (var r = 0u; r < ROWS; r++) {
      z[r] = logits[min(firstSlot + r, params.count - 1u) * params.vocab + v];
    }
    scratch[v] = z;
  }
  workgroupBarrier();
  sampleTokens(local, params.step);
  if (local < ROWS && firstSlot + local < params.count) {
    let at = (firstSlot + local) * 4u;
    state[at] = i32(rows[local].token);
    state[at + 1u] = rows[local].position;
    state[at + 2u] = i32(rows[local].produced);
    state[at + 3u] = i32(rows[local].finished);
  }
}
