import { expect, it } from "vitest";
import { encode } from "../policy/tokenizer.ts";
import { count, percent, rate, short, signed, tokenGlyph, tokenName } from "./format.ts";

it("writes numbers for people", () => {
  expect([5e-5, 1.5e-5].map((v) => short(v, 4))).toEqual(["5e−5", "1.5e−5"]);
  expect([0, 0.0003, -1.23456, 1234.5, 3.14e-7, 42].map((v) => short(v))).toEqual(["0", "0.0003", "−1.23", "1230", "3.1e−7", "42"]);
  expect([1.5, -0.25, 0, -0.001].map((v) => signed(v))).toEqual(["+1.50", "−0.25", "0.00", "0.00"]);
  expect([0, 0.004, 0.31, 0.996, 1].map(percent)).toEqual(["0%", "0.4%", "31%", "99.6%", "100%"]);
  expect([12, 1234, 41200].map(rate)).toEqual(["12", "1.2k", "41k"]);
  expect([count(1, "step"), count(3, "step")]).toEqual(["1 step", "3 steps"]);
});

it("shows tokens that have no shape of their own", () => {
  expect([2, ...encode(" \nx")].map(tokenGlyph)).toEqual(["■", "␣", "⏎", "x"]);
  expect([2, ...encode(" \nx")].map(tokenName)).toEqual(["end of text", "space", "line break", "“x”"]);
});
