import type { Page } from "playwright";
import { browse } from "../harness.ts";
import { Playground } from "../page.ts";
import { longest, quantile, trace } from "./trace.ts";

/** How soon the page answers a hand while a run plays: from an input to the picture that shows its effect, as the browser's event timing has it. */

export interface AnswersOptions {
  readonly dist: string;
  readonly engine: string;
  readonly policy: string;
  readonly knobs: readonly string[];
  readonly seconds: number;
}

/** Milliseconds, in steps of 8. */
export interface Answers {
  readonly act: string;
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly longest: number;
  /** Of the longest: until the page's code began, and how long it took. The rest is drawing. */
  readonly waited: number;
  readonly worked: number;
  /** Processor time of the interface thread's longest task at the act, whatever else the machine does. */
  readonly cpu: number;
}

interface Interaction {
  duration: number;
  waited: number;
  worked: number;
}

interface Watched {
  interactions: Map<number, Interaction>;
}

/** What browsers do not report because it took less (milliseconds). */
const UNREPORTED = 16;

async function watch(page: Page): Promise<void> {
  await page.addInitScript((least) => {
    const interactions: Watched["interactions"] = new Map();
    (window as unknown as Watched).interactions = interactions;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEventTiming & { interactionId: number })[]) {
        if (entry.interactionId === 0) continue;
        const known = interactions.get(entry.interactionId) ?? { duration: 0, waited: 0, worked: 0 };
        interactions.set(entry.interactionId, {
          duration: Math.max(known.duration, entry.duration),
          waited: Math.max(known.waited, entry.processingStart - entry.startTime),
          worked: known.worked + (entry.processingEnd - entry.processingStart),
        });
      }
    }).observe({ type: "event", buffered: true, durationThreshold: least } as PerformanceObserverInit);
  }, UNREPORTED);
}

/** What was reported since the last call. */
const reported = (page: Page): Promise<Interaction[]> =>
  page.evaluate(() => {
    const { interactions } = window as unknown as Watched;
    const list = [...interactions.values()];
    interactions.clear();
    return list;
  });

const TABS = ["Prompts", "Rewards", "Advantages", "Weights", "Objective", "Update", "Evaluation", "Rollouts"];

export async function measureAnswers({ dist, engine, policy, knobs, seconds }: AnswersOptions): Promise<Answers[]> {
  const browsing = await browse({ gpu: engine === "webgpu", dist });
  try {
    const page = await browsing.newPage();
    await watch(page);
    const playground = new Playground(page);
    const query =
      `?policy=${policy}&engine=${engine}&seed=7&set=sampler.promptsPerStep=16&set=sampler.groupSize=8` +
      knobs.map((knob) => `&set=${knob}`).join("");
    await playground.open(`${browsing.url}${query}`);
    await page.waitForTimeout(2000);
    await playground.view("Rollouts");
    await playground.play();
    await playground.completed(2);
    await reported(page);

    let turns = 0;
    const timeline = page.getByLabel("Look back at a step");
    const temperature = page.getByLabel("Temperature", { exact: true });
    const rounds: readonly (readonly [string, () => Promise<unknown>])[] = [
      [
        "token click",
        () =>
          page
            .locator(".row .token")
            .nth(4 + (turns % 9))
            .click({ force: true }),
      ],
      ["token by key", () => page.getByLabel("Rollouts: arrow keys choose a token").press("ArrowDown")],
      [
        "knob turn",
        async () => {
          await temperature.fill(turns % 2 ? "0.9" : "1");
          await temperature.press("Enter");
        },
      ],
      ["scrub by key", () => timeline.press("ArrowLeft")],
      [
        "scrub by mouse",
        async () => {
          const box = (await timeline.boundingBox())!;
          await page.mouse.click(box.x + box.width * (0.1 + 0.02 * (turns % 5)), box.y + box.height / 2);
        },
      ],
      ["back to now", () => page.locator(".timeline .live").click({ force: true })],
      ...TABS.map((tab) => [`tab ${tab}`, () => page.getByRole("tab", { name: tab, exact: true }).click({ force: true })] as const),
      ["rows or tree", () => playground.button("tree").click({ force: true })],
      ["rows or tree", () => playground.button("rows").click({ force: true })],
      ["pause", () => playground.button(/Pause$/).click({ force: true })],
    ];
    // First with the thread's own clock, which tracing reads at a price; then by the browser's event timing.
    const session = await page.context().newCDPSession(page);
    const cpu = new Map<string, number>();
    for (const [act, perform] of rounds) {
      const stop = await trace(session);
      await perform();
      await page.waitForTimeout(200);
      cpu.set(act, longest((await stop()).tasks.map((task) => task.cpu)));
    }
    await playground.button(/Play$/).waitFor();
    await playground.play();
    const found = new Map<string, Interaction[]>();
    const until = performance.now() + seconds * 1000;
    while (performance.now() < until) {
      for (const [act, perform] of rounds) {
        await perform();
        // Reports come after the picture.
        await page.waitForTimeout(400);
        const mine = found.get(act) ?? [];
        const seen = await reported(page);
        mine.push(...(seen.length > 0 ? seen : [{ duration: UNREPORTED, waited: 0, worked: 0 }]));
        found.set(act, mine);
        if (act === "pause") {
          await playground.button(/Play$/).waitFor();
          await playground.play();
          await page.waitForTimeout(400);
          await reported(page);
        }
      }
      turns++;
    }
    if (browsing.complaints.length > 0) throw new Error(`The page complained: ${browsing.complaints.join("; ")}`);
    const summary = (act: string, list: readonly Interaction[]): Answers => {
      const durations = list.map(({ duration }) => duration);
      const worst = list.reduce((a, b) => (b.duration > a.duration ? b : a));
      return {
        act,
        count: list.length,
        p50: quantile(durations, 0.5),
        p95: quantile(durations, 0.95),
        longest: longest(durations),
        waited: worst.waited,
        worked: worst.worked,
        cpu: cpu.get(act) ?? longest([...cpu.values()]),
      };
    };
    return [...[...found].map(([act, list]) => summary(act, list)), summary("all", [...found.values()].flat())];
  } finally {
    await browsing.close();
  }
}
