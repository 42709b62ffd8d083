import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { beforeAll, expect, inject, it } from "vitest";
import { browse } from "./harness.ts";
import { PATIENCE } from "./page.ts";

/** What a visitor must have before anything is to be seen. How long that takes depends on the line (`npm run -s bench:page` measures it). */

/** Kibibytes of compressed JavaScript. */
const MOST = 350;

/** What comes later, and a piece of text that only it has. */
const LATER = {
  "ONNX Runtime": "ort-wasm",
  KaTeX: "katex-mathml",
  charts: "recharts-wrapper",
  lessons: "worksheet",
};

const dist = inject("dist");
/** Every script of the build by its name in assets/. */
let scripts: Map<string, string>;
/** What the first picture needs: the scripts that the document names, and what they import without waiting. */
let initial: Set<string>;
let workers: string[];

beforeAll(async () => {
  const names = (await readdir(join(dist, "assets"))).filter((name) => name.endsWith(".js"));
  scripts = new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(dist, "assets", name), "utf8")] as const)));
  const html = await readFile(join(dist, "index.html"), "utf8");
  initial = new Set();
  const need = (name: string) => {
    if (initial.has(name)) return;
    initial.add(name);
    const source = scripts.get(name);
    if (source === undefined) throw new Error(`there is no script ${name}`);
    for (const [, imported] of source.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) need(imported);
  };
  for (const [, name] of html.matchAll(/(?:src|href)="\.\/assets\/([^"]+\.js)"/g)) need(name);
  workers = names.filter((name) => name.startsWith("worker-"));
});

const kibibytes = (names: Iterable<string>, compress: (content: Buffer) => Buffer) =>
  [...names].reduce((sum, name) => sum + compress(Buffer.from(scripts.get(name)!)).length, 0) / 1024;
const brotli = (content: Buffer) => brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });

it("needs little JavaScript before the first picture, and little more before it computes", () => {
  expect(workers).toHaveLength(1);
  const page = kibibytes(initial, gzipSync);
  // As `npm start` sends them.
  const all = kibibytes([...initial, ...workers], brotli);
  expect(page).toBeGreaterThan(50);
  expect(page).toBeLessThanOrEqual(MOST);
  expect(all).toBeLessThanOrEqual(MOST);
});

it.each(Object.entries(LATER))("leaves %s for later", (_, text) => {
  const having = [...scripts].filter(([, source]) => source.includes(text)).map(([name]) => name);
  expect(having.length).toBeGreaterThan(0);
  expect(having.filter((name) => initial.has(name))).toEqual([]);
});

it("draws its first picture with nothing else", { timeout: PATIENCE }, async () => {
  const browsing = await browse({ gpu: false });
  try {
    const page = await browsing.newPage();
    let others = 0;
    await page.route(/\.js$/, (route) => {
      const name = new URL(route.request().url()).pathname.split("/").at(-1)!;
      // What is not needed never arrives.
      if (initial.has(name)) return route.continue();
      others++;
    });
    await page.goto(browsing.url, { waitUntil: "commit" });
    await page.getByRole("button", { name: /Play$/ }).waitFor();
    await page.getByRole("region", { name: "Stage" }).waitFor();
    await expect.poll(() => others, { timeout: 60_000 }).toBeGreaterThan(0);
    expect(browsing.complaints).toEqual([]);
  } finally {
    await browsing.close();
  }
});
