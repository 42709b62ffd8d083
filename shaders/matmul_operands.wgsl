// What a matrix product works on. Included by matmul.wgsl, which says what it means, and by matmul_direct.wgsl.

// How weights are stored, where b is a matrix of θ; arithmetic is always float32.
alias Weight = f32;
const TRANSPOSE_A = false;
const TRANSPOSE_B = false;
const RESIDUAL = false;

struct Params {
  m: u32,
  n: u32,
  k: u32,
  aOffset: u32,
  aStride: u32,
  bOffset: u32,
  bStride: u32,
  cOffset: u32,
  cSlice: u32,
  length: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<Weight>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
