import { describe, expect, it } from "vitest";
import { reproducible } from "../loop/testing.ts";
import { memoryRunStore } from "../storage/run-store.ts";
import type { Event } from "./protocol.ts";
import { open, openSession, small } from "./testing.ts";

/** Going back in a run: records computed again, forks, slow motion, files. */

async function started(store = memoryRunStore()) {
  const s = openSession(store);
  await s.send(open);
  await s.send({ type: "start", setup: small });
  return s;
}
type Opened = Awaited<ReturnType<typeof started>>;

async function steps(s: Opened, count: number) {
  const before = s.of("step").length;
  await s.send({ type: "step", count });
  await s.until(() => s.of("step").length === before + count && s.idle());
}

async function record(s: Opened, step: number): Promise<Extract<Event, { type: "record" }>> {
  const before = s.of("record").length;
  await s.send({ type: "record", step });
  await s.until(() => s.of("record").length > before);
  return s.of("record").at(-1)!;
}

/** A record without what the clock says. */
const timeless = (event: { record: { metrics?: Record<string, number> } | null }) => ({
  ...event.record!,
  metrics: reproducible(event.record!.metrics!),
});

/** A session that has the run of another, but none of its records: only the last snapshot. */
async function later(store: ReturnType<typeof memoryRunStore>, runId: string) {
  const s = openSession(store);
  await s.send(open);
  await s.send({ type: "resume", runId });
  return s;
}

describe("a step that is no longer kept", () => {
  it("is computed again to the bit, edits and all, and its neighbours with it", async () => {
    const store = memoryRunStore();
    const s = await started(store);
    await steps(s, 3);
    await s.send({ type: "edit", path: "optimizer.miniBatches", value: 2 });
    await steps(s, 1);
    await s.send({ type: "edit", path: "sampler.temperature", value: 0.8 });
    await steps(s, 2);
    const originals = [];
    for (let step = 1; step <= 6; step++) originals.push(await record(s, step));
    expect(originals.every((event) => event.recomputed === undefined)).toBe(true);
    expect(s.of("memory").at(-1)!.memory.snapshots).toEqual([3, 4]);
    await s.send({ type: "pause" });

    const again = await later(store, s.of("started")[0].runId);
    const five = await record(again, 5);
    expect(five.recomputed).toBe("same");
    expect(again.of("recomputing")[0]).toMatchObject({ step: 5, from: 0, fraction: 0 });
    for (const [i, original] of originals.entries()) {
      const copy = await record(again, i + 1);
      expect(timeless(copy), `step ${i + 1}`).toEqual(timeless(original));
    }
  });

  it("is computed while the run goes on, and neither notices the other", async () => {
    const store = memoryRunStore();
    const s = await started(store);
    await steps(s, 4);
    const original = await record(s, 2);
    await s.send({ type: "pause" });
    const both = await later(store, s.of("started")[0].runId);
    await steps(s, 3);
    await both.send({ type: "step", count: 3 });
    const found = await record(both, 2);
    await both.until(() => both.of("step").length === 3 && both.idle());
    expect(timeless(found)).toEqual(timeless(original));
    expect(both.of("step").map((e) => reproducible(e.metrics))).toEqual(
      s
        .of("step")
        .slice(4)
        .map((e) => reproducible(e.metrics)),
    );
  });

  it("is given up when asked, or when another is asked for", async () => {
    const store = memoryRunStore();
    const s = await started(store);
    await steps(s, 6);
    await s.send({ type: "pause" });
    const again = await later(store, s.of("started")[0].runId);
    void again.send({ type: "record", step: 5 });
    await again.until(() => again.of("recomputing").length > 1);
    void again.send({ type: "cancel" });
    const found = await record(again, 2);
    expect(found).toMatchObject({ step: 2, recomputed: "same" });
    expect(again.of("record").filter((e) => e.step === 5)).toEqual([]);
    expect(again.of("error")).toEqual([]);
  });

  it("that never was has no record", async () => {
    const s = await started();
    await steps(s, 1);
    for (const step of [0, 2, -1, 1.5, Number.NaN]) expect((await record(s, step)).record).toBeNull();
  });
});

