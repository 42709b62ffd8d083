import { afterAll, beforeAll, expect, it } from "vitest";
import { PHASES, type StepRecord } from "../loop/record.ts";
import { Run } from "../loop/run.ts";
import { reproducible } from "../loop/testing.ts";
import type { WebgpuEngine } from "../policy/webgpu/engine.ts";
import { createNodeWebgpuEngine } from "../policy/webgpu/node.ts";
import { memoryRunStore } from "../storage/run-store.ts";
import { base, open, openSession, small } from "./testing.ts";

// On a GPU the session leaves numbers there until somebody sees them, and draws ahead while it plays. Nobody must notice.
let engine: WebgpuEngine;
beforeAll(async () => {
  engine = await createNodeWebgpuEngine();
});
afterAll(() => {
  expect(engine.errorMessages()).toEqual([]);
  engine.dispose();
});

const session = async () => {
  const s = openSession(memoryRunStore(), async () => ({ engine, status: { kind: "webgpu", label: engine.label } }));
  await s.send(open);
  await s.send({ type: "start", setup: small });
  return s;
};
const metricsOf = (s: Awaited<ReturnType<typeof session>>) => s.of("step").map((event) => reproducible(event.metrics));

/** What a record must hold once its phase is shown. */
function expectWhole(record: StepRecord): void {
  const reached = (phase: (typeof PHASES)[number]) => PHASES.indexOf(record.phase) >= PHASES.indexOf(phase);
  if (reached("rewards")) expect(record.tokens!.refLogProb).toHaveLength(record.tokens!.tokens.length);
  if (reached("advantages")) expect(record.rollouts.every((rollout) => rollout.advantage !== undefined)).toBe(true);
  if (record.phase === "evaluation") expect(record.tokens!.after!.logProb).toHaveLength(record.tokens!.tokens.length);
  for (const update of record.updates) expect(update.gradNorm).toBeGreaterThanOrEqual(0);
}

it("plays, pauses at once, and goes on after a knob was turned, to the same numbers as a run that nobody plays", async () => {
  const s = await session();
  void s.send({ type: "play" });
  await s.until(() => s.of("step").length >= 3);
  await s.send({ type: "pause" });
  const paused = s.of("step").length;
  await s.send({ type: "edit", path: "sampler.temperature", value: 0.8 });
  const { edit } = s.of("edited").at(-1)!;
  await s.send({ type: "step", count: 3 });
  await s.until(() => s.of("step").length === paused + 3 && s.idle());
  for (const { record } of s.of("phase")) expectWhole(record);

  const alone = await Run.open(engine, small, base, { inspect: true, edits: [edit] });
  const expected = [];
  for (let i = 0; i < paused + 3; i++) {
    let last: StepRecord | undefined;
    for await (const record of alone.next()) last = record;
    expected.push(reproducible(last!.metrics!));
  }
  alone.dispose();
  expect(metricsOf(s)).toEqual(expected);
  expect(s.of("error")).toEqual([]);
});

it.each(["phase by phase", "in slow motion"])("shows every update of a step as it is made, %s", async (how) => {
  const s = await session();
  const shown = () => s.of("phase").filter(({ record }) => record.step === 1 && record.phase !== "prompts");
  if (how === "in slow motion") {
    await s.send({ type: "pace", pause: 1 });
    await s.send({ type: "step" });
    await s.until(() => s.of("step").length === 1 && s.idle());
  } else {
    while (s.of("step").length === 0) {
      const before = s.of("phase").length;
      await s.send({ type: "phase" });
      await s.until(() => s.of("phase").length > before && s.idle());
    }
  }
  for (const { record } of shown()) expectWhole(record);
  expect(shown().flatMap(({ record }) => (record.phase === "update" ? [record.updates.length] : []))).toEqual([1, 2, 3, 4]);
  expect(s.of("error")).toEqual([]);
});
