// @vitest-environment node
import { expect, it } from "vitest";
import { shortened } from "./short-shaders.ts";

const shaders = import.meta.glob<string>("../../shaders/*.wgsl", { query: "?raw", import: "default", eager: true });

it("takes the comments from a shader, and nothing else", () => {
  expect(shortened("// Adds.\nfn f(a: f32) -> f32 {\n  // One more.\n\n  return a / 1.0 + 1.0; // Done.\n}\n")).toBe(
    "fn f(a: f32) -> f32 {\nreturn a / 1.0 + 1.0;\n}",
  );
});

it.each(Object.entries(shaders))("leaves the code of %s", (_, wgsl) => {
  // There is no other kind of comment in these.
  expect(wgsl).not.toContain("/*");
  const code = wgsl.replace(/\/\/[^\n]*/g, "");
  const words = (text: string) => text.split(/\s+/).filter(Boolean);
  expect(words(shortened(wgsl))).toEqual(words(code));
  // A directive or a statement never shares a line with the one after it.
  expect(shortened(wgsl).split("\n").length).toBe(code.split("\n").filter((line) => line.trim() !== "").length);
});
