import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { builtPage } from "../src/cli/built.mjs";
import { type Answers, measureAnswers } from "./bench/answers.ts";
import { type Frames, measureFrames } from "./bench/frames.ts";
import { type Load, measureLoad } from "./bench/load.ts";
import { type Memory, measureMemory } from "./bench/memory.ts";
import { FRAME, KINDS } from "./bench/trace.ts";

/** `npm run -s bench:page`: how the page feels while a run plays, and how soon it is there, in headless Chromium. */

const PARTS = ["frames", "answers", "load", "memory"] as const;
type Part = (typeof PARTS)[number];

const HELP = `usage: npm run -s bench:page -- [flags]

  --part frames|answers|load|memory   what to measure (may come several times; without it the first three)
  --engine portable|webgpu|both       (both)
  --policy nano|tiny                  (nano)
  --set slot.param=value              a knob of the run (may come several times)
  --seconds N                         how long frames and answers are watched (10)
  --views A,B                         of the stage, for frames: tab names, or tree (Rollouts)
  --height N                          of the window in pixels, for frames (720; all 128 answers are on screen at 4700)
  --megabits N, --round-trip N        the line that the page is loaded over: Mbit/s (10) and milliseconds (40)
  --plain                             the page comes from a host that compresses nothing
  --steps N, --every N                how long memory is watched, and how often (1000, 100)
  --gigabytes N                       of memory that the page is told of, for memory: what a run remembers of itself is less below 8 (8)
  --dist NAME=FOLDER                  a built page to measure in place of this one (may come several times: builds are compared in turns)
  --repeat N                          rounds of all of it (1)
  --json

frames    16 prompts x 8 answers play: frames a second, intervals, what the interface thread spends its processor time on
answers   the same, while a hand clicks, types and scrubs: time from an input to the next picture
load      a first visit over a slow line with nothing kept, and a later one in a browser that was started anew
memory    heaps, nodes and storage after every so many steps, rubbish collected before

Processor time is what the page costs; time by the clock also tells how busy the machine was with other things. Without a real GPU, webgpu is
emulated by the same processor that must draw the page.`;

interface Result {
  readonly part: Part;
  readonly page: string;
  readonly engine: string;
  /** Of the machine, before and after: how many processes wanted a processor. */
  readonly machine: readonly [number, number];
  readonly values: readonly Frames[] | readonly Answers[] | readonly Load[] | readonly Memory[];
}

