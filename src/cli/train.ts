import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { RecipeError } from "../algorithm/plugin.ts";
import type { EvaluationRecord, Metrics, StepRecord } from "../loop/record.ts";
import { checkSeed, Run, type RunSetup } from "../loop/run.ts";
import { exportHuggingFace } from "../policy/checkpoint.ts";
import { makeFolder, writeCheckpointFolder } from "../policy/checkpoint-folder.ts";
import type { Engine } from "../policy/engine.ts";
import { recipeById } from "../recipes/index.ts";
import { differences, parseValue, type Recipe, type ResolvedRecipe, resolveRecipe, settingsOf, withChange } from "../recipes/recipe.ts";
import { pack, writeRecording } from "../storage/recording.ts";
import { engineByName, failOnEngineErrors } from "./engines.ts";
import { loadPolicyFolder } from "./policies.ts";
import { appendStep, clearRun, readRun, runFiles, SNAPSHOT_EVERY, writeRunFile, writeSnapshot } from "./run-folder.ts";
import { fileProblem, integerFlag, UsageError } from "./usage.ts";

const HELP = `usage: rlvr train --out DIR [flags]

  --recipe ID|FILE     what to train with (grpo)
  --task T             task in place of the recipe's (countdown)
  --policy P           shipped policy or folder to start from (tiny)
  --steps N            steps (150)
  --seed S             seed (1)
  --engine E           portable, webgpu, or auto: the GPU if there is one (portable)
  --weights W          f32, or f16 with the webgpu engine: the GPU reads weights of 16 bits, and learns in 32 (f32; as before with --resume)
  --threads N          threads of the portable engine (1)
  --set slot.param=v   a parameter; may be repeated. slot=plugin replaces the plug-in
  --resume             go on with the run in DIR
  --force              replace the run in DIR
  --recording FILE     also record all that the page shows of the run, to be looked at there without training
  --json               print the summary as JSON

DIR gets run.json, metrics.jsonl, rollouts.jsonl and policy/.`;

