import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { build } from "vite";
import { chromiumPath } from "../../e2e/chromium.ts";
import { listen, site } from "../cli/serve.mjs";
import { EngineError } from "../policy/engine.ts";
import type { Job, JobEvents } from "./job.ts";
import type { Message } from "./page/worker.ts";

const PAGE = fileURLToPath(new URL("./page/", import.meta.url));

const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--enable-unsafe-webgpu",
  // Timestamps as they are, not rounded to 0.1 ms.
  "--enable-webgpu-developer-features",
];

export interface ChromiumOptions {
  readonly headed: boolean;
  /** Further flags. */
  readonly flags: readonly string[];
}

/**
 * Does a job in Chromium, in a page of its own that has nothing to do with the app's.
 * @throws Error if there is no Chromium, EngineError if an engine cannot run there.
 */
export async function runInChromium(job: Job, { progress, started, done, cancelled }: JobEvents, { headed, flags }: ChromiumOptions) {
  const executablePath = chromiumPath();
  const folder = await mkdtemp(join(tmpdir(), "rlvr-bench-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  progress("building the benchmark's page");
  // Without the app's configuration: no React, no service worker.
  await build({
    configFile: false,
    root: PAGE,
    base: "./",
    logLevel: "error",
    mode: "production",
    worker: { format: "es" },
    build: { outDir: folder, emptyOutDir: true, target: "es2023", chunkSizeWarningLimit: 10_000 },
  });
  const server = await listen(site(folder), { port: 0, hosts: ["127.0.0.1"] });
  try {
    const browser = await chromium.launch({
      headless: !headed,
      executablePath,
      args: [...(headed ? [] : ["--headless=new"]), ...FLAGS, ...flags],
      // Ctrl-C is ours: it ends with what is known so far.
      handleSIGINT: false,
    });
    const poll = { timer: undefined as NodeJS.Timeout | undefined };
    try {
      const page = await browser.newPage();
      const finished = new Promise<void>((resolve, reject) => {
        const fail = (message: string) => reject(new EngineError(`in Chromium: ${message.split("\n")[0]}`));
        page.on("crash", () => fail("the page crashed"));
        browser.on("disconnected", () => fail("the browser went away"));
        void page.exposeFunction("tell", (message: Message) => {
          if (message.type === "progress") progress(message.message);
          else if (message.type === "started") started(message.labels);
          else if (message.type === "case") done(message.result);
          else if (message.type === "failed") fail(message.message);
          else resolve();
        });
      });
      finished.catch(() => {});
      await page.goto(`http://localhost:${server.port}/`);
      await page.evaluate((job) => (globalThis as unknown as { start(job: Job): void }).start(job), job);
      poll.timer = setInterval(() => {
        if (!cancelled()) return;
        clearInterval(poll.timer);
        page.evaluate(() => (globalThis as unknown as { cancel(): void }).cancel()).catch(() => {});
      }, 200);
      await finished;
    } finally {
      clearInterval(poll.timer);
      await browser.close();
    }
  } finally {
    await server.close();
    process.off("exit", remove);
    remove();
  }
}
