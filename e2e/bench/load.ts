import type { Page } from "playwright";
import { browse } from "../harness.ts";
import { type Link, slowLink } from "./link.ts";

/** How long a visitor waits for the first answers of the policy, over a slow line, and what the time goes to. */

export interface LoadOptions {
  readonly dist: string;
  readonly engine: string;
  readonly policy: string;
  readonly megabits: number;
  readonly roundTrip: number;
  readonly plain: boolean;
}

/** Milliseconds since the visitor asked for the page; kilobytes as they came over the line. */
export interface Load {
  readonly visit: "first" | "later";
  /** Anything is drawn. */
  readonly paint: number;
  /** The worker's own code runs. */
  readonly worker: number;
  /** The engine is there. */
  readonly engine: number;
  /** The last of the policy's files is there. */
  readonly weights: number;
  /** ONNX Runtime's WebAssembly is there; missing where it is not used. */
  readonly runtime?: number;
  /** The run stands at its beginning. */
  readonly run: number;
  /** The first answers are on the stage. */
  readonly rollouts: number;
  /** Of all of the browser's processes until then. */
  readonly processor: number;
  /** Over the line before the first picture, and before the first answers. */
  readonly kilobytes: { readonly paint: number; readonly rollouts: number };
  /** Scripts that the page had before its first picture, decompressed names. */
  readonly before: readonly string[];
}

interface Marks {
  marks: Record<string, number>;
}

/** Notes when things happen; in the page's own clock, which begins when the visitor asks for the page. */
async function watch(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const marks: Record<string, number> = {};
    (window as unknown as Marks).marks = marks;
    const mark = (name: string) => {
      marks[name] ??= performance.now();
    };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") marks.paint ??= entry.startTime;
    }).observe({ type: "paint", buffered: true });
    window.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        this.addEventListener("message", ({ data }: MessageEvent<{ type: string }>) => {
          if (data.type === "progress") mark("worker");
          if (data.type === "engine") mark("engine");
          if (data.type === "started") mark("run");
        });
      }
    };
    new MutationObserver((_, observer) => {
      if (!/^(Rollouts|Verdicts)/.test(document.querySelector(".stage h2")?.textContent ?? "")) return;
      observer.disconnect();
      // The picture that shows them comes after the next frame begins.
      requestAnimationFrame(() => setTimeout(() => mark("rollouts")));
    }).observe(document, { subtree: true, childList: true, characterData: true });
  });
}

/** Processor time of the browser so far (milliseconds). */
async function spent(page: Page): Promise<number> {
  const session = await page.context().browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.reduce((sum, { cpuTime }) => sum + 1000 * cpuTime, 0);
}

async function visit(page: Page, link: Link, query: string, which: Load["visit"]): Promise<Load> {
  await watch(page);
  link.taken();
  let atPaint = 0;
  const before = await spent(page);
  const loading = page.goto(`${link.url}${query}`);
  await page.waitForFunction(() => (window as unknown as Marks).marks?.paint, undefined, { polling: 20, timeout: 120_000 });
  atPaint = link.taken();
  await loading;
  await page.waitForFunction(() => (window as unknown as Marks).marks?.rollouts, undefined, { polling: 20, timeout: 240_000 });
  const processor = (await spent(page)) - before;
  const atRollouts = atPaint + link.taken();
  const { marks, paint, resources } = await page.evaluate(() => {
    const { marks } = window as unknown as Marks;
    const resources = performance
      .getEntriesByType("resource")
      .map((entry) => [entry.name, (entry as PerformanceResourceTiming).responseEnd] as const);
    return { marks, paint: marks.paint, resources };
  });
  const origin = await page.evaluate(() => performance.timeOrigin);
  const ofWorker: (readonly [string, number])[] = [];
  for (const worker of page.workers())
    ofWorker.push(
      ...(await worker.evaluate(
        (pageOrigin) =>
          performance
            .getEntriesByType("resource")
            .map((entry) => [entry.name, (entry as PerformanceResourceTiming).responseEnd + performance.timeOrigin - pageOrigin] as const),
        origin,
      )),
    );
  const arrived = (pattern: RegExp) => Math.max(...ofWorker.filter(([name]) => pattern.test(name)).map(([, end]) => end));
  const runtime = arrived(/\.wasm$/);
  return {
    visit: which,
    paint,
    worker: marks.worker,
    engine: marks.engine,
    weights: arrived(/\/policies\/.+\//),
    ...(Number.isFinite(runtime) ? { runtime } : {}),
    run: marks.run,
    rollouts: marks.rollouts,
    processor,
    kilobytes: { paint: atPaint / 1000, rollouts: atRollouts / 1000 },
    before: resources.filter(([, end]) => end <= paint).map(([name]) => new URL(name).pathname),
  };
}

/** A first visit with nothing kept, and one after that with the browser started again. */
export async function measureLoad({ dist, engine, policy, megabits, roundTrip, plain }: LoadOptions): Promise<Load[]> {
  const link = await slowLink({ dist, bitsPerSecond: megabits * 1e6, roundTrip, plain });
  const browsing = await browse({ gpu: engine === "webgpu", dist });
  try {
    const query = `?policy=${policy}&engine=${engine}&seed=7`;
    const page = await browsing.newPage();
    const first = await visit(page, link, query, "first");
    await page.locator("[data-offline=ready]").waitFor({ state: "attached", timeout: 240_000 });
    await browsing.restart();
    const again = await browsing.newPage();
    // What a browser does when it starts is not the page's.
    await again.waitForTimeout(3000);
    const later = await visit(again, link, query, "later");
    return [first, later];
  } finally {
    await browsing.close();
    await link.close();
  }
}
