// Copies keys and values of prefixes that the packed forward pass has computed into the decoding cache:
// a prefix that several slots share is computed once and copied to each.
//
// qkv      [..]   rotated queries and keys, values, [tokens, 3·inner] for each layer: layer l's begin at first + (l − layer)·step
// control  [..]                at `prefixes`: (first token, tokens) per slot; the chunk holds tokens base … base + tokens − 1
// cache    [slots, layers, 2, inner·capacity]  keys as [inner, capacity], values as [capacity, inner]
// One invocation a channel of a prefix position; grid (⌈longest·inner/64⌉, slots, layers to fill).

struct Params {
  inner: u32,
  layers: u32,
  // The first layer to fill.
  layer: u32,
  first: u32,
  step: u32,
  capacity: u32,
  prefixes: u32,
  base: u32,
  tokens: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<storage, read_write> cache: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let slot = id.y;
  let start = control[params.prefixes + slot * 2u];
  let length = control[params.prefixes + slot * 2u + 1u];
  let position = id.x / params.inner;
  let channel = id.x % params.inner;
  if (position >= length || start < params.base || start >= params.base + params.tokens) {
    return;
  }
  let source = params.first + id.z * params.step + (start - params.base + position) * 3u * params.inner + channel;
  let at = (slot * params.layers + params.layer + id.z) * 2u * params.inner * params.capacity;
  cache[at + channel * params.capacity + position] = qkv[source + params.inner];
  cache[at + params.inner * params.capacity + position * params.inner + channel] = qkv[source + 2u * params.inner];
}
