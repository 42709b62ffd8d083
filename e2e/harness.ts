import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright";
import { build, preview } from "vite";

/** The built page, served with the headers for cross-origin isolation, and a Chromium that visits it. */
export interface Browsing {
  readonly url: string;
  /** A tab; all tabs share one profile. */
  newPage(): Promise<Page>;
  /** Kills the browser's GPU process: every device on it is lost. */
  crashGpu(): Promise<void>;
  close(): Promise<void>;
}

const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** Without `gpu` the browser finds no adapter, as on a machine that has none; with it, it emulates one in software. */
export async function browse({ gpu }: { gpu: boolean }): Promise<Browsing> {
  const folder = await mkdtemp(join(tmpdir(), "rlvr-e2e-"));
  const outDir = join(folder, "dist");
  await build({ logLevel: "error", build: { outDir, emptyOutDir: true } });
  const server = await preview({ logLevel: "error", build: { outDir }, preview: { port: 0, host: "localhost", headers: isolation } });
  const args = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    headless: true,
    viewport: { width: 1280, height: 720 },
    args: ["--headless=new", ...args, ...(gpu ? ["--enable-unsafe-webgpu", "--disable-gpu-process-crash-limit"] : [])],
    ...(existsSync("/usr/bin/chromium") ? { executablePath: "/usr/bin/chromium" } : {}),
  });
  return {
    url: server.resolvedUrls!.local[0],
    newPage: () => context.newPage(),
    async crashGpu() {
      const session = await context.browser()!.newBrowserCDPSession();
      // The answer may die with the process.
      await session.send("Browser.crashGpuProcess").catch(() => {});
      await session.detach();
    },
    async close() {
      await context.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
