import fc from "fast-check";
import { expect, it } from "vitest";
import type { NumberParameter } from "../../algorithm/plugin.ts";
import { PLUGINS, SLOTS } from "../../recipes/slots.ts";
import { positionOf, positions, valueAt } from "./scale.ts";

const numbers = SLOTS.flatMap((slot) => PLUGINS[slot].flatMap((plugin) => Object.values(plugin.parameters))).filter(
  (p): p is NumberParameter => p.kind === "number" || p.kind === "integer",
);

it("gives every slider of every plug-in valid values that lead back to their position", () => {
  fc.assert(
    fc.property(fc.constantFrom(...numbers), fc.double({ min: 0, max: 1, noNaN: true }), (parameter, share) => {
      const position = Math.round(share * positions(parameter));
      const value = valueAt(parameter, position);
      expect(value).toBeGreaterThanOrEqual(parameter.min);
      expect(value).toBeLessThanOrEqual(parameter.max);
      if (parameter.kind === "integer") expect(Number.isInteger(value)).toBe(true);
      expect(Math.abs(positionOf(parameter, value) - position)).toBeLessThanOrEqual(parameter.scale === "log" ? 1 : 0);
    }),
  );
});

it("puts values beyond a slider at its ends", () => {
  for (const parameter of numbers) {
    expect(positionOf(parameter, parameter.min)).toBe(0);
    expect(positionOf(parameter, Number.MAX_VALUE)).toBe(positions(parameter));
  }
});
