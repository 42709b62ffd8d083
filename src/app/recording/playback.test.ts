import { readFile } from "node:fs/promises";
import { beforeAll, expect, it, vi } from "vitest";
import { PHASES } from "../../loop/record.ts";
import { type Recording, readRecording, unpack } from "../../storage/recording.ts";
import type { Event } from "../../worker/protocol.ts";
import { Playback } from "./playback.ts";

let shipped: Recording;
let size = 0;
beforeAll(async () => {
  const bytes = new Uint8Array(await readFile("public/recordings/reverse.rlvr-recording"));
  size = bytes.length;
  shipped = readRecording(await unpack(bytes), "shipped");
});

function open() {
  const events: Event[] = [];
  return { events, playback: new Playback(shipped, (event) => events.push(event)) };
}
const steps = (events: readonly Event[]) => events.flatMap((event) => (event.type === "step" ? [event.step] : []));

it("the shipped recording is of thirty steps that learn, and small", () => {
  expect(size).toBeLessThan(600_000);
  expect(shipped.records).toHaveLength(30);
  expect(shipped.metrics[29]["pass@1"]).toBeGreaterThan(shipped.run.start!.passAtK[1] + 0.2);
});

it("opens at its end, with every step to look back at", () => {
  const { events, playback } = open();
  expect(events[0]).toMatchObject({ type: "started", step: 30, runId: "shipped" });
  for (const step of [1, 17, 30]) {
    playback.handle({ type: "record", step });
    expect(events.at(-1)).toEqual({ type: "record", step, record: shipped.records[step - 1] });
  }
});

it("plays through every phase of every step, showing of each no more than there was, and stands still when told", () => {
  vi.useFakeTimers();
  const { events, playback } = open();
  events.length = 0;
  playback.handle({ type: "play" });
  vi.advanceTimersByTime(3_000);
  playback.handle({ type: "pause" });
  const some = steps(events).length;
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan(30);
  vi.advanceTimersByTime(60_000);
  expect(steps(events)).toHaveLength(some);
  playback.handle({ type: "play" });
  vi.advanceTimersByTime(60_000);
  expect(steps(events)).toEqual(shipped.records.map((record) => record.step));
  const phases = events.flatMap((event) => (event.type === "phase" ? [event] : []));
  expect(phases.map(({ phase }) => phase)).toEqual(shipped.records.flatMap(() => PHASES));
  const of = (phase: (typeof PHASES)[number]) => phases.find((event) => event.phase === phase)!.record;
  expect(of("prompts").rollouts).toEqual([]);
  expect(of("rollouts").rollouts[0]).not.toHaveProperty("verdict");
  expect(of("verdicts").rollouts[0]).toHaveProperty("verdict");
  expect(of("rewards").tokens).not.toHaveProperty("advantage");
  expect(of("advantages").updates).toEqual([]);
  expect(of("evaluation")).toBe(shipped.records[0]);
  expect(events.at(-1)).toEqual({ type: "state", playing: false, busy: false });
  vi.useRealTimers();
});

it("steps and phases come at once; a knob or a fork is refused in a sentence", () => {
  const { events, playback } = open();
  playback.handle({ type: "reset" });
  events.length = 0;
  playback.handle({ type: "step", count: 10 });
  expect(steps(events)).toHaveLength(10);
  playback.handle({ type: "phase" });
  playback.handle({ type: "step" });
  expect(steps(events)).toHaveLength(11);
  playback.handle({ type: "edit", path: "seed", value: 3 });
  expect(events.at(-1)).toMatchObject({ type: "error", message: expect.stringMatching(/stays as it was made/) });
});
