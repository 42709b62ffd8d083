import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { deserialize, serialize } from "node:v8";
import type { EvaluationRecord, Metrics, StepRecord } from "../loop/record.ts";
import { checkSeed, Run, type RunSetup, type Snapshot } from "../loop/run.ts";
import { exportHuggingFace } from "../policy/checkpoint.ts";
import { writeCheckpointFolder } from "../policy/checkpoint-folder.ts";
import type { PolicyConfig } from "../policy/config.ts";
import { recipeById } from "../recipes/index.ts";
import { parseValue, type Recipe, type ResolvedRecipe, resolveRecipe, settingsOf, withChange } from "../recipes/recipe.ts";
import { engineByName, failOnEngineErrors } from "./engines.ts";
import { loadPolicyFolder } from "./policies.ts";
import { integerFlag, UsageError } from "./usage.ts";

const HELP = `usage: rlvr train --out DIR [flags]

  --recipe ID|FILE     what to train with (grpo)
  --task T             task in place of the recipe's (countdown)
  --policy P           shipped policy or folder to start from (tiny)
  --steps N            steps (150)
  --seed S             seed (1)
  --engine E           portable or webgpu (portable)
  --threads N          threads of the portable engine (1)
  --set slot.param=v   a parameter; may be repeated. slot=plugin replaces the plug-in
  --resume             go on with the run in DIR
  --json               print the summary as JSON

DIR gets run.json, metrics.jsonl, rollouts.jsonl and policy/.`;

const OPTIONS = {
  recipe: { type: "string", default: "grpo" },
  task: { type: "string" },
  policy: { type: "string", default: "tiny" },
  steps: { type: "string", default: "150" },
  seed: { type: "string", default: "1" },
  engine: { type: "string", default: "portable" },
  threads: { type: "string", default: "1" },
  set: { type: "string", multiple: true, default: [] as string[] },
  out: { type: "string" },
  resume: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** A recipe by id, or from a JSON file. */
export async function readRecipe(idOrFile: string): Promise<ResolvedRecipe> {
  if (!/[./\\]/.test(idOrFile)) return resolveRecipe(recipeById(idOrFile));
  let recipe: Recipe;
  try {
    recipe = JSON.parse(await readFile(idOrFile, "utf8"));
  } catch (error) {
    throw new UsageError(`the recipe ${idOrFile} cannot be read: ${(error as Error).message}`);
  }
  if (typeof recipe !== "object" || recipe === null || typeof recipe.id !== "string") {
    throw new UsageError(`the recipe ${idOrFile} must be an object with id, name, base and changes`);
  }
  return resolveRecipe(recipe);
}

/** Applies `--set slot.param=value` flags in order. */
export function withFlags(recipe: ResolvedRecipe, flags: readonly string[]): ResolvedRecipe {
  return flags.reduce((current, flag) => {
    const at = flag.indexOf("=");
    if (at < 1) throw new UsageError(`--set wants slot.param=value, got ${JSON.stringify(flag)}`);
    const path = flag.slice(0, at);
    return withChange(current, path, parseValue(current, path, flag.slice(at + 1)));
  }, recipe);
}

/** What `run.json` holds. */
interface RunFile {
  readonly setup: RunSetup;
  readonly engine: { readonly kind: string; readonly label: string; readonly plan: Engine["plan"] };
  readonly steps: number;
  readonly start?: EvaluationRecord;
  readonly end?: EvaluationRecord;
}
type Engine = Awaited<ReturnType<typeof engineByName>>;

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
  const kept = values.resume ? await readKept(out) : undefined;
  const setup: RunSetup = kept?.file.setup ?? {
    recipe: withFlags(
      values.task ? withChange(await readRecipe(values.recipe), "task", values.task) : await readRecipe(values.recipe),
      values.set,
    ),
    policy: values.policy,
    seed: checkSeed(integerFlag("seed", values.seed, 0)),
  };
  const base = await loadPolicyFolder(setup.policy);
  const engine = await engineByName(values.engine, { threads });
  await mkdir(out, { recursive: true });
  const files = runFiles(out);
  const say = (line: string) => {
    if (!values.json) console.log(line);
  };

  const training = await Run.open(engine, setup, base, kept ? { snapshot: kept.snapshot } : {});
  const describe = async (end?: EvaluationRecord) => {
    const file: RunFile = {
      setup,
      engine: { kind: engine.kind, label: engine.label, plan: engine.plan },
      steps: training.step,
      ...(start ? { start } : {}),
      ...(end ? { end } : {}),
    };
    await writeWhole(files.run, `${JSON.stringify(file, null, 1)}\n`);
  };
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(130);
    stopping = true;
    console.error("stopping after this step; once more to stop at once");
  };
  process.on("SIGINT", stop);

  say(`${setup.recipe.name} on ${setup.recipe.slots.task.plugin}, ${setup.policy}, seed ${setup.seed}, ${engine.label}`);
  let start = kept?.file.start;
  if (!kept) {
    start = await training.evaluate("policy");
    await writeFile(files.metrics, "");
    await writeFile(files.rollouts, "");
    await describe();
  }
  if (start) say(`before: ${evaluationLine(start)}`);
  const clock = performance.now();
  while (training.step < steps && !stopping) {
    let record: StepRecord | undefined;
    for await (const phase of training.next()) record = phase;
    await failOnEngineErrors(engine);
    await appendFile(files.metrics, `${JSON.stringify(record!.metrics)}\n`);
    await appendFile(files.rollouts, record!.rollouts.map((_, row) => `${JSON.stringify(rolloutLine(record!, row))}\n`).join(""));
    say(metricsLine(record!.metrics!, steps));
    if (training.step % 10 === 0 || training.step === steps || stopping)
      await writeWhole(files.snapshot, serialize(await training.snapshot()));
  }
  const end = await training.evaluate("policy");
  await writeCheckpointFolder(
    files.policy,
    exportHuggingFace({ config: base.config as PolicyConfig, theta: (await training.policy.save()).theta }),
  );
  await describe(end);
  process.off("SIGINT", stop);
  const seconds = (performance.now() - clock) / 1000;
  if (values.json) console.log(JSON.stringify({ out, steps: training.step, seconds, start, end, settings: settingsOf(setup.recipe) }));
  else
    console.log(
      `after:  ${evaluationLine(end)}\n${training.step} steps in ${seconds.toFixed(0)} s; ${out} has run.json, metrics.jsonl, rollouts.jsonl and policy/`,
    );
  training.dispose();
  engine.dispose();
}