const OPTIONS = {
  recipe: { type: "string" },
  task: { type: "string" },
  policy: { type: "string" },
  steps: { type: "string", default: "150" },
  seed: { type: "string" },
  engine: { type: "string", default: "portable" },
  weights: { type: "string" },
  threads: { type: "string", default: "1" },
  set: { type: "string", multiple: true, default: [] as string[] },
  out: { type: "string" },
  resume: { type: "boolean", default: false },
  force: { type: "boolean", default: false },
  recording: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** A recipe as it is written, by id or from a JSON file, known to resolve. */
export async function readWritten(idOrFile: string): Promise<Recipe> {
  if (!/[./\\]/.test(idOrFile)) return recipeById(idOrFile);
  let recipe: Recipe;
  try {
    recipe = JSON.parse(await readFile(idOrFile, "utf8"));
  } catch (error) {
    throw new UsageError(`the recipe ${fileProblem(error, idOrFile) ?? `${idOrFile} is not JSON: ${(error as Error).message}`}`);
  }
  try {
    resolveRecipe(recipe);
    return recipe;
  } catch (error) {
    if (error instanceof RecipeError) throw new UsageError(`the recipe ${idOrFile}: ${error.message}`);
    throw error;
  }
}

/** A recipe by id, or from a JSON file, resolved. */
export const readRecipe = async (idOrFile: string): Promise<ResolvedRecipe> => resolveRecipe(await readWritten(idOrFile));

/** Applies `--set slot.param=value` flags in order. */
export function withFlags(recipe: ResolvedRecipe, flags: readonly string[]): ResolvedRecipe {
  return flags.reduce((current, flag) => {
    const at = flag.indexOf("=");
    if (at < 1) throw new UsageError(`--set wants slot.param=value, got ${JSON.stringify(flag)}`);
    const path = flag.slice(0, at);
    return withChange(current, path, parseValue(current, path, flag.slice(at + 1)));
  }, recipe);
}

interface Flags {
  readonly recipe?: string | undefined;
  readonly task?: string | undefined;
  readonly policy?: string | undefined;
  readonly seed?: string | undefined;
  readonly set: readonly string[];
}

const seedOf = (text: string): number => checkSeed(integerFlag("seed", text, 0));

/** The setup of a new run. */
async function newSetup({ recipe = "grpo", task, policy = "tiny", seed = "1", set }: Flags): Promise<RunSetup> {
  const base = await readRecipe(recipe);
  return { recipe: withFlags(task ? withChange(base, "task", task) : base, set), policy, seed: seedOf(seed) };
}

/** A run goes on as it was begun. @throws UsageError for a flag that says something else. */
async function refuseOtherSetup(out: string, { recipe, policy, seed }: RunSetup, flags: Flags): Promise<void> {
  const same = (flag: string, given: unknown, begun: unknown) => {
    if (given !== undefined && given !== begun) throw new UsageError(`the run in ${out} was begun with ${flag}${begun}, not ${given}`);
  };
  same("--recipe ", flags.recipe && (await readRecipe(flags.recipe)).id, recipe.id);
  same("--task ", flags.task, recipe.slots.task.plugin);
  same("--policy ", flags.policy, policy);
  same("--seed ", flags.seed && seedOf(flags.seed), seed);
  for (const { path, from, to } of differences(recipe, withFlags(recipe, flags.set))) {
    const begun = from === undefined ? `without ${path}` : `with ${path} ${from}`;
    throw new UsageError(`the run in ${out} was begun ${begun}, not ${to === undefined ? "without" : `with ${to}`}`);
  }
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const out = values.out;
  if (!out) throw new UsageError("--out DIR is needed: where to put the run");
  const steps = integerFlag("steps", values.steps, 1);
  const threads = integerFlag("threads", values.threads, 1, 64);
  if (!values.resume && !values.force && existsSync(runFiles(out).run))
    throw new UsageError(`${out} holds a run already: go on with --resume, or replace it with --force`);
  if (values.recording && values.resume) throw new UsageError("--recording begins with step 1, so it cannot go with --resume");
  const kept = values.resume ? await readRun(out) : undefined;
  if (kept) await refuseOtherSetup(out, kept.file.setup, values);
  const setup = kept?.file.setup ?? (await newSetup(values));
  const base = await loadPolicyFolder(setup.policy);
  if (kept?.snapshot && kept.snapshot.state.theta.length !== base.theta.length)
    throw new UsageError(`the snapshot in ${out} is of another policy than ${setup.policy}`);
  const engine = await engineByName(values.engine, { threads, weights: values.weights, plan: kept?.file.engine?.plan });
  await makeFolder(out);
  const say = (line: string) => {
    if (!values.json) console.log(line);
  };

  const training = await Run.open(engine, setup, base, {
    ...(kept?.snapshot ? { snapshot: kept.snapshot } : {}),
    ...(values.recording ? { inspect: true } : {}),
  });
  const records: StepRecord[] = [];
  const { kind, label, plan } = engine;
  let start = kept?.file.start;
  const describe = (end?: EvaluationRecord) =>
    writeRunFile(out, { setup, engine: { kind, label, plan }, steps: training.step, ...(start ? { start } : {}), ...(end ? { end } : {}) });
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(130);
    stopping = true;
    console.error("stopping after this step; once more to stop at once");
  };
  process.on("SIGINT", stop);

  say(`${setup.recipe.name} on ${setup.recipe.slots.task.plugin}, ${setup.policy}, seed ${setup.seed}, ${label}`);
  if (!kept) {
    await clearRun(out);
    start = await training.evaluate("policy");
    await describe();
  }
  if (kept && JSON.stringify(kept.file.engine?.plan) !== JSON.stringify(plan))
    say("the run goes on with another engine or plan than before: from here on its numbers may differ in the last digits");
  if (start) say(`before: ${evaluationLine(start)}`);
  const clock = performance.now();
  let resumable = training.step;
  let end: EvaluationRecord;
  try {
    while (training.step < steps && !stopping) {
      const record = await training.complete(training.step + 1 < steps);
      await failOnEngineErrors(engine);
      await appendStep(out, record);
      if (values.recording) records.push(record);
      say(metricsLine(record.metrics!, steps));
      if (training.step % SNAPSHOT_EVERY === 0 || training.step === steps || stopping) {
        await writeSnapshot(out, await training.snapshot());
        resumable = training.step;
      }
    }
    end = await training.evaluate("policy");
    const { theta } = await training.policy.save();
    await writeCheckpointFolder(runFiles(out).policy, exportHuggingFace({ config: base.config, theta }));
    await describe(end);
    if (values.recording) await record(values.recording, training, { label, plan }, start, records);
  } catch (error) {
    const problem = fileProblem(error, out);
    if (!problem) throw error;
    throw new UsageError(`${problem}; what was written before is kept, and --resume goes on after step ${resumable}`);
  } finally {
    process.off("SIGINT", stop);
  }
  const seconds = (performance.now() - clock) / 1000;
  if (values.json) console.log(JSON.stringify({ out, steps: training.step, seconds, start, end, settings: settingsOf(setup.recipe) }));
  else
    console.log(
      `after:  ${evaluationLine(end)}\n${training.step} steps in ${seconds.toFixed(0)} s; ${out} has run.json, metrics.jsonl, rollouts.jsonl and policy/`,
    );
  training.dispose();
  engine.dispose();
}

/** Writes all that the page shows of a run. */
async function record(
  file: string,
  { setup, edits, step: steps }: Run,
  { label, plan }: Pick<Engine, "label" | "plan">,
  start: EvaluationRecord | undefined,
  records: readonly StepRecord[],
): Promise<void> {
  const savedAt = Date.now();
  const metrics = records.map((one) => one.metrics!);
  const run = { id: "", setup, edits, plan, steps, savedAt, ...(start ? { start } : {}) };
  const bytes = await pack(writeRecording({ made: { engine: label, at: savedAt }, run, metrics, records }));
  await writeFile(file, bytes).catch((error) => {
    throw new UsageError(`the recording was not written: ${fileProblem(error, file) ?? error.message}`);
  });
}

const percent = (value: number | undefined) => (value === undefined ? "–" : `${(100 * value).toFixed(1)} %`);

function evaluationLine({ passAtK, wellFormed, accuracyWhenWellFormed, problems, samples }: EvaluationRecord): string {
  const ks = Object.entries(passAtK).map(([k, value]) => `pass@${k} ${percent(value)}`);
  return `${ks.join(", ")}; well-formed ${percent(wellFormed)}, right among them ${percent(accuracyWhenWellFormed)} (${problems} problems × ${samples})`;
}

function metricsLine(metrics: Metrics, steps: number): string {
  const number = (name: string, digits: number) => (metrics[name] === undefined ? "–" : metrics[name].toFixed(digits));
  const heldOut = metrics["pass@1"] === undefined ? "" : `  held-out pass@1 ${percent(metrics["pass@1"])}`;
  return `${String(metrics.step).padStart(String(steps).length)}/${steps}  reward ${number("reward", 3)}  well-formed ${number("well_formed", 2)}  entropy ${number("entropy", 3)}  kl ${number("kl", 4)}  length ${number("completions/mean_length", 1)}  ${number("tokens_per_second", 0)} tok/s${heldOut}`;
}