describe("a fork", () => {
  it("without changes repeats the original; with changes it differs from then on, and the original stays kept", async () => {
    const store = memoryRunStore();
    const s = await started(store);
    await steps(s, 2);
    await s.send({ type: "edit", path: "sampler.temperature", value: 0.9 });
    await steps(s, 3);
    const original = s.of("step").map((e) => reproducible(e.metrics));
    await s.send({ type: "fork", step: 3, changes: [], name: "the same" });
    const same = s.of("started").at(-1)!;
    expect(same).toMatchObject({ step: 3, name: "the same", parent: { name: "GRPO", step: 3 }, records: [1, 2, 3] });
    expect(same.history.map(reproducible)).toEqual(original.slice(0, 3));
    expect(s.last()).toMatchObject({ step: 4, phase: "verdicts" });
    await steps(s, 2);
    expect(
      s
        .of("step")
        .slice(-2)
        .map((e) => reproducible(e.metrics)),
    ).toEqual(original.slice(3));

    await s.send({ type: "fork", step: 4, changes: [["sampler.groupSize", 3]], name: "small groups" });
    const other = s.of("started").at(-1)!;
    expect(other.edits).toEqual([
      { step: 3, path: "sampler.temperature", value: 0.9 },
      { step: 5, path: "sampler.groupSize", value: 3 },
    ]);
    expect(other.parent).toMatchObject({ id: same.runId, name: "the same", step: 4 });
    await steps(s, 1);
    expect(s.of("step").at(-1)!.metrics).toMatchObject({ step: 5, rollouts_drawn: 6 });
    await s.send({ type: "pause" });
    const kept = await store.list();
    expect(new Set(kept.map((run) => `${run.name ?? "no name"}: ${run.steps}`))).toEqual(
      new Set(["small groups: 5", "the same: 5", "no name: 5"]),
    );
    // The original goes on from where it was left.
    await s.send({ type: "resume", runId: s.of("started")[0].runId });
    expect(s.of("started").at(-1)).toMatchObject({ step: 5 });
  });

  it("can begin before the first step, and after a step that must be computed again", async () => {
    const store = memoryRunStore();
    const s = await started(store);
    await steps(s, 3);
    await s.send({ type: "pause" });
    const original = s.of("step").map((e) => reproducible(e.metrics));
    const again = await later(store, s.of("started")[0].runId);
    await again.send({ type: "fork", step: 1, changes: [], name: "a" });
    await steps(again, 2);
    expect(again.of("step").map((e) => reproducible(e.metrics))).toEqual(original.slice(1));
    await again.send({ type: "fork", step: 0, changes: [["sampler.groupSize", 3]], name: "b" });
    await steps(again, 1);
    expect(again.of("step").at(-1)!.metrics).toMatchObject({ step: 1, rollouts_drawn: 6 });
  });

  it("with a change that does not fit is refused, and nothing changes", async () => {
    const s = await started();
    await steps(s, 2);
    await s.send({ type: "phase" });
    await s.send({ type: "fork", step: 1, changes: [["sampler.groupSize", 0]], name: "x" });
    expect(s.of("error").at(-1)!.message).toContain("sampler.groupSize");
    await s.send({ type: "fork", step: 7, changes: [], name: "x" });
    expect(s.of("error").at(-1)!.message).toBe("There is no step 7 to fork from.");
    expect(s.of("started")).toHaveLength(1);
    await steps(s, 1);
    expect(s.of("step").map((e) => e.step)).toEqual([1, 2, 3]);
  });

  it("that is given up leaves the run as it was, even in the middle of its updates", async () => {
    const store = memoryRunStore();
    const s = await started(store);
    await steps(s, 5);
    await s.send({ type: "pause" });
    const again = await later(store, s.of("started")[0].runId);
    await steps(s, 1);
    while (again.last().phase !== "update") {
      const shown = again.of("phase").length;
      await again.send({ type: "phase" });
      await again.until(() => again.of("phase").length > shown && again.idle());
    }
    const forking = again.send({ type: "fork", step: 4, changes: [], name: "x" });
    await again.until(() => again.of("progress").some((e) => e.what.includes("after step 4")));
    void again.send({ type: "cancel" });
    await forking;
    expect(again.of("error").at(-1)!.message).toBe("The run was not forked.");
    expect(again.of("started")).toHaveLength(1);
    await steps(again, 1);
    expect(reproducible(again.of("step").at(-1)!.metrics)).toEqual(reproducible(s.of("step").at(-1)!.metrics));
  });
});

