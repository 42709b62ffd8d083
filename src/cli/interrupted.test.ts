import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serialize } from "node:v8";
import { beforeAll, describe, expect, it } from "vitest";
import { commandLine } from "./command-line.ts";
import { openFolder } from "./testing.ts";

/** A run that was interrupted, or lost a part of itself: it is refused by name, or goes on to the same numbers. Nothing written before is lost. */

const { folder, out, err, refused } = await openFolder("interrupted");
const nowhere = join(folder, "nowhere");

describe("runs that cannot go on", () => {
  const QUICK =
    "task.level=4 sampler.promptsPerStep=2 sampler.groupSize=2 evaluation.every=0 evaluation.passAtKProblems=2 evaluation.passAtKSamples=1";
  const settings = ["--task", "reverse", ...QUICK.split(" ").flatMap((set) => ["--set", set])];
  const begin = (path: string, steps: number, ...more: string[]) => [
    "train",
    "--json",
    "--policy",
    "nano",
    "--out",
    path,
    "--steps",
    String(steps),
    ...settings,
    ...more,
  ];
  const goOn = (path: string, steps: number, ...more: string[]) => [
    "train",
    "--json",
    "--resume",
    "--out",
    path,
    "--steps",
    String(steps),
    ...more,
  ];
  const succeed = async (args: string[]) => {
    expect(await commandLine(args), String(err.mock.calls)).toBe(0);
    out.mockClear();
  };
  const lines = async (path: string, name: string) => (await readFile(join(path, name), "utf8")).split("\n").filter(Boolean);
  /** Rewards of the steps that a run has behind it. */
  const rewards = async (path: string) => (await lines(path, "metrics.jsonl")).map((line) => JSON.parse(line).reward as number);
  const policy = (path: string) => readFile(join(path, "policy", "model.safetensors"));

  const whole = join(folder, "whole");
  beforeAll(() => succeed(begin(whole, 12)));
  const copy = async () => {
    const path = join(await mkdtemp(join(folder, "run-")), "run");
    await cp(whole, path, { recursive: true });
    return path;
  };

  it("are not begun over another run, unless by force", async () => {
    const path = await copy();
    await refused(begin(path, 1), /run holds a run already: go on with --resume, or replace it with --force/);
    expect(await rewards(path)).toHaveLength(12);
    await succeed(begin(path, 1, "--force"));
    expect(await rewards(path)).toHaveLength(1);
  });

  it("are not begun otherwise", async () => {
    const path = await copy();
    await refused(goOn(path, 13, "--seed", "2"), /was begun with --seed 1, not 2/);
    await refused(goOn(path, 13, "--policy", "tiny"), /was begun with --policy nano, not tiny/);
    await refused(goOn(path, 13, "--recipe", "dapo"), /was begun with --recipe grpo, not dapo/);
    await refused(goOn(path, 13, "--task", "sort"), /was begun with --task reverse, not sort/);
    await refused(goOn(path, 13, "--set", "sampler.groupSize=4"), /was begun with sampler.groupSize 2, not with 4/);
    expect(await rewards(path)).toHaveLength(12);
    await succeed(goOn(path, 12, "--seed", "1", "--policy", "nano", "--recipe", "grpo", ...settings));
  });

  it("hold no run", async () => {
    await refused(goOn(nowhere, 3), /no run to go on with in .*nowhere.*run.json: there is no such file/);
    await refused(goOn(await mkdtemp(join(folder, "empty-")), 3), /no run to go on with in .*empty-/);
  });

  it.each<[string, string, (content: Buffer) => string | Uint8Array, RegExp]>([
    ["run.json cut off", "run.json", (c) => c.subarray(0, 40), /run.json is damaged/],
    ["no setup", "run.json", () => "{}", /run.json is damaged: its setup is missing/],
    [
      "a strange recipe",
      "run.json",
      (c) => c.toString().replace('"reverse"', '"chess"'),
      /run.json is damaged: task has no plug-in "chess"/,
    ],
    ["a strange seed", "run.json", (c) => c.toString().replace('"seed": 1', '"seed": -1'), /run.json is damaged: seed must be/],
    ["a strange policy", "run.json", (c) => c.toString().replace('"nano"', '"giant"'), /no policy "giant"/],
    ["another policy", "run.json", (c) => c.toString().replace('"nano"', '"tiny"'), /snapshot in .* is of another policy than tiny/],
    ["a snapshot cut off", "snapshot.bin", (c) => c.subarray(0, 1000), /snapshot.bin is damaged/],
    ["a snapshot of something else", "snapshot.bin", () => serialize({ step: 12 }), /snapshot.bin is damaged/],
    [
      "metrics that lost steps",
      "metrics.jsonl",
      (c) => c.subarray(c.indexOf("\n") + 1),
      /metrics.jsonl is damaged: it has 11 of the 12 steps/,
    ],
    ["a broken line", "metrics.jsonl", (c) => c.toString().replace("{", ""), /metrics.jsonl is damaged: line 1/],
    ["rollouts that are none", "rollouts.jsonl", () => "a\nb\n", /rollouts.jsonl is damaged: line 1/],
  ])("have %s", async (_, name, edit, names) => {
    const path = await copy();
    const damaged = edit(await readFile(join(path, name)));
    await writeFile(join(path, name), damaged);
    await refused(goOn(path, 13), names);
    expect(await readFile(join(path, name))).toEqual(Buffer.from(damaged));
  });

  it("have lost their snapshot", async () => {
    const path = await copy();
    await rm(join(path, "snapshot.bin"));
    await refused(goOn(path, 13), /has lost its snapshot: .*snapshot.bin: there is no such file/);
    expect(await rewards(path)).toHaveLength(12);
  });

  it("were cut off in the middle of a line: the line is written again", async () => {
    const path = await copy();
    await rm(join(path, "snapshot.bin"));
    for (const name of ["metrics.jsonl", "rollouts.jsonl"]) {
      const kept = (await lines(path, name)).filter((line) => JSON.parse(line).step <= 3);
      await writeFile(join(path, name), `${kept.join("\n").slice(0, -9)}`);
    }
    await succeed(goOn(path, 12));
    expect(await rewards(path)).toEqual(await rewards(whole));
    expect(await readFile(join(path, "rollouts.jsonl"), "utf8")).toBe(await readFile(join(whole, "rollouts.jsonl"), "utf8"));
    expect(await policy(path)).toEqual(await policy(whole));
  });

  // What is written to /dev/full meets a full disk.
  describe.skipIf(!existsSync("/dev/full"))("on a full disk", () => {
    it("say so at the first step, and go on from the beginning", async () => {
      const path = await mkdtemp(join(folder, "full-"));
      await symlink("/dev/full", join(path, "metrics.jsonl"));
      await refused(begin(path, 12), /full-.*: the disk is full; what was written before is kept, and --resume goes on after step 0/);
      await rm(join(path, "metrics.jsonl"));
      await writeFile(join(path, "metrics.jsonl"), "");
      await succeed(goOn(path, 12));
      expect(await rewards(path)).toEqual(await rewards(whole));
      expect(await policy(path)).toEqual(await policy(whole));
    });

    it("say so at a snapshot, and go on from the one before", async () => {
      const path = await copy();
      const before = await policy(path);
      await symlink("/dev/full", join(path, "snapshot.bin.part"));
      await refused(goOn(path, 14), /run: the disk is full; what was written before is kept, and --resume goes on after step 12/);
      expect(await rewards(path)).toHaveLength(14);
      expect(await policy(path)).toEqual(before);
      expect(await readdir(path)).not.toContain("snapshot.bin.part");
      await succeed(goOn(path, 14));
      expect((await rewards(path)).slice(0, 12)).toEqual(await rewards(whole));
      expect(await rewards(path)).toHaveLength(14);
    });

    it("say so at the end, and write the policy then", async () => {
      const path = await copy();
      await symlink("/dev/full", join(path, "policy", "model.safetensors.part"));
      await refused(goOn(path, 12), /the disk is full; .* --resume goes on after step 12/);
      expect(await policy(path)).toEqual(await policy(whole));
      await succeed(goOn(path, 12));
      expect(await policy(path)).toEqual(await policy(whole));
    });

    it("say so in the middle of pre-training, and go on from the state before", async () => {
      const make = (path: string, ...more: string[]) => [
        "pretrain",
        "--policy",
        "nano",
        "--batch",
        "2",
        "--problems",
        "1",
        "--out",
        path,
        ...more,
      ];
      const undisturbed = await mkdtemp(join(folder, "pretrain-"));
      await succeed(make(undisturbed, "--stop", "3"));
      const path = await mkdtemp(join(folder, "pretrain-"));
      await refused(make(path, "--stop", "4294967296"), /--stop must be/);
      await succeed(make(path, "--stop", "2"));
      await symlink("/dev/full", join(path, "pretrain-state.json.part"));
      await refused(make(path, "--resume", "--stop", "3"), /pretrain-.*: the disk is full; --resume goes on after step 2/, 1);
      await succeed(make(path, "--resume", "--stop", "3"));
      const weights = (of: string) => readFile(join(of, "model.safetensors"));
      expect(await weights(path)).toEqual(await weights(undisturbed));
    });

    it("leave no half of an exported model", async () => {
      const path = await mkdtemp(join(folder, "full-"));
      const model = join(path, "model.onnx");
      await symlink("/dev/full", `${model}.part`);
      await refused(["export", "--policy", "nano", "--to", "onnx", "--out", model], /the disk is full/);
      expect(await readdir(path)).toEqual([]);
    });
  });
});
