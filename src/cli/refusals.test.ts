import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../policy/safetensors.ts";
import { POLICIES_FOLDER } from "./policies.ts";
import { openFolder } from "./testing.ts";

/** What a person did wrong ends with exit status 2 and one line on standard error that names it; nothing is printed and nothing written before is lost. */

const { folder, refused, file } = await openFolder("refusals");

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
    [["bench", "--against", "ort", "--part", "sleep"], /--part must be one of train, rollouts, iteration, got "sleep"/],
    [["bench", "--part", "train"], /--part goes with --against/],
    [["bench", "--headed"], /--headed goes with --browser/],
    [["bench", "--chromium=--mute"], /--chromium goes with --browser/],
    [["bench", "--weights", "f8"], /--weights must be one of f32, f16, got "f8"/],
    [["bench", "--weights", "f16", "--engine", "portable"], /--weights f16 does not go with --engine portable/],
    [["bench", "--weights", "f16", "--against", "ort"], /--weights f16 does not go with --against/],
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
    [train("--weights", "f8"), /--weights must be f32 or f16, got "f8"/],
    [train("--weights", "f16"), /--weights f16 goes with --engine webgpu/],
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
    [["bench", "--budget", "0"], /--budget must be.*"0"/],
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
