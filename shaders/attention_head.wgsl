// What attention's kernels share: the packed rows' queries, keys and values, a head at a time. Included by attention.wgsl,
// attention_backward_query.wgsl and attention_backward_key.wgsl.

const HEAD_DIM = 16u;
// Keys or queries in workgroup memory at a time.
const TILE = 32u;
const PARTS = (HEAD_DIM + 3u) / 4u;

struct Params {
  heads: u32,
  blocks: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;

// Four channels, zero beyond the width of the head, which is even.
fn load(at: u32, part: u32) -> vec4<f32> {
  let i = at + part * 4u;
  if (HEAD_DIM % 4u == 0u || part + 1u < PARTS) {
    return vec4<f32>(qkv[i], qkv[i + 1u], qkv[i + 2u], qkv[i + 3u]);
  }
  return vec4<f32>(qkv[i], qkv[i + 1u], 0.0, 0.0);
}
