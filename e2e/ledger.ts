import type { Page } from "playwright";

/** What the interface thread was given to do, counted in the page itself: exact on any machine, however busy. */
export interface Ledger {
  /** Messages from the worker since the last call of `read`, by type, and the bytes that were copied for them. */
  readonly messages: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** The most of one type of part that a single rendering touched. */
  readonly rows: number;
  readonly charts: number;
  /** The most elements that a single rendering put into the page. */
  readonly added: number;
  /** Renderings that changed anything. */
  readonly renderings: number;
  /** Graphics adapters asked for, and WebAssembly compiled, by the page instead of the worker. */
  readonly computed: number;
}

interface Kept {
  ledger: { -readonly [Key in keyof Ledger]: Ledger[Key] } & { messages: Record<string, number> };
  fresh(): Kept["ledger"];
  /** For those who wait until nothing changes any more: the renderings at their last look. */
  seen: number;
  /** While true, what the worker says waits for `release`. */
  held: boolean;
  release(): void;
}

declare global {
  interface Window {
    kept: Kept;
  }
}

/** Starts to count in every document that the page opens. */
export async function keepLedger(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const fresh = () => ({ messages: {} as Record<string, number>, bytes: 0, rows: 0, charts: 0, added: 0, renderings: 0, computed: 0 });
    const waiting: { worker: Worker; data: unknown }[] = [];
    const released = new WeakSet<Event>();
    const kept: Kept = {
      ledger: fresh(),
      fresh,
      seen: -1,
      held: false,
      release() {
        kept.held = false;
        for (const { worker, data } of waiting.splice(0)) {
          const event = new MessageEvent("message", { data });
          released.add(event);
          worker.dispatchEvent(event);
        }
      },
    };
    window.kept = kept;

    /** Bytes of a message's numbers and texts; what holds them together is left out. */
    const bytesOf = (value: unknown): number => {
      if (typeof value === "string") return value.length;
      if (typeof value !== "object" || value === null) return 8;
      if (ArrayBuffer.isView(value)) return value.byteLength;
      return Object.values(value).reduce<number>((sum, part) => sum + bytesOf(part), 0);
    };
    window.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        this.addEventListener("message", (event: MessageEvent<{ type: string }>) => {
          if (released.has(event)) return;
          const { ledger } = kept;
          const { type } = event.data;
          ledger.messages[type] = (ledger.messages[type] ?? 0) + 1;
          ledger.bytes += bytesOf(event.data);
          if (!kept.held) return;
          event.stopImmediatePropagation();
          waiting.push({ worker: this, data: event.data });
        });
      }
    };
    // A rendering's changes arrive here together.
    new MutationObserver((changes) => {
      const { ledger } = kept;
      const rows = new Set<Element>();
      const charts = new Set<Element>();
      let added = 0;
      for (const change of changes) {
        const element = change.target instanceof Element ? change.target : change.target.parentElement;
        for (const node of [element, ...change.addedNodes]) {
          if (!(node instanceof Element)) continue;
          const row = node.closest(".row");
          if (row) rows.add(row);
          const chart = node.closest(".recharts-wrapper, .recharts-surface")?.closest("[data-chart]");
          if (chart) charts.add(chart);
        }
        for (const node of change.addedNodes) if (node instanceof Element) added += 1 + node.querySelectorAll("*").length;
      }
      ledger.rows = Math.max(ledger.rows, rows.size);
      ledger.charts = Math.max(ledger.charts, charts.size);
      ledger.added = Math.max(ledger.added, added);
      ledger.renderings++;
    }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });

    const count = <T extends object>(owner: T | undefined, name: keyof T) => {
      const original = owner?.[name] as ((...args: unknown[]) => unknown) | undefined;
      if (!owner || !original) return;
      owner[name] = function (this: unknown, ...args: unknown[]) {
        kept.ledger.computed++;
        return original.apply(this, args);
      } as T[keyof T];
    };
    if (navigator.gpu) count(Object.getPrototypeOf(navigator.gpu) as GPU, "requestAdapter");
    for (const name of ["compile", "instantiate", "compileStreaming", "instantiateStreaming"] as const) count(WebAssembly, name);
  });
}

/** What was counted since the last call, or since the page was opened. */
export const readLedger = (page: Page): Promise<Ledger> =>
  page.evaluate(() => {
    const { ledger } = window.kept;
    window.kept.ledger = window.kept.fresh();
    return ledger;
  });
