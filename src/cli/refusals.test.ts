import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { serialize } from "node:v8";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readSafetensors, writeSafetensors } from "../policy/safetensors.ts";
import { commandLine } from "./command-line.ts";
import { POLICIES_FOLDER } from "./policies.ts";

/** What a person did wrong ends with exit status 2 and one line on standard error that names it; nothing is printed and nothing written before is lost. */

const folder = await mkdtemp(join(tmpdir(), "refusals-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const out = vi.spyOn(console, "log").mockImplementation(() => {});
const err = vi.spyOn(console, "error").mockImplementation(() => {});
afterEach(() => {
  out.mockClear();
  err.mockClear();
});

/** Runs a command that must be refused: its line on standard error names what is wrong. It may have printed some lines before. */
async function refused(args: readonly string[], names: RegExp, printed = 0): Promise<void> {
  const status = await commandLine(args);
  const lines = err.mock.calls.map(([line]) => line);
  expect({ status, lines }).toEqual({ status: 2, lines: [expect.stringMatching(names)] });
  expect(lines[0]).toMatch(/^rlvr: .+$/);
  expect(lines[0]).not.toContain("\n");
  expect(out).toHaveBeenCalledTimes(printed);
  err.mockClear();
}

/** A file with this content in a folder of its own. */
async function file(name: string, content: string): Promise<string> {
  const path = join(await mkdtemp(join(folder, "file-")), name);
  await writeFile(path, content);
  return path;
}

const nowhere = join(folder, "nowhere");
const untouched = async (...args: Parameters<typeof refused>) => {
  await refused(...args);
  expect(existsSync(nowhere)).toBe(false);
};
const train = (...flags: string[]) => ["train", "--out", nowhere, "--policy", "nano", ...flags];
const evaluate = (...flags: string[]) => ["eval", "--policy", "nano", "--task", "sort", ...flags];
const pretrain = (...flags: string[]) => ["pretrain", "--out", nowhere, ...flags];

describe("words that mean nothing", () => {
  it.each<[string[], RegExp]>([
    [[], /say which command/],
    [["fly"], /no command "fly"; there are train, eval/],
    [["constructor"], /no command "constructor"/],
    [["list", "birds"], /list wants one of recipes, tasks/],
    [["show", "bird", "grpo"], /show/],
    [["show", "recipe", "ppo2"], /no recipe "ppo2"; there are grpo/],
    [["bench", "--policy", "huge"], /--policy must be one of.*"huge"/],
    [["bench", "--against", "torch"], /--against must be one of jax-js, tfjs, ort, got "torch"/],
    [["bench", "--against", "ort", "--part", "sleep"], /--part must be one of train, rollouts, got "sleep"/],
    [["bench", "--part", "train"], /--part goes with --against/],
    [["bench", "--headed"], /--headed goes with --browser/],
    [["bench", "--chromium=--mute"], /--chromium goes with --browser/],
    [["bench", "--engine", "abacus"], /--engine must be portable or webgpu, got "abacus"/],
    [["score"], /--in FILE is needed/],
    [["golden"], /golden wants one file/],
    [["export", "--out", "x"], /--to must be/],
    [["export", "--to", "gguf", "--out", "x"], /--to must be.*"gguf"/],
    [["export", "--to", "hf"], /--out PATH is needed/],
    [["train"], /--out DIR is needed/],
  ])("%j", refused);

  it.each<[string[], RegExp]>([
    [train("--speed", "9"), /'--speed'/],
    [train("--steps"), /'--steps <value>'/],
    [train("loose"), /'loose'/],
    [train("--recipe", "ppo2"), /no recipe "ppo2"; there are grpo/],
    [train("--task", "chess"), /task has no plug-in "chess"; it has countdown/],
    [train("--policy", "giant"), /no policy "giant"; give a folder, or one of nano/],
    [train("--engine", "abacus"), /--engine must be auto, portable or webgpu, got "abacus"/],
    [evaluate("--task", "chess"), /no task "chess"; tasks are/],
    [evaluate("--level", "99"), /no level "99"; it has 4/],
    [evaluate("--policy", "giant"), /no policy "giant"/],
    [evaluate("--engine", "abacus"), /--engine must be auto, portable or webgpu/],
    [pretrain("--policy", "giant"), /--policy must be one of nano.*"giant"/],
  ])("%j", untouched);
});

describe("numbers that do not fit", () => {
  it.each<[string[], RegExp]>([
    [train("--steps", "-1"), /--steps must be a whole number.*"-1"/],
    [train("--steps", "0"), /--steps must be.*"0"/],
    [train("--steps", "1.5"), /--steps must be.*"1.5"/],
    [train("--steps", "many"), /--steps must be.*"many"/],
    [train("--seed", "-3"), /--seed must be.*"-3"/],
    [train("--seed", "4294967296"), /seed must be a whole number.*4294967296/],
    [train("--threads", "0"), /--threads must be.*"0"/],
    [train("--threads", "-2"), /--threads must be.*"-2"/],
    [evaluate("--k", "0"), /--k must be.*"0"/],
    [evaluate("--k", "1,-8"), /--k must be.*"-8"/],
    [evaluate("--k", "128"), /--k must be a whole number from 1 to 64, got "128"/],
    [evaluate("--k", "1,,2"), /--k must be.*""/],
    [evaluate("--n", "-4"), /--n must be.*"-4"/],
    [evaluate("--n", "2.5"), /--n must be.*"2.5"/],
    [evaluate("--problems", "0"), /--problems must be.*"0"/],
    [evaluate("--temperature", "-1"), /--temperature must be.*"-1"/],
    [evaluate("--temperature", "warm"), /--temperature must be.*"warm"/],
    [evaluate("--seed", "-.5"), /--seed must be.*"-.5"/],
    [pretrain("--policy", "nano", "--steps", "-1"), /--steps must be.*"-1"/],
    [pretrain("--policy", "nano", "--batch", "0"), /--batch must be.*"0"/],
    [pretrain("--policy", "nano", "--learning-rate", "-1"), /--learning-rate must be.*"-1"/],
    [["bench", "--repeat", "-1"], /--repeat must be.*"-1"/],
    [["bench", "--batch", "8by4"], /--batch must be.*"8by4"/],
  ])("%j", untouched);
});

describe("parameters", () => {
  it.each([
    ["groupSize", /slot.param=value, got "groupSize"/],
    ["=3", /slot.param=value, got "=3"/],
    ["mood.color=red", /no parameter "mood.color".*task, sampler/],
    ["sampler.groupSize.x=3", /no parameter "sampler.groupSize.x"/],
    ["sampler.magic=3", /sampler.magic is not a parameter of temperature; it has/],
    ["sampler.constructor=3", /sampler.constructor is not a parameter/],
    ["sampler.groupSize=0", /sampler.groupSize must lie between.*got 0/],
    ["sampler.groupSize=2.5", /sampler.groupSize must be a whole number, got 2.5/],
    ["sampler.groupSize=twelve", /sampler.groupSize must be a number, got "twelve"/],
    ["sampler.groupSize=", /sampler.groupSize must be a number, got ""/],
    ["sampler.temperature=Infinity", /sampler.temperature must be a number/],
    ["aggregation.maskTruncated=1", /aggregation.maskTruncated must be true or false, got "1"/],
    ["advantage.scale=huge", /advantage.scale must be one of.*"huge"/],
    ["advantage=magic", /advantage has no plug-in "magic"; it has group/],
    ["task.level=99", /task.level must be one of.*"99"/],
  ])("--set %s", (set, names) => untouched(train("--set", set), names));
});

describe("recipe files", () => {
  const recipe = (changes: unknown) => JSON.stringify({ id: "mine", name: "Mine", base: "grpo@1", changes });
  it.each([
    ["text that is not JSON", "{", /mine.json is not JSON/],
    ["JSON that is no recipe", "[]", /mine.json: a recipe must be an object/],
    ["no name", JSON.stringify({ id: "mine", base: "grpo@1", changes: {} }), /mine.json: a recipe must be an object/],
    ["another base", JSON.stringify({ id: "mine", name: "Mine", base: "ppo@1", changes: {} }), /mine.json: .*grpo@1, got base "ppo@1"/],
    ["an unknown slot", recipe({ mood: {} }), /mine.json: a recipe has no slot "mood"/],
    ["a slot of the wrong form", recipe({ advantage: "group" }), /mine.json: advantage must be an object/],
    ["an unknown plug-in", recipe({ advantage: { plugin: "magic" } }), /mine.json: advantage has no plug-in "magic"/],
    ["an unknown parameter", recipe({ advantage: { params: { magic: 1 } } }), /mine.json: advantage.magic is not a parameter/],
    ["a value out of range", recipe({ objective: { params: { clipLow: 2 } } }), /mine.json: objective.clipLow must lie between/],
    ["a value of the wrong type", recipe({ objective: { params: { clipLow: "0.2" } } }), /mine.json: objective.clipLow must be a number/],
  ])("with %s", async (_, content, names) => {
    const path = await file("mine.json", content);
    await untouched(train("--recipe", path), names);
    await refused(["show", "recipe", path], names);
  });

  it("that are not there", () => untouched(train("--recipe", "./none.json"), /none.json: there is no such file/));
});

describe("checkpoints", () => {
  /** A copy of the shipped nano whose file went through `edit`. */
  async function broken(name: string, edit: (content: Buffer) => string | Uint8Array): Promise<string> {
    const copy = await mkdtemp(join(folder, "policy-"));
    await cp(join(POLICIES_FOLDER, "nano"), copy, { recursive: true });
    await writeFile(join(copy, name), edit(await readFile(join(copy, name))));
    return copy;
  }
  const config = (fields: object) => (content: Buffer) => JSON.stringify({ ...JSON.parse(content.toString()), ...fields });
  const withTensor = (name: string, edit: (data: Float32Array) => void) => (content: Buffer) => {
    const tensors = readSafetensors(content);
    edit(tensors.get(name)!.data);
    return writeSafetensors([...tensors.values()]);
  };
  const norm = "model.norm.weight";

  it.each<[string, string, (content: Buffer) => string | Uint8Array, RegExp]>([
    ["weights cut off", "model.safetensors", (c) => c.subarray(0, c.length - 5), /model.safetensors is broken: it ends before the data of/],
    ["a header cut off", "model.safetensors", (c) => c.subarray(0, 100), /model.safetensors is broken: its header is longer/],
    ["no weights at all", "model.safetensors", () => "", /model.safetensors is broken: it has only 0 bytes/],
    [
      "a header that is no object",
      "model.safetensors",
      () => "\x04\0\0\0\0\0\0\0null",
      /model.safetensors is broken: its header is not an object/,
    ],
    [
      "weights that are not numbers",
      "model.safetensors",
      withTensor(norm, (d) => d.fill(Number.NaN)),
      /model.norm.weight holds a number that is not/,
    ],
    [
      "infinite weights",
      "model.safetensors",
      withTensor(norm, (d) => d.fill(1 / 0, 3, 4)),
      /model.norm.weight holds a number that is not finite/,
    ],
    ["no JSON", "config.json", () => "{", /config.json is not JSON/],
    ["no shape", "config.json", () => "{}", /config.json: num_attention_heads must be a number/],
    ["a missing field", "config.json", config({ hidden_size: undefined }), /config.json: hidden_size must be a number/],
    ["a field of the wrong type", "config.json", config({ num_hidden_layers: "two" }), /config.json: num_hidden_layers must be a number/],
    ["half a layer", "config.json", config({ num_hidden_layers: 1.5 }), /config.json: policy layers must be an integer/],
    ["too many layers", "config.json", config({ num_hidden_layers: 1e9 }), /config.json: policy layers must be/],
    ["another width", "config.json", config({ hidden_size: 96 }), /has shape \[104,64\], the configuration asks for \[104,96\]/],
    ["another architecture", "config.json", config({ model_type: "mamba" }), /config.json: the model type mamba is not supported/],
    ["another vocabulary", "tokenizer.json", (c) => c.toString().replace('"a": ', '"à": '), /tokenizer.json gives "à" the id/],
    ["a broken card", "card.json", () => "{", /card.json is not JSON/],
  ])("with %s", async (_, name, edit, names) => {
    const path = await broken(name, edit);
    await untouched(train("--policy", path), names);
    await refused(evaluate("--policy", path), names);
    await refused(["export", "--policy", path, "--to", "onnx", "--out", nowhere], names);
    expect(existsSync(nowhere)).toBe(false);
  });

  it("without weights", async () => {
    const path = await broken("card.json", (c) => c);
    await rm(join(path, "model.safetensors"));
    await untouched(train("--policy", path), /model.safetensors is missing/);
  });

  it("whose context is too short for the task", async () => {
    const path = await broken("config.json", config({ max_position_embeddings: 4 }));
    await refused(evaluate("--policy", path), /tokens, the context holds 4/);
  });
});

describe("places", () => {
  it("that are files", async () => {
    const path = await file("here", "mine");
    await refused(train("--out", path), /here: it is a file, a folder is needed/);
    await refused(["export", "--policy", "nano", "--to", "hf", "--out", path], /here: it is a file, a folder is needed/);
    await refused(pretrain("--policy", "nano", "--steps", "1", "--out", path), /here: it is a file, a folder is needed/);
    await refused(train("--out", join(path, "deeper")), /deeper: part of the path is a file/);
    expect(await readFile(path, "utf8")).toBe("mine");
  });

  it("that are folders", async () => {
    const path = await mkdtemp(join(folder, "place-"));
    await refused(["export", "--policy", "nano", "--to", "onnx", "--out", path], /place-.*folder/);
    await refused(["score", "--policy", "nano", "--in", path], /it is a folder, a file is needed/);
    expect(await readdir(path)).toEqual([]);
    expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it.skipIf(!existsSync("/proc/self"))("where nothing can be written", () =>
    refused(train("--out", "/proc/nothing"), /\/proc\/nothing: (there is no such|permission is denied|it lies on a read-only)/),
  );
});

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

describe("text to score", () => {
  const score = async (content: string) => ["score", "--policy", "nano", "--in", await file("texts.jsonl", content)];
  const good = '{"input": "1+1=", "output": "2"}\n';
  it.each([
    ["no JSON", `${good}\n{"input": `, /texts.jsonl line 3 is not JSON/],
    ["no object", `${good}3`, /texts.jsonl line 2 must be/],
    ["no output", `${good}{"input": "1"}`, /texts.jsonl line 2 must be/],
    ["a wrong type", `{"input": "1", "output": "2", "eos": "yes"}\n${good}`, /texts.jsonl line 1 must be/],
    ["a strange character", `${good}{"input": "1", "output": "zwölf"}`, /texts.jsonl line 2: output: the vocabulary has no character "ö"/],
    [
      "a line too long",
      `${good}\n{"input": "1", "output": "${"1".repeat(128)}"}`,
      /texts.jsonl line 3 is longer than the policy's context of 128/,
    ],
  ])("with %s", async (_, content, names) => refused(await score(content), names));

  it("that is not there", () => refused(["score", "--in", "none.jsonl"], /none.jsonl: there is no such file/));
});

interface GoldenCase {
  tokens?: number[][];
  weights?: Record<string, unknown[]>;
  config: { hidden_size: number };
}

describe("golden files", () => {
  const small = fileURLToPath(new URL("../policy/golden/llama.golden.json", import.meta.url));
  const first = (edit: (one: GoldenCase) => void) => async () => {
    const document = JSON.parse(await readFile(small, "utf8"));
    edit(document.cases[0]);
    return JSON.stringify(document);
  };
  it.each<[string, () => Promise<string>, RegExp]>([
    ["no JSON", async () => "{", /golden.json/],
    ["nothing to recompute", async () => "{}", /golden file/],
    ["a case that is no object", async () => '{"cases": [3]}', /case 0/],
    ["no tokens", first((c) => delete c.tokens), /case ".+": tokens must be/],
    ["no weights", first((c) => delete c.weights), /case ".+": it has no weights/],
    ["a weight missing", first((c) => delete c.weights!["model.norm.weight"]), /the weights lack model.norm.weight/],
    ["a weight cut off", first((c) => c.weights!["model.norm.weight"].pop()), /model.norm.weight has \d+ values/],
    ["a weight that is no number", first((c) => c.weights!["model.norm.weight"].fill("x")), /model.norm.weight/],
    ["a shape that is none", first((c) => (c.config.hidden_size = -1)), /hiddenSize must be/],
    ["a strange token", first((c) => (c.tokens![0][0] = 1e6)), /token 1000000 is outside the vocabulary/],
  ])("with %s", async (_, content, names) => {
    const path = await file("golden.json", await content());
    await untouched(["golden", path, "--out", nowhere], names);
  });

  it("that are not there", () => refused(["golden", "none.json"], /none.json/));
});

describe("claims", () => {
  it.each<[string[], RegExp]>([
    [["claim"], /say whose claim to check/],
    [["claim", "ppo2"], /no recipe "ppo2"; there are grpo/],
    [["claim", "grpo"], /grpo has no claim/],
    [["claim", "grpo", "--seeds", "-1"], /--seeds must be.*"-1"|grpo has no claim/],
    [["claim", "./none.json"], /none.json: there is no such file/],
  ])("%j", refused);
});

describe("what is promised and not built yet", () => {
  it.each<[string[], RegExp]>([
    [["export", "--to", "trl", "--policy", "nano", "--out", "x"], /trl is not built yet/],
    [["export", "--to", "verl", "--policy", "nano", "--out", "x"], /verl is not built yet/],
  ])("%j", refused);
});

describe("the program itself", () => {
  /** Runs the command line as a process of its own. */
  async function program(args: string[], env: NodeJS.ProcessEnv = {}) {
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const viteNode = fileURLToPath(new URL("../../node_modules/vite-node/dist/cli.mjs", import.meta.url));
    const options = { env: { ...process.env, ...env } };
    return promisify(execFile)(process.execPath, [viteNode, main, ...args], options).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    );
  }

  it("ends with status 2 and one line where there is no GPU", async () => {
    const none = { VK_ICD_FILENAMES: join(folder, "no-driver.json"), VK_DRIVER_FILES: join(folder, "no-driver.json") };
    expect(await program(train("--engine", "webgpu"), none)).toEqual({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^rlvr: No Vulkan driver was found.*\n$/),
    });
    expect(existsSync(nowhere)).toBe(false);
  });
});
