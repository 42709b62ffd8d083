import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { cardText, measure, type PolicyCard } from "../loop/card.ts";
import { MIXTURES, type PretrainSettings, pretrainStep } from "../loop/pretrain.ts";
import { exportHuggingFace } from "../policy/checkpoint.ts";
import { makeFolder, writeCheckpointFolder } from "../policy/checkpoint-folder.ts";
import { POLICY_CONFIGS, type PolicySize, parameterCount } from "../policy/config.ts";
import type { Policy } from "../policy/engine.ts";
import { initialWeights } from "../policy/initialise.ts";
import { createPortableEngine } from "../policy/portable/node.ts";
import { writeIndex } from "./policies.ts";
import { type PretrainState, readState, writeState } from "./pretrain-state.ts";
import { fileProblem, integerFlag, numberFlag, UsageError } from "./usage.ts";

const OPTIONS = {
  policy: { type: "string" },
  out: { type: "string" },
  steps: { type: "string" },
  batch: { type: "string" },
  "learning-rate": { type: "string" },
  seed: { type: "string" },
  resume: { type: "boolean", default: false },
  stop: { type: "string" },
  "save-every": { type: "string", default: "500" },
  problems: { type: "string", default: "64" },
  threads: { type: "string", default: "1" },
  force: { type: "boolean", default: false },
  index: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const HELP = `usage: rlvr pretrain --policy nano|tiny|small --out DIR [flags]

  --steps N            supervised updates in the whole schedule
  --batch N            demonstrations an update (128)
  --learning-rate X    peak of the cosine schedule
  --seed S             decides weights and demonstrations (1)
  --stop N             stop after N updates of the schedule
  --resume             go on with the unfinished run in DIR
  --save-every N       updates between saved states (500)
  --problems N         held-out problems at a task's default level when measuring, half as many at others (64)
  --threads N          threads (1)
  --force              replace what DIR holds
  --index              list DIR in the index.json of the folder that holds it`;

/** What each size is trained with unless flags say otherwise. */
const DEFAULTS: Readonly<Record<PolicySize, { readonly steps: number; readonly learningRate: number }>> = {
  nano: { steps: 6000, learningRate: 3e-3 },
  tiny: { steps: 9000, learningRate: 2e-3 },
  small: { steps: 12000, learningRate: 1e-3 },
};

const STATE_FILE = "pretrain-state.json";
const WARMUP = 100;
/** Losses that the progress lines and the card average over. */
const WINDOW = 100;

interface Job {
  readonly size: PolicySize;
  readonly settings: PretrainSettings;
  readonly state?: PretrainState;
}

/** Flags of a new run. */
function newJob(values: { policy?: string; steps?: string; batch?: string; "learning-rate"?: string; seed?: string }): Job {
  const size = values.policy as PolicySize;
  if (!Object.hasOwn(POLICY_CONFIGS, size)) {
    throw new UsageError(`--policy must be one of ${Object.keys(POLICY_CONFIGS).join(", ")}, got ${JSON.stringify(values.policy ?? "")}`);
  }
  const total = values.steps === undefined ? DEFAULTS[size].steps : integerFlag("steps", values.steps, 1, 10_000_000);
  const rate = values["learning-rate"];
  const peak = rate === undefined ? DEFAULTS[size].learningRate : numberFlag("learning-rate", rate, 1e-8, 1);
  return {
    size,
    settings: {
      seed: integerFlag("seed", values.seed ?? "1", 0, 2 ** 32 - 1),
      batch: integerFlag("batch", values.batch ?? "128", 1, 65536),
      schedule: { kind: "cosine", peak, warmup: Math.min(WARMUP, total), total, floor: 0.05 },
      weightDecay: 0.1,
    },
  };
}

/** The run that a state file holds; flags that say something else are refused. */
async function resumedJob(path: string, values: Record<string, string | boolean | undefined>): Promise<Job> {
  const state = await readState(path);
  const { settings, policy: size } = state;
  if (!Object.hasOwn(POLICY_CONFIGS, size) || parameterCount(POLICY_CONFIGS[size]) !== state.weights.theta.length) {
    throw new UsageError(`${path} is broken: its weights fit no policy`);
  }
  const begun = {
    policy: size,
    steps: settings.schedule.total,
    batch: settings.batch,
    "learning-rate": settings.schedule.peak,
    seed: settings.seed,
  };
  for (const [flag, value] of Object.entries(begun)) {
    const given = values[flag];
    const same = given === undefined || given === value || Number(given) === value;
    if (!same) throw new UsageError(`the run to resume was begun with --${flag} ${value}, not ${given}`);
  }
  return { size, settings, state };
}

const duration = (seconds: number): string => (seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`);

/** Trains from the policy's updates so far up to `until`; returns the last losses. An interrupt ends it after the step in hand. */
async function train(
  policy: Policy,
  job: Job,
  until: number,
  save: (losses: number[]) => Promise<void>,
  saveEvery: number,
): Promise<number[]> {
  const { schedule } = job.settings;
  const losses = [...(job.state?.losses ?? [])];
  const first = job.state?.weights.updates ?? 0;
  const started = performance.now();
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.once("SIGINT", interrupt);
  let step = first;
  while (step < until && !interrupted) {
    const result = await pretrainStep(policy, MIXTURES[job.size], job.settings, step++);
    if (!result.applied) throw new Error(`the gradient of step ${step} is not finite; a smaller --learning-rate may help`);
    losses.push(result.loss);
    if (losses.length > WINDOW) losses.shift();
    if (step % WINDOW === 0 || step === until) {
      const perStep = (performance.now() - started) / 1000 / (step - first);
      console.log(
        `step ${step}/${schedule.total}  loss ${mean(losses).toFixed(4)}  learning rate ${result.learningRate.toExponential(2)}  ` +
          `gradient norm ${result.gradNorm.toFixed(2)}  ${(perStep * 1000).toFixed(0)} ms a step, ${duration(perStep * (until - step))} left`,
      );
    }
    if (step % saveEvery === 0 && step < until) await save(losses);
  }
  process.off("SIGINT", interrupt);
  await save(losses);
  return losses;
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/**
 * `rlvr pretrain`: a base policy from supervised demonstrations. Writes a Hugging Face folder; at the end also `card.json` and `README.md` with
 * what was measured. `--stop N` or an interrupt leaves a state from which `--resume` goes on to the same result.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (!values.out) throw new UsageError("pretrain needs --out, a folder");
  const out = resolve(values.out);
  const statePath = join(out, STATE_FILE);
  if (!values.resume && !values.force) {
    if (existsSync(statePath))
      throw new UsageError(`${values.out} holds an unfinished pre-training: go on with --resume, or replace it with --force`);
    if (existsSync(join(out, "model.safetensors"))) throw new UsageError(`${values.out} holds a policy already: replace it with --force`);
  }
  const saveEvery = integerFlag("save-every", values["save-every"], 1, 10_000_000);
  const problems = integerFlag("problems", values.problems, 1, 4096);
  const threads = integerFlag("threads", values.threads, 1, 256);
  const job = values.resume ? await resumedJob(statePath, values) : newJob(values);
  const { size, settings } = job;
  const total = settings.schedule.total;
  const until = values.stop === undefined ? total : Math.min(total, integerFlag("stop", values.stop, 1, 10_000_000));
  const config = POLICY_CONFIGS[size];
  await makeFolder(out);
  const engine = await createPortableEngine({ threads });
  try {
    const policy = await engine.load(config, initialWeights(config, settings.seed));
    if (job.state) await policy.restore(job.state.weights);
    let resumable = job.state?.weights.updates ?? 0;
    const save = async (losses: number[]) => {
      const weights = await policy.save();
      try {
        await writeCheckpointFolder(out, exportHuggingFace({ config, theta: weights.theta }));
        await writeState(statePath, { policy: size, settings, losses, weights });
      } catch (error) {
        const problem = fileProblem(error, out);
        if (!problem) throw error;
        throw new UsageError(resumable > 0 ? `${problem}; --resume goes on after step ${resumable}` : problem);
      }
      resumable = weights.updates;
    };
    const losses = await train(policy, job, until, save, saveEvery);
    const { updates } = await policy.save();
    if (updates < until) {
      console.log(`stopped after ${updates} of ${total} steps; --resume goes on`);
      return;
    }
    console.log("measuring on held-out problems");
    const percent = (x: number) => `${(100 * x).toFixed(0)} %`.padStart(5);
    const measured = await measure(policy, { defaultLevel: problems, others: Math.ceil(problems / 2) }, (m) =>
      console.log(
        `${m.task} ${m.level}`.padEnd(18),
        `pass@1 ${percent(m.passAt1)}  pass@64 ${percent(m.passAt64)}  well-formed ${percent(m.wellFormed)}`,
      ),
    );
    const card: PolicyCard = {
      id: basename(out),
      name: `${size[0].toUpperCase()}${size.slice(1)}`,
      size,
      parameters: parameterCount(config),
      mixture: MIXTURES[size],
      steps: updates,
      seed: settings.seed,
      loss: Number(mean(losses).toFixed(4)),
      command: reproduction(job, until),
      measured,
    };
    await writeCheckpointFolder(out, { "card.json": `${JSON.stringify(card, null, 2)}\n`, "README.md": cardText(card, config) });
    if (until === total) await rm(statePath);
    if (values.index) await writeIndex(dirname(out));
  } finally {
    engine.dispose();
  }
}

/** The command that makes this policy anew. */
function reproduction({ size, settings }: Job, until: number): string {
  const { schedule, seed, batch } = settings;
  const flags = [
    `--policy ${size}`,
    "--out DIR",
    `--steps ${schedule.total}`,
    `--batch ${batch}`,
    `--learning-rate ${schedule.peak}`,
    `--seed ${seed}`,
  ];
  if (until < schedule.total) flags.push(`--stop ${until}`);
  return `npm run -s rlvr -- pretrain ${flags.join(" ")}`;
}
