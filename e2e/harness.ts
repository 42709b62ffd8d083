import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright";
import { afterAll, beforeAll, beforeEach, inject } from "vitest";
import { listen, site } from "../src/cli/serve.mjs";
import { chromiumPath } from "./chromium.ts";

export interface BrowseOptions {
  /** Without it the browser finds no adapter, as on a machine that has none; with it, it emulates a GPU in software. */
  readonly gpu: boolean;
  /** Where the site begins, with a slash at both ends. */
  readonly path?: string;
  /** Without it the server sends no headers for cross-origin isolation, as a plain static host. */
  readonly isolated?: boolean;
  /** The folder that is served in place of the built page. */
  readonly dist?: string;
}

/** The built page, served on a port of its own, and a Chromium with a profile of its own that visits it. */
export interface Browsing {
  readonly url: string;
  /** Everything that consoles, uncaught errors and failed requests complained about, in all tabs, since the beginning. */
  readonly complaints: string[];
  /** A tab; all tabs share one profile. */
  newPage(): Promise<Page>;
  /** Kills the browser's GPU process: every device on it is lost. */
  crashGpu(): Promise<void>;
  /** Stops the server, as if the network were gone; `online` brings it back. */
  offline(): Promise<void>;
  online(): Promise<void>;
  /** Closes the browser and opens it again with the same profile. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** One browser for the tests of a file, from before the first to after the last. */
export function sharedBrowser(options: BrowseOptions): () => Browsing {
  let browsing: Browsing | undefined;
  beforeAll(async () => {
    browsing = await browse(options);
  });
  // A second try begins like the first: nothing is open, nothing kept.
  beforeEach(async ({ task }) => {
    if (!task.result?.retryCount) return;
    await browsing?.close();
    browsing = await browse(options);
  });
  afterAll(() => browsing?.close());
  return () => browsing!;
}

/** A busy machine may be many times slower than a quiet one; nothing waits this long unless it fails (milliseconds). */
const LONG = 120_000;

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function browse({ gpu, path = "/", isolated = true, dist = inject("dist") }: BrowseOptions): Promise<Browsing> {
  const profile = await mkdtemp(join(tmpdir(), "rlvr-profile-"));
  const serve = (port: number) => listen(site(dist, { path, isolated }), { port, hosts: ["127.0.0.1"] });
  let server = await serve(0);
  const { port } = server;
  const complaints: string[] = [];
  let context = await launch();

  async function launch(): Promise<BrowserContext> {
    const opened = await chromium.launchPersistentContext(profile, {
      headless: true,
      viewport: { width: 1280, height: 720 },
      args: [...FLAGS, ...(gpu ? ["--enable-unsafe-webgpu", "--disable-gpu-process-crash-limit"] : [])],
      executablePath: chromiumPath(),
      timeout: LONG,
    });
    opened.on("console", (message) => {
      // Of a file that is no page the browser looks for an icon, in vain and at a time of its own.
      if (message.location().url.endsWith("/favicon.ico")) return;
      if (message.type() === "error" || message.type() === "warning") complaints.push(`${message.type()}: ${message.text()}`);
    });
    opened.on("weberror", (error) => complaints.push(`uncaught: ${error.error().message}`));
    opened.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // What a page that goes away had still asked for. What its service worker cannot get counts if the page gets nothing, either.
      if (why !== "net::ERR_ABORTED" && !request.serviceWorker()) complaints.push(`request failed: ${request.url()} ${why}`);
    });
    return opened;
  }

  return {
    url: `http://localhost:${port}${path}`,
    complaints,
    async newPage() {
      const page = await context.newPage();
      page.setDefaultTimeout(LONG);
      return page;
    },
    async crashGpu() {
      const session = await context.browser()!.newBrowserCDPSession();
      // The answer may die with the process.
      await session.send("Browser.crashGpuProcess").catch(() => {});
      await session.detach();
    },
    offline: () => server.close(),
    async online() {
      server = await serve(port);
    },
    async restart() {
      await context.close();
      context = await launch();
    },
    async close() {
      await context.close();
      await server.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
