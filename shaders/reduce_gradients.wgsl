// Adds a batch's partial gradients to the accumulated one: gradient[i] += Σ_z partials[z, i], z in order.
//
// partials  [slices, P]
// gradient  [P]  in place
// One invocation a parameter.

struct Params {
  parameters: u32,
  slices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= params.parameters) {
    return;
  }
  var sum = 0.0;
  for (var z = 0u; z < params.slices; z++) {
    sum += partials[z * params.parameters + i];
  }
  gradient[i] += sum;
}
