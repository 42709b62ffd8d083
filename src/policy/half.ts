/** The largest number that 16 bits hold. */
export const HALF_MAX = 65504;

/** Smaller numbers than this (the smallest normal one of 16 bits) are kept to multiples of 2⁻²⁴. */
const NORMAL = 2 ** -14;

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/**
 * The bits of the nearest IEEE 754 binary16 number, ties to the even one; beyond ±65504 that number, never infinity.
 * shaders/adamw.wgsl rounds the same way.
 */
function halfBits(x: number): number {
  float[0] = Math.min(Math.abs(x), HALF_MAX);
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  if (float[0] < NORMAL) {
    const scaled = float[0] * 2 ** 24;
    const floor = Math.floor(scaled);
    const up = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 === 1);
    return sign | (floor + (up ? 1 : 0));
  }
  // Half of the last place that is kept, or a bit less if that place is even; then from the exponent's bias of 127 to one of 15.
  return sign | ((bits[0] + 0xfff + ((bits[0] >>> 13) & 1) - (112 << 23)) >>> 13);
}

/** The number that binary16 bits stand for; no infinities, no NaN. */
function fromBits(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return half & 0x8000 ? -magnitude : magnitude;
}

/** Weights as binary16 for a device, one more element if their number is odd: uploads come in steps of four bytes. */
export function toHalves(theta: Float32Array): Uint16Array {
  const halves = new Uint16Array(theta.length + (theta.length % 2));
  for (let i = 0; i < theta.length; i++) halves[i] = halfBits(theta[i]);
  return halves;
}

/** The float32 numbers that a policy with 16-bit weights computes with. */
export function roundedToHalf(theta: ArrayLike<number>): Float32Array {
  return Float32Array.from(theta, (x) => fromBits(halfBits(x)));
}
