import { describe, expect, it } from "vitest";
import golden from "../golden/llama.golden.json";
import { recomputeLlamaGolden } from "../golden.ts";
import { createNodeWebgpuEngine } from "./node.ts";

describe("the outside reference", () => {
  it("agrees: values and gradients to 1e-4, weights after the updates to 2e-3", async () => {
    const { differences } = await recomputeLlamaGolden(golden, () => createNodeWebgpuEngine());
    expect(differences.length).toBeGreaterThan(20);
    for (const { array, relative } of differences) expect(relative, array).toBeLessThan(/^weightsAfter/.test(array) ? 2e-3 : 1e-4);
  });
});
