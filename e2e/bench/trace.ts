import type { CDPSession } from "playwright";

/** What Chromium's own tracing says of the page's interface thread. Times are milliseconds; processor time is the thread's own. */

/** A frame at 60 a second. */
export const FRAME = 1000 / 60;

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: {
    readonly name?: string;
    readonly data?: { readonly functionName?: string; readonly type?: string; readonly url?: string };
  };
}

/** A task of the interface thread, and the costly things in it. */
export interface Task {
  /** By the clock, from the beginning of the trace. */
  readonly at: number;
  readonly cpu: number;
  readonly wall: number;
  readonly parts: string;
}

/** What the thread's time goes to. */
export const KINDS = ["script", "style", "layout", "paint", "garbage", "other"] as const;
export type Kind = (typeof KINDS)[number];

export interface Account {
  readonly tasks: readonly Task[];
  /** Processor time by kind. */
  readonly cpu: Readonly<Record<Kind, number>>;
  /** Layouts that a script waited for, because it read a size after a change. */
  readonly forcedLayouts: { readonly count: number; readonly cpu: number };
  /** Pictures that the compositor drew, and such that it wanted and did not get. */
  readonly drawn: number;
  readonly dropped: number;
}

/** Chromium's names for what it does, by kind; the first that fits. */
const NAMES: readonly (readonly [Kind, RegExp])[] = [
  ["garbage", /GC|CppGC|BlinkGC|Oilpan/],
  ["style", /^(UpdateLayoutTree|RecalculateStyles|ParseAuthorStyleSheet)$/],
  ["layout", /^(Layout|HitTest|IntersectionObserverController::computeIntersections)$/],
  ["paint", /^(PrePaint|Paint|PaintImage|Layerize|Commit|UpdateLayer|UpdateLayerTree|CompositeLayers|Decode Image)$/],
  [
    "script",
    /^(FunctionCall|EvaluateScript|TimerFire|EventDispatch|FireAnimationFrame|FireIdleCallback|RunMicrotasks|HandlePostMessage|XHR.*|v8\..*|V8\..*)$/,
  ],
];
const kindOf = (name: string): Kind => NAMES.find(([, names]) => names.test(name))?.[0] ?? "other";

/** Records what the page's interface thread does until it is stopped. */
export async function trace(session: CDPSession): Promise<() => Promise<Account>> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { value: unknown[] }) => events.push(...(value as TraceEvent[]));
  session.on("Tracing.dataCollected", collect);
  const includedCategories = [
    "devtools.timeline",
    "disabled-by-default-devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
    "__metadata",
  ];
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories } });
  return async () => {
    const complete = new Promise<unknown>((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    await complete;
    session.off("Tracing.dataCollected", collect);
    return accountOf(events);
  };
}

function accountOf(events: readonly TraceEvent[]): Account {
  const thread = ({ pid, tid }: TraceEvent) => `${pid}.${tid}`;
  const named = new Set(events.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map(thread));
  const complete = events.filter((e) => e.ph === "X" && named.has(thread(e)));
  // Other pages (a spare one that Chromium keeps ready) have such a thread too; ours has by far the most to do.
  const counts = new Map<string, number>();
  for (const e of complete) counts.set(thread(e), (counts.get(thread(e)) ?? 0) + 1);
  const busiest = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
  const pid = Number(busiest?.split(".")[0]);
  const ours = complete.filter((e) => thread(e) === busiest).sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));

  const cpu = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  const forcedLayouts = { count: 0, cpu: 0 };
  const tasks: { event: TraceEvent; inside: TraceEvent[] }[] = [];
  const stack: TraceEvent[] = [];
  for (const event of ours) {
    while (stack.length > 0 && event.ts >= stack.at(-1)!.ts + stack.at(-1)!.dur!) stack.pop();
    const own = (event.tdur ?? 0) / 1000;
    // What is inside something is its own kind's time, not that of what is around it.
    cpu[kindOf(event.name)] += own;
    const around = stack.at(-1);
    if (around) cpu[kindOf(around.name)] -= own;
    if (event.name === "Layout" && stack.some((e) => e.name === "FunctionCall")) {
      forcedLayouts.count++;
      forcedLayouts.cpu += own;
    }
    if (event.name === "RunTask" && stack.length === 0) tasks.push({ event, inside: [] });
    else if (own > 3) tasks.at(-1)?.inside.push(event);
    stack.push(event);
  }
  const began = events.reduce((first, e) => (e.ts > 0 ? Math.min(first, e.ts) : first), Number.POSITIVE_INFINITY);
  const name = ({ name, args, tdur }: TraceEvent) =>
    `${name} ${args.data?.functionName ?? args.data?.type ?? ""} ${(tdur! / 1000).toFixed(0)}`;
  const frames = (wanted: string) => events.filter((e) => e.name === wanted && e.pid === pid).length;
  return {
    tasks: tasks.map(({ event, inside }) => ({
      at: (event.ts - began) / 1000,
      cpu: (event.tdur ?? 0) / 1000,
      wall: event.dur! / 1000,
      parts: inside.map(name).join(", "),
    })),
    cpu,
    forcedLayouts,
    drawn: frames("DrawFrame"),
    dropped: frames("DroppedFrame"),
  };
}

/** The value below which a share of all values lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const rising = [...values].sort((a, b) => a - b);
  return rising[Math.min(rising.length - 1, Math.floor(share * rising.length))] ?? Number.NaN;
}

export const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
export const longest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 0);
