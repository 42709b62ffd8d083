import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { run as evaluate } from "./eval.ts";
import { loadPolicyFolder, writeIndex } from "./policies.ts";
import { run } from "./pretrain.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pretrain-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const log = vi.spyOn(console, "log").mockImplementation(() => {});
afterEach(() => log.mockClear());
const usage = (pattern: RegExp) => expect.objectContaining({ name: "UsageError", message: expect.stringMatching(pattern) });
const quick = ["--policy", "nano", "--steps", "4", "--batch", "4", "--problems", "1"];

it("stops and resumes to the same policy, with a card that says how it came about", { timeout: 60_000 }, async () => {
  const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
  await run([...quick, "--out", whole]);
  await run([...quick, "--out", parts, "--stop", "2"]);
  expect(await readdir(parts)).toContain("pretrain-state.json");
  await expect(run([...quick, "--out", parts])).rejects.toEqual(usage(/unfinished pre-training.*--resume/));
  await expect(run(["--out", parts, "--resume", "--seed", "8"])).rejects.toEqual(usage(/begun with --seed 1, not 8/));
  await run(["--out", parts, "--resume", "--problems", "1"]);
  expect(await readdir(parts)).not.toContain("pretrain-state.json");
  expect(await readFile(join(parts, "model.safetensors"))).toEqual(await readFile(join(whole, "model.safetensors")));

  const { card } = await loadPolicyFolder(parts);
  expect(card).toMatchObject({ id: "parts", size: "nano", steps: 4, seed: 1 });
  expect(card!.measured.length).toBeGreaterThan(10);
  expect(card!.command).toContain("--steps 4 --batch 4");
  expect(await readFile(join(parts, "README.md"), "utf8")).toContain(card!.command);
  await expect(run([...quick, "--out", whole])).rejects.toEqual(usage(/holds a policy already/));

  await writeIndex(folder);
  const index = JSON.parse(await readFile(join(folder, "index.json"), "utf8"));
  expect(index.policies.map(({ id }: { id: string }) => id).sort()).toEqual(["parts", "whole"]);
  expect(index.policies[0].files).toEqual(expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json", "card.json"]));
  expect(index.policies[0].config.hiddenSize).toBe(64);

  log.mockClear();
  await evaluate(["--policy", parts, "--task", "sort", "--level", "4", "--n", "2", "--k", "2,1", "--problems", "3", "--json"]);
  expect(JSON.parse(log.mock.calls[0][0])).toMatchObject({ task: "sort", level: "4", problems: 3, samples: 2, passAtK: { 1: 0, 2: 0 } });

  await writeFile(join(parts, "model.safetensors"), "no weights");
  await expect(loadPolicyFolder(parts)).rejects.toEqual(usage(/policy .*parts: /));
});

it("refuses a broken state", async () => {
  await expect(run(["--out", join(folder, "none"), "--resume"])).rejects.toEqual(usage(/nothing to resume/));
  await writeFile(join(folder, "pretrain-state.json"), '{"format": 1');
  await expect(run(["--out", folder, "--resume"])).rejects.toEqual(usage(/is broken/));
});

it.each([
  [["--out", "x"], /--policy must be one of nano, tiny, small/],
  [["--policy", "huge", "--out", "x"], /--policy must be one of.*"huge"/],
  [["--policy", "nano"], /needs --out/],
  [["--policy", "nano", "--out", "x", "--steps", "many"], /--steps must be a whole number/],
  [["--policy", "nano", "--out", "x", "--learning-rate", "0"], /--learning-rate must be a number from/],
])("pretrain %j is refused", async (args, pattern) => {
  await expect(run(args)).rejects.toEqual(usage(pattern));
});

it.each([
  [["--task", "sort"], /needs --policy/],
  [["--policy", "nano"], /needs --task/],
  [["--policy", "nano", "--task", "chess"], /no task "chess"; tasks are/],
  [["--policy", "nano", "--task", "sort", "--level", "99"], /has no level "99"; it has 4, 6, 8/],
  [["--policy", "nano", "--task", "sort", "--k", "100"], /--k must be/],
  [["--policy", "nano", "--task", "sort", "--temperature", "0"], /--temperature must be/],
  [["--policy", "nowhere", "--task", "sort"], /no policy "nowhere"; give a folder, or one of nano/],
  [["--policy", "nano", "--task", "sort", "--engine", "abacus"], /--engine must be/],
])("eval %j is refused", async (args, pattern) => {
  await expect(evaluate(args)).rejects.toEqual(usage(pattern));
});
