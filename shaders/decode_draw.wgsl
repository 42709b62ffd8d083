// Step by step decoding: draws every slot's next token from its logits. A workgroup draws for ROWS slots.
// Included with it: sampler.wgsl, threefry.wgsl.
//
// logits   [slots, vocab]
// control  [..]        at `flags`: BANNED and STOP bits per token; at `temperatures`: 1/T per step;
//                      at `slots`: (limit of new tokens, key word 0, key word 1) per slot
// state    [slots, 4]  in place: last token, its position (−1 once the row has ended), tokens produced, whether a stop token ended it
// output   [slots, maxNew, 4 + 2·alternatives]  token, samplerLogProb, logProb, entropy, alternatives, their log-probs
// Grid ⌈slots/ROWS⌉.

const THREADS = 64u;

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

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<i32>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  loadRows(group.x, local);
  for (var v = local; v < params.vocab; v += THREADS) {
    var z = Lanes(0.0);
    for (var r = 0u; r < ROWS; r++) {
      z[r] = logits[min(firstSlot + r, params.count - 1u) * params.vocab + v];
    }
    scratch[v] = z;
  }
  workgroupBarrier();
  sampleTokens(local, params.step);
  storeRows(local);
}
