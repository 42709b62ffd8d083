import { browse } from "../harness.ts";
import { Playground } from "../page.ts";
import { FRAME, KINDS, type Kind, longest, quantile, sum, trace } from "./trace.ts";

/** How evenly pictures follow each other while a run plays, and what of that is the page's own doing. */

export interface FramesOptions {
  readonly dist: string;
  readonly engine: string;
  readonly policy: string;
  readonly knobs: readonly string[];
  readonly seconds: number;
  /** Views of the stage, one after the other. */
  readonly views: readonly string[];
  /** Of the window, in pixels: a high one shows all answers at a time. */
  readonly height: number;
}

export interface Frames {
  readonly view: string;
  readonly seconds: number;
  readonly steps: number;
  /** Answers in the page at the end. */
  readonly rows: number;
  readonly perSecond: number;
  /** Between the beginnings of frames in which scripts could run (milliseconds). */
  readonly interval: { readonly p50: number; readonly p95: number; readonly p99: number; readonly longest: number };
  /** Frames that did not come; and of them such in which the thread itself worked longer than a frame lasts. */
  readonly missed: number;
  readonly missedByPage: number;
  /** The compositor's own count. */
  readonly drawn: number;
  readonly dropped: number;
  /** Processor time of the interface thread in each sixtieth of a second (milliseconds). */
  readonly cpuPerFrame: { readonly mean: number; readonly p95: number; readonly p99: number; readonly longest: number };
  readonly longestTask: { readonly cpu: number; readonly wall: number };
  /** Of the thread's processor time. */
  readonly share: Readonly<Record<Kind, number>>;
  readonly forcedLayouts: number;
  readonly costly: readonly string[];
}

export async function measureFrames({ dist, engine, policy, knobs, seconds, views, height }: FramesOptions): Promise<Frames[]> {
  const browsing = await browse({ gpu: engine === "webgpu", dist });
  try {
    const page = await browsing.newPage();
    await page.setViewportSize({ width: 1280, height });
    const session = await page.context().newCDPSession(page);
    const playground = new Playground(page);
    const query =
      `?policy=${policy}&engine=${engine}&seed=7&set=sampler.promptsPerStep=16&set=sampler.groupSize=8` +
      knobs.map((knob) => `&set=${knob}`).join("");
    await playground.open(`${browsing.url}${query}`);
    await page.waitForTimeout(2000);
    await playground.play();
    // What happens once, in the first steps, is not what a run is like.
    await playground.completed(3);
    const results: Frames[] = [];
    for (const view of views) {
      if (view === "tree") {
        await playground.view("Rollouts");
        await playground.button("tree").click();
      } else await playground.view(view);
      await page.waitForTimeout(1000);
      const before = await playground.step();
      const stop = await trace(session);
      const ticks = await page.evaluate(
        (length) =>
          new Promise<number[]>((resolve) => {
            const at: number[] = [];
            const tick = (now: number) => {
              at.push(now);
              if (now - at[0] < length) requestAnimationFrame(tick);
              else resolve(at);
            };
            requestAnimationFrame(tick);
          }),
        seconds * 1000,
      );
      const account = await stop();
      const lasted = ticks.at(-1)! - ticks[0];
      const intervals = ticks.slice(1).map((tick, i) => tick - ticks[i]);
      const cpu = new Float64Array(Math.ceil(longest(account.tasks.map(({ at, wall }) => at + wall)) / FRAME) + 1);
      for (const task of account.tasks) {
        // A task's processor time, spread over the frames that it lasted.
        const first = Math.floor(task.at / FRAME);
        const last = Math.floor((task.at + task.wall) / FRAME);
        for (let i = first; i <= last; i++) cpu[i] += task.cpu / (last - first + 1);
      }
      const total = sum(Object.values(account.cpu));
      results.push({
        view,
        seconds: lasted / 1000,
        steps: (await playground.step()) - before,
        rows: await page.locator(".row").count(),
        perSecond: (1000 * intervals.length) / lasted,
        interval: {
          p50: quantile(intervals, 0.5),
          p95: quantile(intervals, 0.95),
          p99: quantile(intervals, 0.99),
          longest: longest(intervals),
        },
        missed: sum(intervals.map((interval) => Math.max(0, Math.round(interval / FRAME) - 1))),
        missedByPage: sum(account.tasks.map((task) => Math.floor(task.cpu / FRAME))),
        drawn: account.drawn,
        dropped: account.dropped,
        cpuPerFrame: {
          mean: (total / lasted) * FRAME,
          p95: quantile([...cpu], 0.95),
          p99: quantile([...cpu], 0.99),
          longest: longest([...cpu]),
        },
        longestTask: { cpu: longest(account.tasks.map((t) => t.cpu)), wall: longest(account.tasks.map((t) => t.wall)) },
        share: Object.fromEntries(KINDS.map((kind) => [kind, account.cpu[kind] / total])) as Record<Kind, number>,
        forcedLayouts: account.forcedLayouts.count,
        costly: [...account.tasks]
          .sort((a, b) => b.cpu - a.cpu)
          .slice(0, 3)
          .map((task) => `${task.cpu.toFixed(0)} ms: ${task.parts}`),
      });
      if (view === "tree") await playground.button("rows").click();
    }
    await playground.pause();
    if (browsing.complaints.length > 0) throw new Error(`The page complained: ${browsing.complaints.join("; ")}`);
    return results;
  } finally {
    await browsing.close();
  }
}
