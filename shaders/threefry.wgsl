// Threefry-2x32 with 20 rounds (https://doi.org/10.1145/2063384.2063405): the same bits as the host's generator.
// No bindings: included by kernels that draw.

fn threefry2x32(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
  var ks = array<u32, 3>(key.x, key.y, 0x1bd11bdau ^ key.x ^ key.y);
  var rotations = array<u32, 8>(13u, 15u, 26u, 6u, 17u, 29u, 16u, 24u);
  var x = counter + key;
  for (var block = 0u; block < 5u; block++) {
    for (var round = 0u; round < 4u; round++) {
      let r = rotations[(block % 2u) * 4u + round];
      x.x += x.y;
      x.y = ((x.y << r) | (x.y >> (32u - r))) ^ x.x;
    }
    x.x += ks[(block + 1u) % 3u];
    x.y += ks[(block + 2u) % 3u] + block + 1u;
  }
  return x;
}

// A multiple of 2⁻²⁴ in [0, 1).
fn uniform01(key: vec2<u32>, position: u32) -> f32 {
  return f32(threefry2x32(key, vec2<u32>(position, 0u)).x >> 8u) / 16777216.0;
}
