// Squared norms, first pass: partials[b] = Σ_{i in block b} gradient[i]².
//
// gradient  [P]
// blocks    [blocks, 4]  (first element, elements ≤ 1024, tensor, decays): a block never crosses a tensor's border
// partials  [blocks]     out
// A workgroup a block; sums run in a fixed order.

@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read> blocks: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let block = blocks[group.x];
  var sum = 0.0;
  for (var i = local; i < block.y; i += 64u) {
    let g = gradient[block.x + i];
    sum += g * g;
  }
  sums[local] = sum;
  workgroupBarrier();
  if (local == 0u) {
    sum = 0.0;
    for (var i = 0u; i < 64u; i++) {
      sum += sums[i];
    }
    partials[group.x] = sum;
  }
}
