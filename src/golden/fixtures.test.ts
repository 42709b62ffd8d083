import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isObject } from "../policy/llama-config.ts";
import { compare, outputsOf, worstOf } from "./compare.ts";
import { recompute } from "./index.ts";

const folder = fileURLToPath(new URL("fixtures/", import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".golden.json"))
  .sort();
const read = (file: string) => JSON.parse(readFileSync(folder + file, "utf8"));
const noEngine = () => Promise.reject(new Error("these files need no engine"));
const BOUND = 1e-6;

/** Every number in the outputs of a document, changed in place: `change` gets the number and how many came before it. */
function changeOutputs(document: unknown, change: (x: number, index: number) => number): number {
  let index = 0;
  const visit = (holder: Record<string, unknown> | unknown[], inputs: readonly string[] = []) => {
    for (const key of Object.keys(holder)) {
      if (inputs.includes(key)) continue;
      const at = key as keyof typeof holder;
      const value: unknown = holder[at];
      if (typeof value === "number") (holder as Record<string, unknown>)[key] = change(value, index++);
      else if (isObject(value) || Array.isArray(value)) visit(value as Record<string, unknown>);
    }
  };
  for (const { outputs, inputs } of outputsOf(document)) visit(outputs, inputs);
  return index;
}

describe.each(files)("%s", (file) => {
  it("is met within 1e-6, every number of it", async () => {
    const given = read(file);
    const { document, unknown } = await recompute(given, noEngine);
    const { differences, count } = compare(given, document, unknown);
    expect(unknown).toEqual([]);
    expect(differences.filter((d) => d.problem !== undefined || !(d.scaled <= BOUND))).toEqual([]);
    expect(count).toBe(changeOutputs(given, (x) => x));
    expect(count).toBeGreaterThan(10);
  });

  it("is recomputed from its inputs alone", async () => {
    const given = read(file);
    const blank = read(file);
    changeOutputs(blank, () => 0);
    const { document } = await recompute(blank, noEngine);
    expect(worstOf(compare(given, document).differences)?.scaled).toBeLessThanOrEqual(BOUND);
  });

  it("would be reported if one number were wrong", async () => {
    const given = read(file);
    const { document } = await recompute(given, noEngine);
    const total = changeOutputs(given, (x) => x);
    for (const wrong of [0, Math.floor(total / 2), total - 1]) {
      const mutated = read(file);
      changeOutputs(mutated, (x, i) => (i === wrong ? x + 3e-6 * Math.max(1, Math.abs(x)) : x));
      expect(compare(mutated, document).differences.filter((d) => d.scaled > BOUND)).toHaveLength(1);
    }
  });
});
