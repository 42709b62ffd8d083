import { parseArgs } from "node:util";
import type { CDPSession, Page } from "playwright";
import { builtPage } from "../src/cli/built.mjs";
import { browse } from "./harness.ts";
import { Playground, SMALL_RUN } from "./page.ts";

/**
 * `npm run -s bench:page`: how busy a run keeps the page's interface thread, and how soon it answers a hand, in headless Chromium.
 * Processor time tells what our code costs; wall time also tells how busy the machine was with other things.
 */

const HELP = `usage: npm run -s bench:page -- [--engine portable|webgpu|both] [--policy nano|tiny] [--set slot.param=value]… [--seconds N] [--json]

Plays a run in Chromium while a hand clicks tokens, knobs and the timeline. Prints the interface thread's longest tasks and the time from
an input to the next picture. Without a real GPU, webgpu is emulated by the same processor that must draw the page.`;

/** A task that keeps the interface thread longer than this can be felt (milliseconds). */
const LONG = 50;

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: { readonly name?: string; readonly data?: { readonly functionName?: string; readonly type?: string } };
}

/** A task of the interface thread: processor and wall time in milliseconds, and the costly things in it. */
interface Task {
  readonly cpu: number;
  readonly wall: number;
  readonly parts: string;
}

/** Records what the page's interface thread does until it is stopped. */
async function trace(session: CDPSession): Promise<() => Promise<Task[]>> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { value: unknown[] }) => events.push(...(value as TraceEvent[]));
  session.on("Tracing.dataCollected", collect);
  const includedCategories = ["disabled-by-default-devtools.timeline", "devtools.timeline", "__metadata"];
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories } });
  return async () => {
    const complete = new Promise<unknown>((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    await complete;
    session.off("Tracing.dataCollected", collect);
    return tasksOf(events);
  };
}

function tasksOf(events: readonly TraceEvent[]): Task[] {
  const thread = ({ pid, tid }: TraceEvent) => `${pid}.${tid}`;
  const named = new Set(events.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map(thread));
  const complete = events.filter((e) => e.ph === "X" && named.has(thread(e)));
  // Other pages (a spare one that Chromium keeps ready) have such a thread too; ours has by far the most to do.
  const counts = new Map<string, number>();
  for (const e of complete) counts.set(thread(e), (counts.get(thread(e)) ?? 0) + 1);
  const busiest = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
  const ours = complete.filter((e) => thread(e) === busiest);
  return ours
    .filter((e) => e.name === "RunTask")
    .map((task) => {
      const inside = (e: TraceEvent) => e !== task && e.ts >= task.ts && e.ts + e.dur! <= task.ts + task.dur!;
      const cpu = (task.tdur ?? 0) / 1000;
      const parts = cpu < 10 ? [] : ours.filter((e) => inside(e) && (e.tdur ?? 0) > 3000);
      const name = ({ name, args, tdur }: TraceEvent) =>
        `${name} ${args.data?.functionName ?? args.data?.type ?? ""} ${(tdur! / 1000).toFixed(0)}`;
      return { cpu, wall: task.dur! / 1000, parts: parts.map(name).join(", ") };
    });
}

/** Time from an input to the next picture (milliseconds), of every click and key since the page was opened. */
const answerTimes = (page: Page) => page.evaluate(() => (window as unknown as { answers: number[] }).answers);

async function watchAnswers(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const worst = new Map<number, number>();
    Object.defineProperty(window, "answers", { get: () => [...worst.values()] });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { interactionId: number })[]) {
        if (entry.interactionId === 0) continue;
        worst.set(entry.interactionId, Math.max(worst.get(entry.interactionId) ?? 0, entry.duration));
      }
    }).observe({ type: "event", buffered: true, durationThreshold: 16 } as PerformanceObserverInit);
  });
}

