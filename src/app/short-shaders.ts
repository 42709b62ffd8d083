import { readFile } from "node:fs/promises";
import type { Plugin } from "vite";

/** A shader without what only people read: comments, indentation and empty lines. */
export function shortened(wgsl: string): string {
  return wgsl
    .split("\n")
    .map((line) => line.replace(/\/\/.*$/, "").trim())
    .filter((line) => line !== "")
    .join("\n");
}

/** Shaders are half comments: the built page leaves those out. */
export function shortShaders(): Plugin {
  return {
    name: "rlvr:short-shaders",
    apply: "build",
    enforce: "pre",
    load: {
      filter: { id: /\.wgsl\?raw$/ },
      handler: async (id) => `export default ${JSON.stringify(shortened(await readFile(id.split("?")[0], "utf8")))}`,
    },
  };
}
