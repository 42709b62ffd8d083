import { beforeEach, describe, expect, it } from "vitest";
import { Run } from "../loop/run.ts";
import { reproducible, runSteps, smallSetup } from "../loop/testing.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { memoryRunStore, type RunStore } from "../storage/run-store.ts";
import { base, open, openSession, small } from "./testing.ts";

let undisturbed: ReturnType<typeof reproducible>[];
beforeEach(async () => {
  if (undisturbed) return;
  const engine = await createPortableEngine();
  const run = await Run.open(engine, small, base);
  undisturbed = (await runSteps(run, 14)).map((r) => reproducible(r.metrics!));
});

describe("a session", () => {
  it("shows first answers, then runs by phase, by step, and until it is paused", async () => {
    const s = openSession(memoryRunStore());
    await s.send(open);
    expect(s.of("ready")[0]).toMatchObject({ engine: { label: "engine 1" }, keptRuns: [] });
    await s.send({ type: "start", setup: small });
    expect(s.of("phase").map((e) => e.phase)).toEqual(["prompts", "rollouts", "verdicts"]);
    expect(s.idle()).toBe(true);
    await s.send({ type: "phase" });
    await s.until(() => s.last().phase === "rewards" && s.idle());
    await s.send({ type: "step" });
    await s.until(() => s.of("step").length === 1 && s.idle());
    expect(s.last().phase).toBe("evaluation");
    expect(s.last().tokens!.after!.logProb).toHaveLength(s.last().tokens!.tokens.length);
    await s.send({ type: "step", count: 2 });
    await s.until(() => s.of("step").length === 3 && s.idle());
    await s.send({ type: "play" });
    await s.until(() => s.of("step").length >= 5);
    await s.send({ type: "pause" });
    expect(s.idle()).toBe(true);
    const steps = s.of("step").length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(s.of("step")).toHaveLength(steps);
    expect(s.of("step").map((e) => reproducible(e.metrics))).toEqual(undisturbed.slice(0, steps));
    await s.send({ type: "record", step: 2 });
    expect(s.of("record").at(-1)!.record!.step).toBe(2);
    await s.send({ type: "record", step: 1000 });
    expect(s.of("record").at(-1)!.record).toBeNull();
    expect(s.of("error")).toEqual([]);
  });

  it("pauses a run that was told to play a moment ago", async () => {
    const s = openSession(memoryRunStore());
    await s.send(open);
    await s.send({ type: "start", setup: small });
    void s.send({ type: "play" });
    await s.send({ type: "pause" });
    expect(s.of("state").at(-1)).toMatchObject({ playing: false, busy: false });
    const shown = s.of("phase").length;
    await s.send({ type: "phase" });
    await s.until(() => s.of("phase").length === shown + 1 && s.idle());
  });

  it("shows a knob turned before the first step in new first answers, later ones from the next step", async () => {
    const s = openSession(memoryRunStore());
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "edit", path: "sampler.groupSize", value: 3 });
    await s.until(() => s.last().rollouts.length === 6 && s.last().phase === "verdicts" && s.idle());
    expect(s.of("edited").at(-1)!.edit.step).toBe(1);
    await s.send({ type: "phase" });
    await s.until(() => s.last().phase === "rewards" && s.idle());
    await s.send({ type: "edit", path: "sampler.groupSize", value: 5 });
    expect(s.of("edited").at(-1)).toMatchObject({ edit: { step: 2 }, settings: { slots: { sampler: { params: { groupSize: 5 } } } } });
    await s.send({ type: "step", count: 2 });
    await s.until(() => s.of("step").length === 2 && s.idle());
    expect(s.of("step")[0].metrics.rollouts_drawn).toBe(6);
    expect(s.of("step")[1].metrics.rollouts_drawn).toBe(10);
    await s.send({ type: "edit", path: "sampler.groupSize", value: 0 });
    expect(s.of("error").at(-1)).toMatchObject({ fatal: false, message: expect.stringContaining("sampler.groupSize") });
    await s.send({ type: "step" });
    await s.until(() => s.of("step").length === 3 && s.idle());
  });

  it("goes back to the beginning on reset, with the knobs as they are", async () => {
    const s = openSession(memoryRunStore());
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "step", count: 2 });
    await s.until(() => s.of("step").length === 2 && s.idle());
    await s.send({ type: "edit", path: "sampler.temperature", value: 0.9 });
    await s.send({ type: "reset" });
    const started = s.of("started").at(-1)!;
    expect(started.step).toBe(0);
    expect(started.setup.recipe.slots.sampler.params.temperature).toBe(0.9);
    expect(s.last()).toMatchObject({ step: 1, phase: "verdicts" });
  });

  it.each([1, 4, 8, 10])("loses nothing when the device goes after %i phases of step 12", async (phases) => {
    const s = openSession(memoryRunStore());
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "step", count: 11 });
    await s.until(() => s.of("step").length === 11 && s.idle());
    for (let i = 0; i < phases; i++) {
      const shown = s.of("phase").length;
      await s.send({ type: "phase" });
      await s.until(() => s.of("phase").length > shown && s.idle());
    }
    const before = s.last();
    s.engines[0].lose();
    await s.until(() => s.of("notice").some((e) => e.message.includes("goes on where it was")));
    expect(s.last()).toEqual(before);
    const left = 14 - s.of("step").length;
    await s.send({ type: "step", count: left });
    await s.until(() => s.of("step").length === 14 && s.idle());
    expect(s.of("step").map((e) => reproducible(e.metrics))).toEqual(undisturbed);
    expect(s.engines).toHaveLength(2);
    expect(s.of("error")).toEqual([]);
  });

  it("goes on by itself when the device is lost while playing", async () => {
    const s = openSession(memoryRunStore());
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "play" });
    await s.until(() => s.of("step").length === 3);
    s.engines[0].lose();
    await s.until(() => s.of("step").length >= 6);
    await s.send({ type: "pause" });
    const steps = s.of("step").map((e) => reproducible(e.metrics));
    expect(steps.slice(0, 6)).toEqual(undisturbed.slice(0, 6));
    expect(s.of("state").at(-1)).toMatchObject({ playing: false, busy: false });
  });

  it("keeps the run for a later visit, which resumes it to the same numbers", async () => {
    const store = memoryRunStore();
    const first = openSession(store);
    await first.send(open);
    await first.send({ type: "start", setup: small });
    await first.send({ type: "step", count: 12 });
    await first.until(() => first.of("step").length === 12 && first.idle());
    // The visit ends here, without a word: the last snapshot is of step 10.
    const later = openSession(store);
    await later.send(open);
    const kept = later.of("ready")[0].keptRuns;
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatchObject({ policy: "nano", task: "reverse", recipe: "GRPO", seed: 7 });
    await later.send({ type: "resume", runId: kept[0].id });
    const started = later.of("started")[0];
    expect(started.step).toBe(12);
    expect(started.history.map(reproducible)).toEqual(undisturbed.slice(0, 12));
    expect(started.records).toEqual([11, 12]);
    await later.send({ type: "step", count: 2 });
    await later.until(() => later.of("step").length === 2 && later.idle());
    expect(later.of("step").map((e) => reproducible(e.metrics))).toEqual(undisturbed.slice(12));
    await later.send({ type: "forget", runId: kept[0].id });
    expect(await store.list()).toEqual([]);
    await later.send({ type: "resume", runId: kept[0].id });
    expect(later.of("error").at(-1)!.message).toBe("This run is no longer kept.");
  });

  it("says once that storage is full, and goes on", async () => {
    const full: RunStore = {
      ...memoryRunStore(),
      save: () => Promise.reject(new Error("storage is full")),
      appendMetrics: () => Promise.reject(new Error("storage is full")),
    };
    const s = openSession(full);
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "step", count: 3 });
    await s.until(() => s.of("step").length === 3 && s.idle());
    await s.send({ type: "pause" });
    expect(s.of("notice").map((e) => e.message)).toEqual([expect.stringContaining("storage is full")]);
    expect(s.of("error")).toEqual([]);
  });

  it("draws answers to one held-out problem, before training and now, with progress; a run that plays goes on", async () => {
    const s = openSession(memoryRunStore());
    await s.send(open);
    await s.send({ type: "start", setup: small });
    await s.send({ type: "sample", problem: 1, samples: 12 });
    const [first] = s.of("sampled");
    expect(first).toMatchObject({ step: 0, updating: false, answers: { at: 1, samples: 12 } });
    const total = (answers: readonly { count: number }[]) => answers.reduce((sum, { count }) => sum + count, 0);
    expect(total(first.answers.before)).toBe(12);
    // Nothing is learned yet, and both sides draw with the same numbers.
    expect(first.answers.after).toEqual(first.answers.before);
    expect(
      s
        .of("progress")
        .filter((e) => e.what.includes("12 answers"))
        .map((e) => e.fraction),
    ).toEqual([0, 0.5]);
    await s.send({ type: "play" });
    await s.until(() => s.of("step").length >= 2);
    await s.send({ type: "sample", problem: 1, samples: 12 });
    const steps = s.of("step").length;
    await s.until(() => s.of("step").length > steps);
    await s.send({ type: "pause" });
    expect(s.of("sampled")).toHaveLength(2);
    expect(s.of("sampled")[1].answers.before).toEqual(first.answers.before);
    expect(s.of("sampled")[1].answers.problem).toEqual(first.answers.problem);
    expect(s.of("step").map((e) => reproducible(e.metrics))).toEqual(undisturbed.slice(0, s.of("step").length));
    await s.send({ type: "sample", problem: 100000, samples: 12 });
    expect(s.of("error").at(-1)!.message).toMatch(/^problem must be from 0 to/);
  });

  it("measures pass@k of the start and of now when it is left alone", async () => {
    const s = openSession(memoryRunStore());
    await s.send(open);
    const setup = smallSetup({ "evaluation.passAtKProblems": 4, "evaluation.passAtKSamples": 2 });
    await s.send({ type: "start", setup });
    await s.until(() => s.of("evaluated").length === 1);
    expect(s.of("evaluated")[0]).toMatchObject({ step: 0, evaluation: { problems: 4, samples: 2 } });
    await s.send({ type: "step", count: 1 });
    await s.until(() => s.of("evaluated").length === 2);
    expect(s.of("evaluated")[1].step).toBe(1);
  });

  it("says what is wrong and keeps the run when another cannot start", async () => {
    const s = openSession(memoryRunStore());
    await s.send(open);
    await s.send({ type: "play" });
    expect(s.of("error").at(-1)!.message).toBe("There is no run yet.");
    await s.send({ type: "start", setup: small });
    await s.send({ type: "start", setup: { ...small, policy: "giant" } });
    expect(s.of("error").at(-1)).toMatchObject({ message: "There is no policy giant here.", fatal: false });
    await s.send({ type: "step" });
    await s.until(() => s.of("step").length === 1 && s.idle());
    expect(reproducible(s.of("step")[0].metrics)).toEqual(undisturbed[0]);
  });
});
