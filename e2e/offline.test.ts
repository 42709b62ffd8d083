import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright";
import { afterEach, expect, inject, it } from "vitest";
import { type BrowseOptions, type Browsing, browse } from "./harness.ts";
import { PATIENCE, Playground, SMALL_RUN } from "./page.ts";

let browsing: Browsing | undefined;
let folder: string | undefined;
afterEach(async () => {
  await browsing?.close();
  if (folder) await rm(folder, { recursive: true });
  browsing = folder = undefined;
});

/** A copy of the built page that a test may change, and a browser that visits it. */
async function visit(options: Omit<BrowseOptions, "gpu" | "dist">): Promise<Browsing & { dist: string }> {
  folder = await mkdtemp(join(tmpdir(), "rlvr-offline-"));
  await cp(inject("dist"), folder, { recursive: true });
  browsing = await browse({ gpu: false, dist: folder, ...options });
  return Object.assign(browsing, { dist: folder });
}

/** Opens the page and waits until everything is kept. */
async function openAndKeep(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.locator("html[data-offline=ready]").waitFor({ state: "attached", timeout: PATIENCE });
}

it("isolates itself on a plain static host, and works from a sub-path without a network", async () => {
  const { url, complaints, newPage, offline, restart } = await visit({ path: "/classes/rlvr/", isolated: false });
  const page = await newPage();
  let loads = 0;
  page.on("domcontentloaded", () => loads++);
  await openAndKeep(page, `${url}${SMALL_RUN}`);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  expect(loads).toBe(2);
  expect(complaints).toEqual([]);

  await offline();
  await restart();
  const later = new Playground(await newPage());
  // The portable engine and its policy, all from what was kept.
  await later.open(`${url}${SMALL_RUN}`);
  expect(await later.page.evaluate(() => crossOriginIsolated)).toBe(true);
  await later.oneStep();
});

it("shows a new build at the next load, and keeps it for later", async () => {
  const { url, dist, newPage, offline } = await visit({ path: "/inner/" });
  const page = await newPage();
  await openAndKeep(page, url);

  const html = await readFile(join(dist, "index.html"), "utf8");
  const worker = await readFile(join(dist, "service-worker.js"), "utf8");
  const digest = /"index\.html":"(\w+)"/.exec(worker)![1];
  await writeFile(join(dist, "index.html"), html.replace("<title>", "<title>New "));
  await writeFile(join(dist, "service-worker.js"), worker.replace(digest, "0123456789abcdef"));
  await page.reload();
  expect(await page.title()).toMatch(/^New /);
  const waiting = (from: Page) =>
    from.evaluate(async (scope) => (await navigator.serviceWorker.getRegistration(scope))?.waiting?.state, url);
  await expect.poll(() => waiting(page), { timeout: PATIENCE }).toBe("installed");

  // The new worker takes over some time after the last tab with the page before it is closed. Seen from beside the page:
  const later = await newPage();
  await later.goto(new URL("/", url).href);
  await page.close();
  await expect.poll(() => waiting(later), { timeout: PATIENCE }).toBeUndefined();
  await offline();
  await later.goto(url);
  expect(await later.title()).toMatch(/^New /);
  const kept = await later.evaluate(async () => {
    const names = await caches.keys();
    const requests = await (await caches.open(names[0])).keys();
    return { caches: names.length, pages: requests.filter(({ url }) => url.includes("index.html")).map(({ url }) => new URL(url).search) };
  });
  expect(kept).toEqual({ caches: 1, pages: ["?0123456789abcdef"] });
});

it("loads at most twice where a service worker does not help", async () => {
  const { url, dist, complaints, newPage } = await visit({ isolated: false });
  await writeFile(join(dist, "service-worker.js"), "addEventListener('activate', (event) => event.waitUntil(clients.claim()));");
  const page = await newPage();
  let loads = 0;
  page.on("domcontentloaded", () => loads++);
  const playground = new Playground(page);
  await playground.open(`${url}${SMALL_RUN}`);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  expect(loads).toBe(2);
  await page.reload();
  await playground.phase("Verdicts");
  expect(loads).toBe(3);
  expect(complaints).toEqual([]);
});
