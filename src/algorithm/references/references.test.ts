import { describe, expect, it } from "vitest";
import { withDefaults } from "../plugin.ts";
import { REFERENCES } from "./index.ts";

const mixes = (id: string, params: Record<string, number>, steps = 6) => {
  const plugin = REFERENCES.find((r) => r.id === id)!;
  return Array.from({ length: steps }, (_, i) => plugin.mix(i + 1, withDefaults(plugin, params)));
};

describe("the reference", () => {
  it("stays, follows every n steps in whole or in part, or always a little", () => {
    expect(REFERENCES[0].id).toBe("fixed");
    expect(mixes("fixed", {})).toEqual([0, 0, 0, 0, 0, 0]);
    expect(mixes("synced", { every: 3 })).toEqual([0, 0, 1, 0, 0, 1]);
    expect(mixes("synced", { every: 2, mix: 0.6 })).toEqual([0, 0.6, 0, 0.6, 0, 0.6]);
    for (const mix of mixes("average", { decay: 0.9 })) expect(mix).toBeCloseTo(0.1, 12);
    expect(mixes("average", { decay: 1 }, 1)).toEqual([0]);
  });
});