const { values: flags } = parseArgs({
  options: {
    part: { type: "string", multiple: true, default: ["frames", "answers", "load"] },
    engine: { type: "string", default: "both" },
    policy: { type: "string", default: "nano" },
    set: { type: "string", multiple: true, default: [] },
    seconds: { type: "string", default: "10" },
    views: { type: "string", default: "Rollouts" },
    height: { type: "string", default: "720" },
    megabits: { type: "string", default: "10" },
    "round-trip": { type: "string", default: "40" },
    plain: { type: "boolean", default: false },
    steps: { type: "string", default: "1000" },
    every: { type: "string", default: "100" },
    gigabytes: { type: "string", default: "8" },
    dist: { type: "string", multiple: true, default: [] },
    repeat: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function measure(part: Part, engine: string, dist: string): Promise<Result["values"]> {
  const run = { dist, engine, policy: flags.policy, knobs: flags.set, seconds: Number(flags.seconds) };
  switch (part) {
    case "frames":
      return measureFrames({ ...run, views: flags.views.split(","), height: Number(flags.height) });
    case "answers":
      return measureAnswers(run);
    case "load":
      return measureLoad({ ...run, megabits: Number(flags.megabits), roundTrip: Number(flags["round-trip"]), plain: flags.plain });
    case "memory":
      return measureMemory(
        { ...run, steps: Number(flags.steps), every: Number(flags.every), gigabytes: Number(flags.gigabytes) },
        () => {},
      );
  }
}

const n = (value: number, digits = 0) => value.toFixed(digits);

function describe({ part, page, engine, machine, values }: Result): string {
  const lines = [`${part} · ${page} · ${flags.policy} on ${engine} · load of the machine ${n(machine[0], 1)}–${n(machine[1], 1)}`];
  if (part === "frames")
    for (const f of values as readonly Frames[]) {
      const share = KINDS.map((kind) => `${kind} ${n(100 * f.share[kind])}`).join(", ");
      lines.push(
        `  ${f.view}, ${f.rows} answers in sight, ${f.steps} steps in ${n(f.seconds)} s: ${n(f.perSecond, 1)} frames a second`,
        `    between frames p50 ${n(f.interval.p50, 1)}, p95 ${n(f.interval.p95, 1)}, p99 ${n(f.interval.p99, 1)}, longest ${n(f.interval.longest)} ms; ${f.missed} missed, ${f.missedByPage} by work of the page; compositor drew ${f.drawn}, dropped ${f.dropped}`,
        `    processor time a frame (of ${n(FRAME, 1)} ms): mean ${n(f.cpuPerFrame.mean, 1)}, p95 ${n(f.cpuPerFrame.p95, 1)}, p99 ${n(f.cpuPerFrame.p99, 1)}, most ${n(f.cpuPerFrame.longest, 1)} ms; longest task ${n(f.longestTask.cpu)} ms, by the clock ${n(f.longestTask.wall)} ms`,
        `    of it in %: ${share}; ${f.forcedLayouts} forced layouts`,
        ...f.costly.map((task) => `    ${task}`),
      );
    }
  if (part === "answers")
    for (const a of values as readonly Answers[])
      lines.push(
        `  ${a.act.padEnd(16)} ${String(a.count).padStart(4)} times: p50 ${n(a.p50)}, p95 ${n(a.p95)}, longest ${n(a.longest)} ms (waited ${n(a.waited)}, worked ${n(a.worked)}); longest task ${n(a.cpu)} ms of processor time`,
      );
  if (part === "load")
    for (const l of values as readonly Load[])
      lines.push(
        `  ${l.visit} visit: first picture ${n(l.paint)} ms, worker ${n(l.worker)}, engine ${n(l.engine)}, weights ${n(l.weights)}${l.runtime ? `, runtime ${n(l.runtime)}` : ""}, run ${n(l.run)}, first answers ${n(l.rollouts)} ms; processor time ${n(l.processor)} ms`,
        `    over the line: ${n(l.kilobytes.paint)} kB before the first picture, ${n(l.kilobytes.rollouts)} kB before the first answers`,
      );
  if (part === "memory")
    for (const m of values as readonly Memory[])
      lines.push(
        `  step ${m.step}: page ${n(m.pageHeap, 1)} MB, worker ${n(m.workerHeap, 1)} MB and arrays ${n(m.workerArrays, 1)} MB, process ${n(m.process)} MB, ${m.nodes} nodes, ${m.listeners} listeners, stored ${n(m.stored, 1)} MB`,
      );
  return lines.join("\n");
}

if (flags.help) console.log(HELP);
else {
  const parts = flags.part.map((name) => {
    const part = PARTS.find((one) => one === name);
    if (!part) throw new RangeError(`--part must be one of ${PARTS.join(", ")}, got ${name}`);
    return part;
  });
  const engines = flags.engine === "both" ? ["portable", "webgpu"] : [flags.engine];
  const pages =
    flags.dist.length === 0
      ? [{ name: "this page", dist: await builtPage() }]
      : flags.dist.map((named) => {
          const [name, ...dist] = named.split("=");
          return { name, dist: dist.join("=") };
        });
  const results: Result[] = [];
  for (let round = 0; round < Number(flags.repeat); round++)
    for (const part of parts)
      for (const engine of engines)
        for (const page of pages) {
          const before = loadavg()[0];
          const values = await measure(part, engine, page.dist);
          const result: Result = { part, page: page.name, engine, machine: [before, loadavg()[0]], values };
          results.push(result);
          if (!flags.json) console.log(describe(result));
        }
  if (flags.json) console.log(JSON.stringify(results));
}
