enable subgroups;
diagnostic(off, subgroup_uniformity);

// Numbers that all invocations of a subgroup need: each loads one of eight (or of four), and tells the others. A processor loads for one invocation
// after the other, so that this costs an eighth of everybody loading all. All invocations must be there, and agree on what they ask for.
// Included first, by kernels for adapters that run on a processor.

// Of how many neighbours the numbers come; subgroups are at least as large.
const SHARERS = 8u;

// Which of the numbers this invocation loads.
var<private> sharer: u32;

fn findSharer() {
  sharer = subgroupExclusiveAdd(1u) % SHARERS;
}

// Of the columns n … n + 7, the one that this invocation loads; with four sharers, .y is another. Beyond the edge the last is read again.
fn sharedColumns(n: u32, columns: u32) -> vec2<u32> {
  return min(n + sharer + vec2<u32>(0u, 4u), vec2<u32>(columns - 1u));
}

// What was loaded for all eight columns; `a` and `b` are what this invocation loaded for .x and .y.
fn share(a: f32, b: f32) -> mat2x4<f32> {
  let first = vec4<f32>(subgroupBroadcast(a, 0u), subgroupBroadcast(a, 1u), subgroupBroadcast(a, 2u), subgroupBroadcast(a, 3u));
  if (SHARERS == 8u) {
    return mat2x4<f32>(
      first, vec4<f32>(subgroupBroadcast(a, 4u), subgroupBroadcast(a, 5u), subgroupBroadcast(a, 6u), subgroupBroadcast(a, 7u)),
    );
  }
  return mat2x4<f32>(
    first, vec4<f32>(subgroupBroadcast(b, 0u), subgroupBroadcast(b, 1u), subgroupBroadcast(b, 2u), subgroupBroadcast(b, 3u)),
  );
}
