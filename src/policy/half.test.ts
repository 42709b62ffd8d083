import fc from "fast-check";
import { expect, it } from "vitest";
import { HALF_MAX, roundedToHalf, toHalves } from "./half.ts";

const round = (x: number) => roundedToHalf([x])[0];

it("keeps what 16 bits hold, and knows their bits", () => {
  const known: readonly (readonly [number, number])[] = [
    [0, 0],
    [1, 0x3c00],
    [-2, 0xc000],
    [1 / 3, 0x3555],
    [HALF_MAX, 0x7bff],
    [2 ** -14, 0x0400],
    [2 ** -24, 1],
  ];
  const halves = toHalves(Float32Array.from(known, ([x]) => x));
  expect(halves.length).toBe(8);
  known.forEach(([, bits], i) => {
    expect(halves[i]).toBe(bits);
  });
  for (const x of [0, 1, -2, HALF_MAX, 2 ** -14, 2 ** -24, 1 + 2 ** -10, -(2 ** -14 - 2 ** -24)]) expect(round(x)).toBe(x);
});

it("rounds ties to the even neighbour", () => {
  expect(round(1 + 2 ** -11)).toBe(1);
  expect(round(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
  expect(round(2 ** -25)).toBe(0);
  expect(round(3 * 2 ** -25)).toBe(2 ** -23);
  // Up into the normal numbers.
  expect(round(2 ** -14 - 2 ** -26)).toBe(2 ** -14);
  expect(round(2 - 2 ** -12)).toBe(2);
});

it("never makes an infinity", () => {
  for (const x of [65505, 65520, 1e9, 3e38]) {
    expect(round(x)).toBe(HALF_MAX);
    expect(round(-x)).toBe(-HALF_MAX);
  }
});

it("is off by half a last place at most, keeps the order, and the sign", () => {
  const number = fc.float({ min: -70000, max: 70000, noNaN: true });
  fc.assert(
    fc.property(number, number, (a, b) => {
      const rounded = round(a);
      expect(round(rounded)).toBe(rounded);
      expect(round(-a)).toBe(-rounded);
      if (Math.abs(a) <= HALF_MAX) {
        const place = Math.max(2 ** -24, 2 ** (Math.floor(Math.log2(Math.abs(a) || 1)) - 10));
        expect(Math.abs(rounded - a)).toBeLessThanOrEqual(place / 2);
      }
      if (a <= b) expect(rounded).toBeLessThanOrEqual(round(b));
    }),
  );
});