describe("what is set ahead", () => {
  const ahead = [
    { step: 3, path: "sampler.temperature", value: 0.9 },
    { step: 6, path: "objective.clipHigh", value: 0.5 },
    { step: 7, path: "sampler.groupSize", value: 3 },
  ];

  async function withAhead() {
    const s = openSession(memoryRunStore());
    await s.send(open);
    await s.send({ type: "start", setup: small, edits: ahead });
    await steps(s, 4);
    return s;
  }

  it("holds in a fork, too, and that is said; what the fork's step has behind it does not come back", async () => {
    const s = await withAhead();
    await s.send({ type: "fork", step: 2, changes: [], name: "a" });
    expect(s.of("started").at(-1)!.edits).toEqual(ahead.slice(1));
    expect(s.of("notice").map((e) => e.message)).toEqual([
      expect.stringMatching(/^What was set ahead holds in the fork, too: .* 0\.5 from step 6, Group size 3 from step 7\.$/),
    ]);
    await steps(s, 5);
    expect(s.of("step").at(-1)!.metrics).toMatchObject({ step: 7, rollouts_drawn: 6 });
  });

  it("gives way to the fork's own changes, and is left out where it does not fit them", async () => {
    const s = await withAhead();
    await s.send({ type: "edit", path: "sampler.groupSize", value: 6 });
    await s.send({
      type: "fork",
      step: 4,
      changes: [
        ["objective", "sapo"],
        ["sampler.groupSize", 5],
      ],
      name: "b",
    });
    expect(s.of("started").at(-1)!.edits).toEqual([
      ahead[0],
      { step: 5, path: "objective", value: "sapo" },
      { step: 5, path: "sampler.groupSize", value: 5 },
      ahead[2],
    ]);
    expect(s.of("notice").at(-1)!.message).toMatch(/^What was set ahead does not fit the fork and is left out: .* from step 6\.$/);
  });
});

it("a kept run that is given up on its way leaves the run on screen where it stood", async () => {
  const store = memoryRunStore();
  const first = await started(store);
  await steps(first, 12);
  // The visit ends here: the last snapshot is of step 10.
  const s = await started(store);
  await steps(s, 2);
  while (s.last().phase !== "update") {
    const shown = s.of("phase").length;
    await s.send({ type: "phase" });
    await s.until(() => s.of("phase").length > shown && s.idle());
  }
  const resuming = s.send({ type: "resume", runId: first.of("started")[0].runId });
  await s.until(() => s.of("progress").some((e) => e.what === "Bringing the run back" && e.cancel === true));
  void s.send({ type: "cancel" });
  await resuming;
  expect(s.of("error").map((e) => e.message)).toEqual(["The run was not opened."]);
  expect(s.of("started")).toHaveLength(1);
  // In the middle of the updates of step 3: what is left of it are phases, not a step.
  const before = s.of("phase").length;
  await steps(s, 1);
  expect(s.of("phase")[before]).toMatchObject({ phase: "update", record: { step: 3 } });
  const original = first.of("step").map((e) => reproducible(e.metrics));
  expect(s.of("step").map((e) => reproducible(e.metrics))).toEqual(original.slice(0, 3));
});

it("slow motion shows every phase and stands still after each; a pause or full speed ends the wait at once", async () => {
  const s = await started();
  await s.send({ type: "pace", pause: 60_000 });
  void s.send({ type: "play" });
  await s.until(() => s.last().phase === "rewards");
  const shown = s.of("phase").length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(s.of("phase")).toHaveLength(shown);
  await s.send({ type: "pause" });
  expect(s.of("state").at(-1)).toMatchObject({ playing: false, busy: false });
  expect(s.of("phase")).toHaveLength(shown);
  void s.send({ type: "play" });
  await s.until(() => s.last().phase === "advantages");
  await s.send({ type: "pace", pause: 0 });
  await s.until(() => s.of("step").length >= 2);
  await s.send({ type: "pause" });
});

