// Copies θ with every matrix turned from [out, in] to [in, out], for decoding. A vector counts as a matrix of one column.
//
// theta    [P]
// blocks   [blocks, 4]  (matrix's offset, out, in, first element of the block in the turned matrix), 1024 elements each
// weights  [P]          out
// A workgroup a block.

// How weights are stored; arithmetic is always float32.
alias Weight = f32;

@group(0) @binding(1) var<storage, read> theta: array<Weight>;
@group(0) @binding(2) var<storage, read> blocks: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> weights: array<Weight>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let block = blocks[group.x];
  let end = min(block.w + 1024u, block.y * block.z);
  for (var i = block.w + local; i < end; i += 64u) {
    weights[block.x + i] = theta[block.x + i % block.y * block.z + i / block.y];
  }
}