const runFiles = (out: string) => ({
  run: join(out, "run.json"),
  metrics: join(out, "metrics.jsonl"),
  rollouts: join(out, "rollouts.jsonl"),
  snapshot: join(out, "snapshot.bin"),
  policy: join(out, "policy"),
});

/** Writes beside the file and moves it into place, so that a crash leaves the old one. */
async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}

/** A run to go on with: its setup and last snapshot. Lines written after the snapshot are cut off; they will be written again. */
async function readKept(out: string): Promise<{ file: RunFile; snapshot: Snapshot }> {
  const files = runFiles(out);
  let file: RunFile;
  let snapshot: Snapshot;
  try {
    file = JSON.parse(await readFile(files.run, "utf8"));
    snapshot = deserialize(await readFile(files.snapshot));
  } catch (error) {
    throw new UsageError(`there is no run to go on with in ${out}: ${(error as Error).message}`);
  }
  for (const path of [files.metrics, files.rollouts]) {
    const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "" && JSON.parse(line).step <= snapshot.step);
    await writeWhole(path, lines.map((line) => `${line}\n`).join(""));
  }
  return { file, snapshot };
}

/** A rollout as verl's dumps have it, and what we know beyond. */
function rolloutLine(record: StepRecord, row: number): Record<string, unknown> {
  const rollout = record.rollouts[row];
  const { problem } = record.groups[rollout.group];
  const { score, reason, parts } = rollout.verdict!;
  return {
    step: record.step,
    input: problem.prompt,
    output: rollout.text,
    gts: problem.truth,
    score,
    reward: rollout.reward,
    advantage: rollout.advantage,
    task: problem.task,
    level: problem.level,
    group: rollout.group,
    row,
    round: rollout.round,
    finished: rollout.finished,
    well_formed: parts.wellFormed,
    reason,
    length: record.tokens!.offsets[row + 1] - record.tokens!.offsets[row],
  };
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