describe("a run as a file", () => {
  it("comes back after the original is forgotten, with the same next step", async () => {
    const store = memoryRunStore();
    const s = await started(store);
    await steps(s, 2);
    await s.send({ type: "edit", path: "sampler.temperature", value: 0.9 });
    await steps(s, 10);
    const { runId } = s.of("started")[0];
    await s.send({ type: "rename", runId, name: "My <b>run</b>" });
    await s.send({ type: "export", runId, what: "run" });
    const file = s.of("exported").at(-1)!;
    expect(file.fileName).toBe("My-b-run-b-12-steps.rlvr.json");
    await steps(s, 1);

    const fresh = openSession(memoryRunStore());
    await fresh.send(open);
    await fresh.send({ type: "import", text: String(file.content) });
    const { run } = fresh.of("imported")[0];
    expect(run).toMatchObject({ name: "My <b>run</b>", steps: 12, policy: "nano", task: "reverse" });
    expect(
      fresh
        .of("kept")
        .at(-1)!
        .keptRuns.map((kept) => kept.id),
    ).toEqual([run.id]);
    await fresh.send({ type: "resume", runId: run.id });
    expect(fresh.of("started")[0]).toMatchObject({ step: 12, edits: [{ step: 3 }] });
    await steps(fresh, 1);
    expect(reproducible(fresh.of("step")[0].metrics)).toEqual(reproducible(s.of("step").at(-1)!.metrics));
  });

  it("that is damaged changes nothing: one sentence", async () => {
    const s = await started();
    await steps(s, 1);
    await s.send({ type: "export", runId: s.of("started")[0].runId, what: "run" });
    const file = JSON.parse(String(s.of("exported")[0].content));
    await s.send({ type: "import", text: "{" });
    await s.send({ type: "import", text: JSON.stringify({ ...file, setup: { ...file.setup, policy: "giant" } }) });
    await s.send({ type: "import", text: JSON.stringify({ ...file, snapshot: { ...file.snapshot, theta: "AAAA" } }) });
    expect(s.of("error").map((e) => e.message)).toEqual([
      "This file is not a run of the playground, or it is cut off.",
      "There is no policy giant here.",
      "This run file cannot be used: theta is cut off.",
    ]);
    expect(s.of("imported")).toEqual([]);
    await steps(s, 1);
  });

  it("metrics as a table and answers as lines", async () => {
    const s = await started();
    await steps(s, 2);
    const { runId } = s.of("started")[0];
    await s.send({ type: "export", runId, what: "metrics" });
    await s.send({ type: "export", runId, what: "rollouts" });
    const [csv, jsonl] = s.of("exported").map(({ content }) => String(content));
    const table = csv
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    expect(table).toHaveLength(3);
    const { metrics } = s.of("step")[1];
    expect(table[2]).toEqual(table[0].map((name) => (name in metrics ? String(metrics[name]) : "")));
    const lines = jsonl
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(2 * 8);
    expect(lines[8]).toMatchObject({ step: 2, output: expect.any(String), score: expect.any(Number), group: 0, row: 0 });
    // Of a kept run, whose records nobody has any more, they are computed again; the run on screen goes on.
    await s.send({ type: "start", setup: { ...small, seed: 8 } });
    await s.send({ type: "step", count: 2 });
    await s.send({ type: "export", runId, what: "rolloutsAgain" });
    await s.until(() => s.of("exported").length === 3 && s.of("step").length === 4 && s.idle());
    expect(String(s.of("exported")[2].content)).toBe(jsonl);
    expect(s.of("exported")[2].fileName).toMatch(/-2-steps\.jsonl$/);
    expect(s.of("notice")).toEqual([]);
    await s.send({ type: "export", runId, what: "rolloutsAgain" });
    await s.send({ type: "cancel" });
    await s.until(() => s.of("error").length > 0);
    expect(s.of("error").at(-1)!.message).toBe("The answers were not exported.");
    await s.send({ type: "export", runId: "gone", what: "run" });
    expect(s.of("error").at(-1)!.message).toBe("This run is no longer kept.");
  });
});
