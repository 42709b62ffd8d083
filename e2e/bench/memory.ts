import { readFileSync } from "node:fs";
import type { CDPSession } from "playwright";
import { browse } from "../harness.ts";
import { Playground, SMALL_RUN } from "../page.ts";

/** What a long run leaves behind: memory of page and worker after a forced collection, every so many steps. */

export interface MemoryOptions {
  readonly dist: string;
  readonly engine: string;
  readonly policy: string;
  readonly knobs: readonly string[];
  readonly steps: number;
  readonly every: number;
  /** Of the machine, as the browser tells the page. */
  readonly gigabytes: number;
}

/** Megabytes where nothing else is said. */
export interface Memory {
  readonly step: number;
  readonly pageHeap: number;
  readonly workerHeap: number;
  /** Typed arrays, the engine's WebAssembly memory left out. */
  readonly workerArrays: number;
  /** Of the whole process that holds page and worker. */
  readonly process: number;
  /** In numbers. */
  readonly nodes: number;
  readonly listeners: number;
  readonly stored: number;
}

interface HeapUsage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

/** Asks a worker's own debugger, which is reached through the page's. */
async function askWorker(session: CDPSession): Promise<(method: string) => Promise<unknown>> {
  const waiting = new Map<number, (result: unknown) => void>();
  let worker: string | undefined;
  let calls = 0;
  // The engine's own helpers (threads) are workers, too; the first is the one that the page opened.
  session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
    if (targetInfo.type === "worker" && targetInfo.url.includes("worker-")) worker ??= sessionId;
  });
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result } = JSON.parse(message) as { id: number; result: unknown };
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  return (method) =>
    new Promise((resolve) => {
      if (!worker) throw new Error("The page has no worker.");
      const id = ++calls;
      waiting.set(id, resolve);
      void session.send("Target.sendMessageToTarget", { sessionId: worker, message: JSON.stringify({ id, method }) });
    });
}

/** Resident memory of a process, as Linux tells it; NaN elsewhere. */
function resident(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1000;
  } catch {
    return Number.NaN;
  }
}

export async function measureMemory(
  { dist, engine, policy, knobs, steps, every, gigabytes }: MemoryOptions,
  tell: (memory: Memory) => void,
): Promise<Memory[]> {
  const browsing = await browse({ gpu: engine === "webgpu", dist });
  try {
    const page = await browsing.newPage();
    await page.addInitScript((told) => Object.defineProperty(navigator, "deviceMemory", { get: () => told }), gigabytes);
    const session = await page.context().newCDPSession(page);
    const ask = await askWorker(session);
    const playground = new Playground(page);
    const query = `${SMALL_RUN.replace("policy=nano", `policy=${policy}`)}&engine=${engine}${knobs.map((knob) => `&set=${knob}`).join("")}`;
    await playground.open(`${browsing.url}${query}`);
    await session.send("HeapProfiler.enable");
    await session.send("Performance.enable");
    const system = await page.context().browser()!.newBrowserCDPSession();
    const results: Memory[] = [];
    const look = async () => {
      await session.send("HeapProfiler.collectGarbage");
      await ask("HeapProfiler.collectGarbage");
      const { metrics } = await session.send("Performance.getMetrics");
      const metric = (name: string) => metrics.find((m) => m.name === name)!.value;
      const heap = (await session.send("Runtime.getHeapUsage")) as HeapUsage;
      const worker = (await ask("Runtime.getHeapUsage")) as HeapUsage;
      const { processInfo } = await system.send("SystemInfo.getProcessInfo");
      const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => resident(id));
      const memory: Memory = {
        step: await playground.step(),
        pageHeap: heap.usedSize / 1e6,
        workerHeap: worker.usedSize / 1e6,
        workerArrays: (worker.backingStorageSize ?? Number.NaN) / 1e6,
        process: Math.max(...renderers),
        nodes: metric("Nodes"),
        listeners: metric("JSEventListeners"),
        stored: (await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? Number.NaN)) / 1e6,
      };
      results.push(memory);
      tell(memory);
    };
    await playground.play();
    for (let step = every; step <= steps; step += every) {
      await playground.completed(step);
      await look();
    }
    await playground.pause();
    if (browsing.complaints.length > 0) throw new Error(`The page complained: ${browsing.complaints.join("; ")}`);
    return results;
  } finally {
    await browsing.close();
  }
}