/** What a restless person does while the run plays. */
async function fidget(playground: Playground, until: number): Promise<void> {
  const { page } = playground;
  const turn = async (level: string) => {
    const temperature = page.getByLabel("Temperature", { exact: true });
    await temperature.fill(level);
    await temperature.press("Enter");
  };
  const acts: (() => Promise<unknown>)[] = [
    () => page.locator(".row .token").nth(4).click({ force: true }),
    () => turn("0.9"),
    () => page.getByLabel("Colour tokens by").selectOption("entropy"),
    () => page.getByLabel("Look back at a step").press("ArrowLeft"),
    () => playground.backToLive(),
    () => page.getByLabel("Rollouts: arrow keys choose a token").press("ArrowDown"),
    () => turn("1"),
    ...["Prompts", "Rewards", "Advantages", "Weights", "Objective", "Update", "Evaluation", "Rollouts"].map(
      (view) => () => playground.view(view),
    ),
    () => playground.button("tree").click(),
    () => playground.button("rows").click(),
    () => page.getByLabel("Colour tokens by").selectOption("auto"),
  ];
  for (let i = 0; performance.now() < until; i++) {
    await acts[i % acts.length]();
    await page.waitForTimeout(300);
  }
}

async function measure(dist: string, engine: string, policy: string, knobs: readonly string[], seconds: number) {
  const browsing = await browse({ gpu: engine === "webgpu", dist });
  try {
    const page = await browsing.newPage();
    await watchAnswers(page);
    const session = await page.context().newCDPSession(page);
    const playground = new Playground(page);
    const loaded = await trace(session);
    const query = `${SMALL_RUN.replace("policy=nano", `policy=${policy}`)}&engine=${engine}${knobs.map((knob) => `&set=${knob}`).join("")}`;
    await playground.open(`${browsing.url}${query}`);
    // The charts draw their axes one after the other.
    await page.waitForTimeout(1500);
    const load = await loaded();
    const played = await trace(session);
    const began = performance.now();
    await playground.play();
    await fidget(playground, began + seconds * 1000);
    await playground.pause();
    const played_s = (performance.now() - began) / 1000;
    const play = await played();
    return {
      engine,
      policy,
      steps: await playground.step(),
      seconds: played_s,
      load,
      play,
      answers: await answerTimes(page),
      complaints: browsing.complaints,
    };
  } finally {
    await browsing.close();
  }
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => b - a);
const over = (values: readonly number[]) => values.filter((v) => v > LONG).length;
const tasks = (list: readonly Task[]) => {
  const cpu = list.map((task) => task.cpu);
  const wall = list.map((task) => task.wall);
  return {
    cpu: { longest: sorted(cpu)[0], over: over(cpu), sum: cpu.reduce((a, b) => a + b, 0) },
    wall: { longest: sorted(wall)[0], over: over(wall) },
  };
};

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "both" },
    policy: { type: "string", default: "nano" },
    set: { type: "string", multiple: true, default: [] },
    seconds: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else {
  const engines = values.engine === "both" ? ["portable", "webgpu"] : [values.engine];
  const dist = await builtPage();
  const results = [];
  for (const engine of engines) results.push(await measure(dist, engine, values.policy, values.set, Number(values.seconds)));
  for (const { load, play, answers, ...rest } of results) {
    const summary = {
      ...rest,
      load: tasks(load),
      play: tasks(play),
      answers: { count: answers.length, median: sorted(answers)[answers.length >> 1], longest: sorted(answers)[0] },
    };
    if (values.json) {
      console.log(JSON.stringify(summary));
      continue;
    }
    console.log(`${rest.policy} on ${rest.engine}: ${rest.steps} steps in ${rest.seconds.toFixed(0)} s`);
    for (const part of ["load", "play"] as const) {
      const { cpu, wall } = summary[part];
      console.log(
        `  ${part}: longest task ${cpu.longest.toFixed(0)} ms of processor time, ${cpu.over} over ${LONG} ms; by the clock ${wall.longest.toFixed(0)} ms, ${wall.over} over ${LONG} ms`,
      );
    }
    console.log(`  interface thread busy ${(summary.play.cpu.sum / rest.seconds / 10).toFixed(0)} % of the time while playing`);
    console.log(
      `  ${answers.length} inputs answered by a picture in ${summary.answers.median} ms (median), ${summary.answers.longest} ms (longest)`,
    );
    for (const task of [...load, ...play].sort((a, b) => b.cpu - a.cpu).slice(0, 4))
      console.log(`  ${task.cpu.toFixed(0)} ms: ${task.parts}`);
    if (rest.complaints.length > 0) console.log(`  complaints: ${rest.complaints.join("; ")}`);
  }
}
